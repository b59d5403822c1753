"""Thumbnails of images within a budget of bytes."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from vision_ft.data.images.decode import decode
from vision_ft.errors import DataError

if TYPE_CHECKING:
    from PIL import Image

THUMBNAIL_PX = 112  # longest side; 96 shown at 1x, and still sharp enough to judge a label
WEBP_QUALITY = 60
BUDGET_BYTES = 12_000_000  # base64 characters of all thumbnails: leaves room for tables below 20 MB with 500 classes
WORKERS = 4
BATCH = 64


@dataclass(frozen=True)
class Thumbnails:
    """What was encoded.

    Attributes:
        uri_by_path: data URIs by the image's path in the predictions.
        missing: paths that could not be read.
        left_out: images that the budget did not cover.
    """

    uri_by_path: dict[str, str]
    missing: tuple[str, ...]
    left_out: int


def load_picture(path: Path) -> Image.Image:
    """Decode an image at the smallest scale that still fills a thumbnail."""
    return decode(path, min_side=96)


def build_thumbnails(
    paths: Sequence[str],
    picture: Callable[[str], Path],
    *,
    load: Callable[[Path], Image.Image] = load_picture,
    budget_bytes: int = BUDGET_BYTES,
) -> Thumbnails:
    """Encode thumbnails in the given order until the budget is spent; unreadable images are listed as missing."""
    wanted = list(dict.fromkeys(paths))
    found: dict[str, str] = {}
    missing: list[str] = []
    spent = done = 0
    with ThreadPoolExecutor(WORKERS) as pool:
        while done < len(wanted) and spent < budget_bytes:
            batch = wanted[done : done + BATCH]
            done += len(batch)
            for path, uri in zip(batch, pool.map(lambda path: _encode(picture(path), load), batch), strict=True):
                if uri is None:
                    missing.append(path)
                else:
                    found[path] = uri
                    spent += len(uri)
    return Thumbnails(found, tuple(missing), len(wanted) - done)


def _encode(file: Path, load: Callable[[Path], Image.Image]) -> str | None:
    try:
        image = load(file)
    except (DataError, OSError, ValueError):  # ValueError: a path with a NUL byte in another tool's file
        return None
    image = image.convert("RGB")
    image.thumbnail((THUMBNAIL_PX, THUMBNAIL_PX))
    stream = io.BytesIO()
    image.save(stream, "WEBP", quality=WEBP_QUALITY)
    return "data:image/webp;base64," + base64.b64encode(stream.getvalue()).decode("ascii")


def open_grid(file: Path) -> Image.Image:
    """Open the grid of augmented images."""
    return decode(file)
