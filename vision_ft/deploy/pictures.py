"""Pictures as a person has them - files, PIL pictures, arrays - opened as upright PIL pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from vision_ft.data.images.decode import decode
from vision_ft.errors import DataError

Picture = str | Path | Image.Image | np.ndarray


def open_picture(picture: Picture, channels: int) -> Image.Image:
    """Return an upright "RGB" picture, or "L" for one channel.

    Raises:
        DataError: the picture cannot be decoded or is of another kind.
    """
    if isinstance(picture, str | Path):
        return decode(Path(picture), channels=1 if channels == 1 else 3)
    if isinstance(picture, np.ndarray):
        picture = _from_array(picture)
    if not isinstance(picture, Image.Image):
        raise DataError(f"got a {type(picture).__name__}; allowed: a path, a PIL picture, or an array (H, W, C).")
    return picture.convert("L" if channels == 1 else "RGB")


def path_of(picture: Picture) -> str:
    """Return the file of a picture, "" for one in memory."""
    return str(picture) if isinstance(picture, str | Path) else ""


def _from_array(array: np.ndarray) -> Image.Image:
    if array.dtype != np.uint8 or array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (1, 3)):
        raise DataError(
            f"got an array of shape {array.shape} and type {array.dtype}; allowed: uint8 of shape (H, W), (H, W, 1) or "
            "(H, W, 3), channels last, RGB."
        )
    return Image.fromarray(array[:, :, 0] if array.ndim == 3 and array.shape[2] == 1 else array)
