"""Pillow helpers: warnings, decompression limits, EXIF."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from PIL import Image, ImageFile

EXIF_ORIENTATION = 0x0112
TRANSPOSE_BY_ORIENTATION = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


class _Quiet:
    """Pillow's process-wide settings while threads decode; the first one in sets them, the last out restores them."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.depth = 0
        self.saved: tuple[Any, ...] = ()

    def enter(self) -> None:
        with self.lock:
            self.depth += 1
            if self.depth > 1:
                return
            self.saved = (warnings.filters[:], Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES)
            warnings.filterwarnings("ignore", module=r"PIL\.")  # remarks on metadata; the audit says what matters
            Image.MAX_IMAGE_PIXELS = None  # the decoder has a limit of its own, checked before pixels are read
            ImageFile.LOAD_TRUNCATED_IMAGES = False  # another library may have switched it on

    def leave(self) -> None:
        with self.lock:
            self.depth -= 1
            if self.depth:
                return
            filters, Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES = self.saved
            warnings.filters[:] = filters  # type: ignore[index]  # a list, typed as a sequence


_QUIET = _Quiet()  # warnings.catch_warnings would race between decoding threads


@contextmanager
def quiet_pillow() -> Iterator[None]:
    """Silence Pillow's warnings and lift its pixel limit, safely from many threads at once."""
    _QUIET.enter()
    try:
        yield
    finally:
        _QUIET.leave()


def read_orientation(image: Image.Image) -> int:
    """Return the EXIF orientation of an opened image, 1 when absent, illegal or unreadable."""
    try:
        value = image.getexif().get(EXIF_ORIENTATION, 1)
    except Exception:  # broken metadata raises any type and must not fail a good image
        return 1
    return value if isinstance(value, int) and value in TRANSPOSE_BY_ORIENTATION else 1
