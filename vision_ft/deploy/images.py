"""Images as a person has them - files, folders, PIL images, arrays, streams of these - opened as upright PIL images."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from vision_ft.data.images.decode import EXTENSIONS, decode, printable
from vision_ft.errors import DataError

ImageLike = str | Path | Image.Image | np.ndarray
Source = ImageLike | Iterable[ImageLike]


def images_of(source: Source) -> Iterable[ImageLike]:
    """Return the images of a source one after the other; nothing is opened, and a generator is not begun.

    Args:
        source: a file, a folder (its images at any depth, in order of their names), a PIL image, an array (H, W),
            (H, W, 1) or (H, W, 3), an array (N, H, W, 1) or (N, H, W, 3) of N images, or a list, a generator or any
            other iterable of files, PIL images and arrays.

    Raises:
        DataError: it is none of these, or a folder without an image.
    """
    if isinstance(source, str | Path):
        return find_images(Path(source)) if Path(source).is_dir() else [source]
    if isinstance(source, np.ndarray):
        return source if source.ndim == 4 else [source]
    if isinstance(source, Image.Image):
        return [source]
    if isinstance(source, Mapping | bytes | bytearray) or not isinstance(source, Iterable):
        raise DataError(
            f"got a {type(source).__name__}; allowed: a path, a PIL image, an array (H, W, C) or (N, H, W, C), or a "
            "list or generator of paths, PIL images and arrays (H, W, C)."
        )
    return source


def find_images(source: Path) -> list[Path]:
    """Return the image files of a folder, at any depth and in order of their names, or the one file given.

    Raises:
        DataError: nothing is there.
    """
    if not source.exists():
        raise DataError(f"{printable(source)}: no such file or folder.")
    if source.is_file():
        return [source]
    files = sorted(
        file
        for file in source.rglob("*")
        if file.suffix.lower() in EXTENSIONS and file.is_file() and not file.name.startswith(".")
    )
    if not files:
        raise DataError(f"{source}: no image found. Allowed extensions: {', '.join(sorted(EXTENSIONS))}.")
    return files


def open_image(image: Any, channels: int) -> Image.Image:
    """Return an upright "RGB" image, or "L" for one channel.

    Raises:
        DataError: the image cannot be decoded or is of another kind than `ImageLike`.
    """
    if isinstance(image, str | Path):
        return decode(Path(image), channels=1 if channels == 1 else 3)
    if isinstance(image, np.ndarray):
        image = _from_array(image)
    if not isinstance(image, Image.Image):
        raise DataError(f"got a {type(image).__name__}; allowed: a path, a PIL image, or an array (H, W, C).")
    return image.convert("L" if channels == 1 else "RGB")


def path_of(image: Any) -> str:
    """Return the file of an image, "" for one in memory."""
    return str(image) if isinstance(image, str | Path) else ""


def _from_array(array: np.ndarray) -> Image.Image:
    if array.dtype != np.uint8 or array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (1, 3)):
        raise DataError(
            f"got an array of shape {array.shape} and type {array.dtype}; allowed: uint8 of shape (H, W), (H, W, 1) or "
            "(H, W, 3), channels last, RGB."
        )
    return Image.fromarray(array[:, :, 0] if array.ndim == 3 and array.shape[2] == 1 else array)
