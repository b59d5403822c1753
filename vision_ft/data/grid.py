"""A grid of pictures as training sees them: the original on the left, its augmented versions beside it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image

from vision_ft.data.dataset import sample_seed
from vision_ft.data.decode import decode
from vision_ft.data.table import SampleTable
from vision_ft.data.truth import Movement

GAP_PX = 4
TILE_PX = 128
BACKGROUND = (246, 246, 246)


def draw_augmentation_grid(
    table: SampleTable, rows: Sequence[int] | np.ndarray, *, augment: Movement, channels: int, versions: int = 7
) -> Image.Image:
    """Draw one line a picture: the original, then `versions` augmented ones with the seeds of epochs 1, 2, ...

    Raises:
        DataError: a picture cannot be decoded.
    """
    step = TILE_PX + GAP_PX
    grid = Image.new("RGB", (step * (versions + 1) + GAP_PX, step * max(len(rows), 1) + GAP_PX), BACKGROUND)
    for line, row in enumerate(int(row) for row in rows):
        picture = decode(table.path(row), channels=1 if channels == 1 else 3, min_side=2 * TILE_PX)
        array = np.asarray(picture)
        array = array if array.ndim == 3 else array[:, :, None]
        tiles = [array, *(augment(array, sample_seed(0, epoch, row)) for epoch in range(1, versions + 1))]
        for column, tile in enumerate(tiles):
            grid.paste(_fit(tile), (GAP_PX + column * step, GAP_PX + line * step))
    return grid


def _fit(array: np.ndarray) -> Image.Image:
    """Return the picture (H, W, C) fitted into a square tile."""
    image = Image.fromarray(array[:, :, 0] if array.shape[2] == 1 else array).convert("RGB")
    image.thumbnail((TILE_PX, TILE_PX))
    tile = Image.new("RGB", (TILE_PX, TILE_PX), BACKGROUND)
    tile.paste(image, ((TILE_PX - image.width) // 2, (TILE_PX - image.height) // 2))
    return tile
