"""What the galleries of masks and boxes embed: images, and label maps that the page's script paints.

A label map travels as its deflated class indices, about two kilobytes. The script colours it anew for each choice of
class and kind of error; images with the colours burnt in would be as many as there are choices.
"""

from __future__ import annotations

import base64
import io
import zlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from vision_ft.data.images.decode import decode
from vision_ft.data.images.paint import class_colour
from vision_ft.errors import DataError

LONG_SIDE_PX = 480
MAX_IMAGES = 60  # of a split
WEBP_QUALITY = 72
WORKERS = 4
ERROR_COLOURS = {  # the kinds of wrong pixels and boxes; told apart with any colour vision, by lightness too
    "missed": "#e8203c",
    "ghost": "#ff9d1c",
    "background": "#ff9d1c",
    "confused": "#8e44d6",
    "class": "#8e44d6",
    "localisation": "#1f8fe0",
    "both": "#b8457f",
    "duplicate": "#12a584",
}


@dataclass(frozen=True)
class Shown:
    """An image as the gallery shows it.

    Attributes:
        uri: webp as a data URI, "" where the image cannot be read.
        width: in pixels, of the image and of its label maps; 0 where it cannot be read.
        height: likewise.
    """

    uri: str
    width: int
    height: int


def show_pictures(files: Sequence[Path]) -> list[Shown]:
    """Encode images so that their longer side has at most 480 pixels."""
    with ThreadPoolExecutor(WORKERS) as pool:
        return list(pool.map(_show, files))


def _show(file: Path) -> Shown:
    try:
        image = decode(file, min_side=LONG_SIDE_PX)
    except (DataError, OSError, ValueError):  # ValueError: a path with a NUL byte
        return Shown("", 0, 0)
    image.thumbnail((LONG_SIDE_PX, LONG_SIDE_PX))
    stream = io.BytesIO()
    image.save(stream, "WEBP", quality=WEBP_QUALITY)
    uri = "data:image/webp;base64," + base64.b64encode(stream.getvalue()).decode("ascii")
    return Shown(uri, image.width, image.height)


def shown_size(height: int, width: int) -> tuple[int, int]:
    """Return the (width, height) at which an image of that size is shown."""
    scale = min(LONG_SIDE_PX / max(height, width), 1.0)
    return max(round(width * scale), 1), max(round(height * scale), 1)


def pack_labels(labels: np.ndarray, size: tuple[int, int]) -> str:
    """Return a label map (H, W) uint8, reduced to (width, height) by nearest neighbour, deflated and as base64."""
    small = np.asarray(Image.fromarray(labels).resize(size, Image.Resampling.NEAREST))
    return base64.b64encode(zlib.compress(small.tobytes(), 9)).decode("ascii")


def class_colours(num_classes: int) -> list[str]:
    """Return a colour "#rrggbb" a class; they repeat beyond the palette's end."""
    return [class_colour(index) for index in range(num_classes)]
