"""What the audit learns about one image file, and the findings that follow from it."""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image

from vision_ft.data.audit.phash import HASH_SIDE, THUMB_SIDE, perceptual_hashes
from vision_ft.data.images.decode import EXTENSIONS_BY_FORMAT, Decoded, ImageError, decode_stream, open_regular
from vision_ft.types import Finding

MEASURED_SIDE = 128  # images are scaled to this before sharpness is measured, so that values can be compared
TINY_SIDE = 16  # px; below half a patch of a ViT, or half the total stride of a CNN, there is nothing to see
PLAIN_SPREAD = 1.0  # grey levels of standard deviation; JPEG noise on one colour stays below
# Of about 300 real images, copies rescaled by 0.33..1.6 and saved as JPEG were found again at 98-100%; with BOX,
# which jumps between pixels at odd scales, at 92-100%.
FILTER = Image.Resampling.BILINEAR
_Remark = tuple[Literal["warning", "info"], str, str]  # level, kind, detail


class Record(NamedTuple):
    """One scanned file; numbers are None when it cannot be decoded.

    Attributes:
        file_bytes: size of the file.
        mtime_ns: when it was last changed; with the size it tells whether a stored record is still true.
        hash: of the content, "" when unreadable.
        error_kind: why it cannot be used, "" for a good image.
        error_reason: the same as a sentence.
        format: Pillow's name of the format.
        mode: Pillow's mode of the stored pixels.
        animated: whether there are more frames.
        orientation: EXIF orientation, 1 = upright.
        width: px, upright.
        height: px, upright.
        brightness: mean grey in [0, 1].
        sharpness: variance of the Laplacian of the grey image at 128 px; low = blurred.
        spread: standard deviation of the grey values, 0..255.
        phash: perceptual hash, 16 hex digits.
        phash_mirrored: the same of the mirrored image.
        thumb: 16 x 16 grey values.
    """

    file_bytes: int
    mtime_ns: int
    hash: str = ""
    error_kind: str = ""
    error_reason: str = ""
    format: str = ""
    mode: str = ""
    animated: bool = False
    orientation: int = 1
    width: int | None = None
    height: int | None = None
    brightness: float | None = None
    sharpness: float | None = None
    spread: float | None = None
    phash: str | None = None
    phash_mirrored: str | None = None
    thumb: bytes | None = None


def examine(path: Path, *, max_pixels: int) -> Record:
    """Read and decode an image once, at the smallest scale that still shows what is measured."""
    try:
        with open_regular(path) as stream:
            about = os.fstat(stream.fileno())
            content = stream.read()
    except ImageError as err:
        return Record(0, 0, error_kind=err.kind, error_reason=err.reason)
    seen = Record(about.st_size, about.st_mtime_ns, hash=hashlib.blake2b(content, digest_size=16).hexdigest())
    try:
        decoded = decode_stream(
            io.BytesIO(content), path, channels=1, max_pixels=max_pixels, min_side=MEASURED_SIDE, details=True
        )
    except ImageError as err:
        return seen._replace(error_kind=err.kind, error_reason=err.reason)
    return _measure(seen, decoded)


def _measure(seen: Record, decoded: Decoded) -> Record:
    """Add the numbers of a decoded image to its record."""
    image = decoded.image
    size = (min(image.width, MEASURED_SIDE), min(image.height, MEASURED_SIDE))
    small = image.resize(size, FILTER) if image.size != size else image
    tile = np.asarray(small.resize((HASH_SIDE, HASH_SIDE), FILTER))
    factor = HASH_SIDE // THUMB_SIDE
    thumb = tile.reshape(THUMB_SIDE, factor, THUMB_SIDE, factor).mean(axis=(1, 3))
    upright, mirrored = perceptual_hashes(tile)
    grey = np.asarray(small, dtype=np.float32)
    return seen._replace(
        format=decoded.format,
        mode=decoded.mode,
        animated=decoded.animated,
        orientation=decoded.orientation,
        width=decoded.size[0],
        height=decoded.size[1],
        brightness=float(grey.mean()) / 255,
        sharpness=_laplacian_variance(grey),
        spread=float(grey.std()),
        phash=f"{upright:016x}",
        phash_mirrored=f"{mirrored:016x}",
        thumb=np.rint(thumb).astype(np.uint8).tobytes(),
    )


def _laplacian_variance(grey: npt.NDArray[np.float32]) -> float:
    """Return the variance of the 4-neighbour Laplacian; 0 for images without an inner pixel."""
    if min(grey.shape) < 3:
        return 0.0
    inner = grey[1:-1, 1:-1]
    return float((grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:] - 4 * inner).var())


def describe(path: str, record: Record) -> list[Finding]:
    """Return the findings about one image; `path` is the table's."""
    if record.error_kind:
        return [Finding("error", record.error_kind, path, record.error_reason)]
    remarks = [*_remark_file(path, record), *_remark_pixels(record)]
    return [Finding(level, kind, path, detail) for level, kind, detail in remarks]


def _remark_file(path: str, record: Record) -> Iterator[_Remark]:
    """Yield what is odd about the file."""
    extension = os.path.splitext(path)[1].lower()  # noqa: PTH122 - the table's text, not a file of this system
    if extension not in EXTENSIONS_BY_FORMAT[record.format]:
        yield "warning", "wrong-extension", f"named {extension or 'without extension'}, but it is {record.format}."
    if record.animated:
        yield "warning", "animated", "more than one frame; the first is used."
    if record.orientation != 1:
        yield "info", "exif-rotated", f"EXIF orientation {record.orientation} is applied."


def _remark_pixels(record: Record) -> Iterator[_Remark]:
    """Yield what is odd about the pixels."""
    if record.mode == "CMYK":
        yield "info", "cmyk", "print colours (CMYK) are converted to RGB."
    if record.mode.startswith("I"):
        yield "info", "16-bit", f"more than 8 bits a pixel (mode {record.mode}) are scaled to 8."
    if record.mode in ("P", "PA"):
        yield "info", "palette", "a palette of at most 256 colours is converted to RGB."
    if min(record.width or 0, record.height or 0) < TINY_SIDE:
        yield "warning", "tiny", f"only {record.width} x {record.height} px."
    elif record.spread is not None and record.spread < PLAIN_SPREAD:
        yield "warning", "one-colour", "nearly all pixels have one value."
