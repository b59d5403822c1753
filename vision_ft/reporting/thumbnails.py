"""Which pictures the report shows, and their thumbnails within a budget of bytes."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from vision_ft.data.images.decode import decode
from vision_ft.errors import DataError
from vision_ft.reporting.collect.run import SplitView

if TYPE_CHECKING:
    from PIL import Image

THUMBNAIL_PX = 112  # longest side; 96 shown at 1x, and still sharp enough to judge a label
WEBP_QUALITY = 60
BUDGET_BYTES = 12_000_000  # base64 characters of all thumbnails: leaves room for tables below 20 MB with 500 classes
WORST_FIRST = 60  # the pictures of the "worst mistakes" section
PER_CELL = 24
PER_DIAGONAL = 4
MAX_ITEMS = 12_000  # pictures listed (with or without thumbnail) per split; mistakes.csv holds all mistakes
WORKERS = 4
BATCH = 64


@dataclass(frozen=True)
class Thumbnails:
    """What was encoded.

    Attributes:
        uri_by_path: data URIs by the picture's path in the predictions.
        missing: paths that could not be read.
        left_out: pictures that the budget did not cover.
    """

    uri_by_path: dict[str, str]
    missing: tuple[str, ...]
    left_out: int


def load_picture(path: Path) -> Image.Image:
    """Decode a picture at the smallest scale that still fills a thumbnail."""
    return decode(path, min_side=96)


def choose_rows(split: SplitView, *, limit: int = MAX_ITEMS) -> list[int]:
    """Rows of a split in the order in which they deserve a picture.

    The most confident mistakes come first, then the mistakes of each cell of the confusion matrix in turn (first
    one of every cell, then a second, ...), then a few right ones of each class: the least and the most confident.
    """
    cells = _rows_by_cell(split)
    wrong = [rows for (true, predicted), rows in cells.items() if true != predicted]
    right = [_ends(rows) for (true, predicted), rows in cells.items() if true == predicted]
    wrong.sort(key=len, reverse=True)
    order = [int(row) for row in split.mistakes[:WORST_FIRST]]
    order += [*_in_turn(wrong, 0, 2), *_in_turn(right, 0, PER_DIAGONAL), *_in_turn(wrong, 2, PER_CELL)]
    order += _in_turn(wrong, PER_CELL, None)
    return list(islice(dict.fromkeys(order), limit))


def _rows_by_cell(split: SplitView) -> dict[tuple[int, int], list[int]]:
    """Rows of each cell that is not empty, most confident first."""
    targets, predicted = split.predictions.targets, split.predictions.predicted
    rows = np.flatnonzero(targets >= 0)
    if split.confidence is not None:
        rows = rows[np.argsort(-split.confidence[rows], kind="stable")]
    cells: dict[tuple[int, int], list[int]] = {}
    for row in rows.tolist():
        cells.setdefault((int(targets[row]), int(predicted[row])), []).append(row)
    return cells


def _ends(rows: Sequence[int]) -> list[int]:
    """Least and most confident of the right ones, taking turns."""
    pairs = zip(reversed(rows), rows, strict=True)
    return list(dict.fromkeys(row for pair in pairs for row in pair))[:PER_DIAGONAL]


def _in_turn(lists: Sequence[Sequence[int]], start: int, stop: int | None) -> Iterator[int]:
    longest = max((len(rows) for rows in lists), default=0)
    for rank in range(start, longest if stop is None else min(stop, longest)):
        for rows in lists:
            if rank < len(rows):
                yield rows[rank]


def build_thumbnails(
    paths: Sequence[str],
    picture: Callable[[str], Path],
    *,
    load: Callable[[Path], Image.Image] = load_picture,
    budget_bytes: int = BUDGET_BYTES,
) -> Thumbnails:
    """Encode thumbnails in the given order until the budget is spent; unreadable pictures are listed as missing."""
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
    """Open the grid of augmented pictures."""
    return decode(file)
