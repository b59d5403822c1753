"""The one image decoder: from a file, whatever its format and mode, to upright 8-bit RGB or grey pixels.

Rules, the same for training, prediction and the audit:

- The format is decided by the content, never by the extension, and only `ALLOWED_FORMATS` are opened.
- An image that is cut or damaged is refused; it is decoded once a file object, because a second attempt after a
  failure "succeeds" with black rows in Pillow.
- EXIF orientation is applied. Other metadata, colour profiles included, is ignored, and never fails a good image.
- Transparency is composited on white. Of an animation the first frame counts.
- 16-bit grey is divided by 257 (65535 becomes 255). 32-bit integers state no range, so each such image is stretched
  from its own minimum..maximum. Floating-point pixels are refused.
"""

from __future__ import annotations

import io
import os
import stat
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image, UnidentifiedImageError

from vision_ft.data.audit.signatures import describe_non_picture
from vision_ft.data.images.pillow import TRANSPOSE_BY_ORIENTATION, quiet_pillow, read_orientation
from vision_ft.errors import DataError

ALLOWED_FORMATS = ("JPEG", "MPO", "PNG", "WEBP", "BMP", "GIF", "TIFF", "PPM", "AVIF")
EXTENSIONS_BY_FORMAT = {
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif"),
    "MPO": (".mpo", ".jpg", ".jpeg"),
    "PNG": (".png", ".apng"),
    "WEBP": (".webp",),
    "BMP": (".bmp", ".dib"),
    "GIF": (".gif",),
    "TIFF": (".tif", ".tiff"),
    "PPM": (".ppm", ".pgm", ".pbm", ".pnm"),
    "AVIF": (".avif",),
}
EXTENSIONS = frozenset(extension for names in EXTENSIONS_BY_FORMAT.values() for extension in names)
MAX_PIXELS = 100_000_000  # RGB of this size takes 300 MB; a camera of today makes 50 million
BACKGROUND = (255, 255, 255)  # what transparent pixels are composited on


class ImageError(DataError):
    """An image that cannot be used.

    Attributes:
        kind: the audit's name for it: "empty-file", "not-a-image", "truncated", "corrupt" or "missing-file".
        reason: the message without the file.
    """

    def __init__(self, file: Path | str, kind: str, reason: str) -> None:
        super().__init__(f"{printable(file)}: {reason}")
        self.kind = kind
        self.reason = reason


@dataclass(frozen=True)
class Decoded:
    """A decoded image and what its file was like.

    Attributes:
        image: the pixels, "RGB" or "L", upright.
        format: Pillow's name of the file format.
        mode: Pillow's mode of the stored pixels, before any conversion.
        size: (width, height) in pixels, upright, before any reduction.
        orientation: EXIF orientation that was applied, 1 when none.
        animated: whether more frames than the first exist.
    """

    image: Image.Image
    format: str
    mode: str
    size: tuple[int, int]
    orientation: int
    animated: bool


def decode(
    path: Path | str, *, channels: int = 3, max_pixels: int = MAX_PIXELS, min_side: int | None = None
) -> Image.Image:
    """Decode an image file to upright "RGB" (`channels` 3) or "L" (1) pixels.

    Args:
        path: the file.
        channels: 3 or 1.
        max_pixels: larger images are refused from their header, before memory is taken.
        min_side: let JPEG decode at 1/2, 1/4 or 1/8 scale while the shorter side stays at least this long, in pixels;
            other formats ignore it.

    Raises:
        DataError: the file is no usable image; the message names it and the reason.
    """
    with open_regular(path) as stream:
        return decode_stream(stream, path, channels=channels, max_pixels=max_pixels, min_side=min_side).image


def open_regular(path: Path | str) -> BinaryIO:
    """Open a regular file; devices, pipes and folders, which may never end, are refused."""
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):  # noqa: PTH116 - Path() costs more than the call in a hot loop
            raise ImageError(path, "not-a-picture", "not a regular file (a folder, device or pipe).")
        return Path(path).open("rb")
    except FileNotFoundError as err:
        raise ImageError(path, "missing-file", "no such file.") from err
    except (OSError, ValueError) as err:  # ValueError: a NUL in the name
        raise ImageError(path, "missing-file", f"cannot be opened ({err}).") from err


def decode_stream(
    stream: BinaryIO,
    name: Path | str,
    *,
    channels: int = 3,
    max_pixels: int = MAX_PIXELS,
    min_side: int | None = None,
    details: bool = False,
) -> Decoded:
    """Decode an open image file; `name` is only for messages. `animated` is looked up when `details` are asked for.

    Raises:
        ImageError: the stream holds no usable image.
    """
    assert channels in (1, 3), channels
    with quiet_pillow():
        try:
            with Image.open(stream, formats=available_formats()) as image:
                return _decode_opened(
                    image, name, channels=channels, max_pixels=max_pixels, min_side=min_side, details=details
                )
        except ImageError:
            raise
        except UnidentifiedImageError as err:
            raise ImageError(name, *_diagnose(stream)) from err
        except Exception as err:  # on hostile bytes Pillow raises nearly any type, and MemoryError
            raise ImageError(name, *_explain(err, stream)) from err


@lru_cache(maxsize=1)
def available_formats() -> tuple[str, ...]:
    """Return the allowed formats that this Pillow was built with."""
    Image.init()
    return tuple(name for name in ALLOWED_FORMATS if name in Image.OPEN)


def printable(path: Path | str) -> str:
    r"""Return a path that can be printed anywhere: bytes that are not UTF-8 show as `\xNN`."""
    return os.fspath(path).encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def to_uint8(image: Image.Image, name: Path | str) -> Image.Image:
    """Bring pixels of more than 8 bits to 8 by their range; 8-bit images return as they are.

    Raises:
        ImageError: floating-point pixels, which have no range.
    """
    if image.mode == "F":
        raise ImageError(
            name, "corrupt", "floating-point pixels have no 0..255 range; save it as 8-bit or 16-bit integers."
        )
    if image.mode.startswith("I;16") or (image.mode == "I" and image.format in ("PNG", "PPM")):
        values = np.asarray(image).astype(np.uint32)  # Pillow holds 16-bit PGM in a 32-bit mode, range 0..65535
        return Image.fromarray(((values + 128) // 257).astype(np.uint8))
    if image.mode != "I":
        return image
    values = np.asarray(image).astype(np.float64)
    low, high = values.min(), values.max()
    scaled = (values - low) * (255.0 / (high - low)) if high > low else np.clip(values, 0, 255)
    return Image.fromarray(np.rint(scaled).astype(np.uint8))


def _decode_opened(
    image: Image.Image, name: Path | str, *, channels: int, max_pixels: int, min_side: int | None, details: bool
) -> Decoded:
    """Load the pixels of an opened image once and bring them to the asked mode."""
    width, height = image.size
    if width * height > max_pixels:
        raise ImageError(
            name,
            "corrupt",
            f"{width} x {height} = {width * height / 1e6:.0f} million pixels, allowed are {max_pixels / 1e6:.0f} "
            "million (a decompression bomb?). Scale it down or raise max_pixels.",
        )
    mode, file_format = image.mode, image.format or "?"
    # TIFF only: load() turns it and forgets; a PNG would be loaded by this, and its errors swallowed
    orientation = read_orientation(image) if file_format == "TIFF" else 1
    if file_format in ("JPEG", "MPO") and (channels == 1 or min_side is not None):
        # grey comes from the luminance as it is stored, without a detour over RGB
        image.draft("L" if channels == 1 else None, (min_side, min_side) if min_side is not None else None)
    image.load()
    pending = read_orientation(image)
    pixels = _flatten(to_uint8(image, name), "RGB" if channels == 3 else "L")
    if pending in TRANSPOSE_BY_ORIENTATION:
        pixels = pixels.transpose(TRANSPOSE_BY_ORIENTATION[pending])
    if file_format == "TIFF":
        width, height = pixels.size
    elif pending >= 5:
        width, height = height, width
    return Decoded(
        image=pixels,
        format=file_format,
        mode=mode,
        size=(width, height),
        orientation=max(orientation, pending),
        animated=details and file_format not in ("MPO", "TIFF") and bool(getattr(image, "is_animated", False)),
    )


def _flatten(image: Image.Image, mode: str) -> Image.Image:
    """Composite transparency on the background and convert to `mode`."""
    if image.has_transparency_data:
        colours = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", colours.size, (*BACKGROUND, 255)), colours)
        return image.convert("RGB") if mode == "RGB" else image.convert("RGB").convert(mode)
    if image.mode == mode:
        return image.copy()  # the opened image owns the file; a copy lives on
    return image.convert("RGB") if mode == "RGB" else image.convert(mode)


def _diagnose(stream: BinaryIO) -> tuple[str, str]:
    """Say what a file is that no allowed format recognised: (kind, reason)."""
    stream.seek(0)
    return describe_non_picture(stream.read(4096), allowed=available_formats())


def _explain(error: Exception, stream: BinaryIO) -> tuple[str, str]:
    """Turn a decoder's exception into (kind, reason)."""
    text = str(error) or type(error).__name__
    size = stream.seek(0, io.SEEK_END)
    if any(word in text.lower() for word in ("truncated", "not enough", "unexpected end", "eof")):
        return "truncated", f"cut short, the file ends too early at {size} bytes ({text}). Copy it again."
    return "corrupt", f"damaged, cannot be decoded ({text})."
