"""Read a mask file: its exact pixel codes, then the class index of each pixel."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

from vision_ft.data.class_table import ClassTable, Code, describe_codes
from vision_ft.data.images.decode import MAX_PIXELS, ImageError, open_regular
from vision_ft.data.images.pillow import quiet_pillow
from vision_ft.types import UNLABELLED

IGNORED_PIXEL = 255  # of masks in memory, which are uint8: what moves pixels takes no negative numbers
FORMATS = ("PNG", "TIFF", "BMP", "GIF", "PPM", "JPEG", "WEBP")
LOSSY = ("JPEG", "WEBP")  # fit for soft masks only
GREY_WITHIN = 12  # levels between the channels of a grey pixel that was stored as a colour JPEG
Pixels = npt.NDArray[Any]


def read_mask(path: Path, table: ClassTable) -> npt.NDArray[np.int32]:
    """Return the class index (H, W) of each pixel, -1 where it is ignored.

    Raises:
        ImageError: the mask cannot be read exactly, or holds codes that the table has not.
    """
    if table.threshold is not None:
        is_upper = read_shares(path) >= table.threshold
        order = np.argsort(np.array(table.codes))
        return np.where(is_upper, order[-1], order[0]).astype(np.int32)
    codes = read_codes(path, coloured=table.is_coloured)
    if not table.is_coloured and codes.size and int(codes.max()) <= 1 and (1 in table.codes) is False:
        codes = _widen_bilevel(path, codes, table)
    lookup = {pack(code): index for index, code in enumerate(table.codes)}
    lookup |= {pack(code): UNLABELLED for code in table.ignored}
    packed = pack_colours(codes) if table.is_coloured else codes.astype(np.int64)
    found, inverse = np.unique(packed, return_inverse=True)
    unknown = [code for code in found.tolist() if code not in lookup]
    if unknown:
        names = describe_codes([unpack(code) if table.is_coloured else code for code in unknown])
        known = describe_codes([*table.codes, *table.ignored], limit=20)
        hint = " If 255 is to be ignored, add the line 'ignore,255' to the class table." if unknown == [255] else ""
        raise ImageError(
            path, "mask-values", f"the mask holds {names}, which the class table has not; it has {known}.{hint}"
        )
    indices = np.array([lookup[code] for code in found.tolist()], dtype=np.int32)
    return indices[inverse].reshape(packed.shape)


def read_codes(path: Path, *, coloured: bool) -> Pixels:
    """Return the stored values (H, W), or with `coloured` the colours (H, W, 3), exactly as the file has them.

    A palette gives its index, or its colour. RGB with equal channels counts as grey.

    Raises:
        ImageError: the file is damaged, lossy, or has no exact values of this kind.
    """
    return _read(path, _colours if coloured else _values, lossy=False)


def read_shares(path: Path) -> Pixels:
    """Return the share of white (H, W), 0..1, of a grey mask file; lossy formats are welcome.

    Raises:
        ImageError: the file is damaged, in colour, or its values have no known range.
    """
    return _read(path, _shares, lossy=True)


def _read(path: Path, pixels: Callable[[Image.Image, Path], Pixels], *, lossy: bool) -> Pixels:
    """Open a mask and return what `pixels` takes from it."""
    with open_regular(path) as stream, quiet_pillow():
        try:
            with Image.open(stream, formats=FORMATS) as image:
                if image.format in LOSSY and not lossy:
                    raise ImageError(
                        path,
                        "mask-lossy",
                        f"{image.format} changes values near edges. Save masks as PNG, or set data.mask_threshold.",
                    )
                if image.width * image.height > MAX_PIXELS:
                    raise ImageError(path, "corrupt", f"the mask has {image.width} x {image.height} pixels.")
                image.load()
                return pixels(image, path)
        except ImageError:
            raise
        except UnidentifiedImageError as err:
            raise ImageError(path, "not-a-picture", "the mask is no image. Save masks as PNG.") from err
        except Exception as err:  # on hostile bytes Pillow raises nearly any type
            raise ImageError(path, "corrupt", f"the mask is damaged ({str(err) or type(err).__name__}).") from err


def _shares(image: Image.Image, path: Path) -> Pixels:
    """Return the share of white of each pixel."""
    if image.mode == "F":
        values = np.asarray(image).astype(np.float64)
        if not (np.isfinite(values).all() and values.min() >= 0 and values.max() <= 1):
            raise ImageError(path, "mask-values", "fractions of a soft mask must lie in 0..1.")
        return values
    if image.mode == "I" and image.format not in ("PNG", "PPM"):
        raise ImageError(path, "mask-values", "32-bit values of a soft mask have no known range. Save it as PNG.")
    if image.mode == "I" or image.mode.startswith("I;16"):
        return np.asarray(image).astype(np.float64) / 65535
    pixels = _opaque(image, path).astype(np.int64)
    if (pixels.max(axis=-1) - pixels.min(axis=-1)).max(initial=0) > GREY_WITHIN:
        raise ImageError(path, "mask-colours", "the mask is coloured; data.mask_threshold parts grey values.")
    return pixels.mean(axis=-1) / 255


def _values(image: Image.Image, path: Path) -> Pixels:
    """Return one value a pixel."""
    if image.mode in ("L", "P", "1", "I") or image.mode.startswith("I;16"):
        return np.asarray(image).astype(np.int64)
    if image.mode == "F":
        values = np.asarray(image)
        if not np.array_equal(values, np.rint(values)) or values.min() < 0:
            raise ImageError(path, "mask-values", "the mask holds fractions. Save whole class values as PNG.")
        return values.astype(np.int64)
    pixels = _opaque(image, path)
    if (pixels[..., 0] == pixels[..., 1]).all() and (pixels[..., 0] == pixels[..., 2]).all():
        return pixels[..., 0].astype(np.int64)
    raise ImageError(
        path,
        "mask-colours",
        "the mask is coloured, but the class table has values. Give a colour table: classes.csv with name,r,g,b.",
    )


def _colours(image: Image.Image, path: Path) -> Pixels:
    """Return one colour a pixel."""
    if image.mode in ("F", "I") or image.mode.startswith("I;16"):
        raise ImageError(path, "mask-colours", f"a mask of mode {image.mode} has values, the class table colours.")
    return _opaque(image, path)


def _opaque(image: Image.Image, path: Path) -> Pixels:
    """Return the RGB pixels of an image without half-transparent ones."""
    if image.has_transparency_data:
        pixels = np.asarray(image.convert("RGBA"))
        if (pixels[..., 3] != 255).any():
            raise ImageError(path, "mask-colours", "the mask has transparent pixels. Save it without transparency.")
        return pixels[..., :3]
    return np.asarray(image.convert("RGB"))


def _widen_bilevel(path: Path, codes: Pixels, table: ClassTable) -> Pixels:
    """Return 0 and 255 for a 1-bit mask whose table has 0 and 255."""
    if 255 not in (*table.codes, *table.ignored):
        return codes
    with open_regular(path) as stream, quiet_pillow(), Image.open(stream, formats=FORMATS) as image:
        return codes * 255 if image.mode == "1" else codes


def pack(code: Code) -> int:
    """Return a code as one number."""
    return code if isinstance(code, int) else (code[0] << 16) | (code[1] << 8) | code[2]


def unpack(number: int) -> tuple[int, int, int]:
    """Return the colour of a packed number."""
    return number >> 16, (number >> 8) & 255, number & 255


def pack_colours(pixels: Pixels) -> npt.NDArray[np.int64]:
    """Return colours (H, W, 3) as one number a pixel (H, W)."""
    wide = pixels.astype(np.int64)
    return (wide[..., 0] << 16) | (wide[..., 1] << 8) | wide[..., 2]
