"""A grid of images as training sees them: the original on the left, its augmented versions beside it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image

from vision_ft.data.images.decode import decode
from vision_ft.data.images.paint import background_of, draw_boxes, paint_mask
from vision_ft.data.loading.dataset import sample_seed
from vision_ft.data.loading.targets import LabelTruth, Movement, Truth
from vision_ft.data.table import SampleTable

GAP_PX = 4
TILE_PX = 128
MARKED_TILE_PX = 208  # masks and boxes must be told from what they lie on
VERSIONS, MARKED_VERSIONS = 7, 4
BACKGROUND = (246, 246, 246)


def draw_augmentation_grid(
    table: SampleTable,
    rows: Sequence[int] | np.ndarray,
    *,
    augment: Movement,
    channels: int,
    truth: Truth | None = None,
) -> Image.Image:
    """Draw one line per image: the original, then augmented ones with the seeds of epochs 1, 2, ...

    Args:
        table: the images.
        rows: of the table, whose targets are known.
        augment: the preset.
        channels: 1 or 3.
        truth: draws what moves with the image: masks as translucent colours, boxes as outlines.

    Raises:
        DataError: an image or a mask cannot be read.
    """
    targets = truth or LabelTruth(table.labels)
    is_marked = targets.is_drawn
    tile_px, versions = (MARKED_TILE_PX, MARKED_VERSIONS) if is_marked else (TILE_PX, VERSIONS)
    step, unpainted = tile_px + GAP_PX, background_of(table.classes.names)
    grid = Image.new("RGB", (step * (versions + 1) + GAP_PX, step * max(len(rows), 1) + GAP_PX), BACKGROUND)
    for line, row in enumerate(int(row) for row in rows):
        # What lies on an image is in pixels of the file, so that such an image is not decoded at a smaller scale.
        picture = decode(
            table.path(row), channels=1 if channels == 1 else 3, min_side=None if is_marked else 2 * tile_px
        )
        array = np.asarray(picture)
        array = array if array.ndim == 3 else array[:, :, None]
        tiles = [(array, targets.read(row))]
        tiles += [
            targets.augmented(row, array, sample_seed(0, epoch, row), augment) for epoch in range(1, versions + 1)
        ]
        for column, (tile, target) in enumerate(tiles):
            marked = _fit(tile, target if is_marked else None, tile_px, unpainted=unpainted)
            grid.paste(marked, (GAP_PX + column * step, GAP_PX + line * step))
    return grid


def _fit(array: np.ndarray, marks: Any, tile_px: int, *, unpainted: int | None) -> Image.Image:
    """Return the image (H, W, C) with its marks, a mask (H, W) or boxes with labels, fitted into a square tile."""
    image = Image.fromarray(array[:, :, 0] if array.shape[2] == 1 else array).convert("RGB")
    scale = min(tile_px / image.width, tile_px / image.height, 1.0)
    size = max(round(image.width * scale), 1), max(round(image.height * scale), 1)
    image = image.resize(size, Image.Resampling.LANCZOS) if size != image.size else image
    if isinstance(marks, np.ndarray):
        mask = np.asarray(Image.fromarray(marks.astype(np.uint8)).resize(size, Image.Resampling.NEAREST))
        image = Image.fromarray(paint_mask(np.asarray(image), mask, unpainted=unpainted))
    elif marks is not None:
        boxes, labels = marks[:2]
        image = draw_boxes(image, np.asarray(boxes) * scale, np.asarray(labels))
    tile = Image.new("RGB", (tile_px, tile_px), BACKGROUND)
    tile.paste(image, ((tile_px - image.width) // 2, (tile_px - image.height) // 2))
    return tile
