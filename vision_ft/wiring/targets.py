"""Targets of a table's images for a model's preprocessing."""

from __future__ import annotations

import numpy as np

from vision_ft.data.kinds import KINDS
from vision_ft.data.loading.targets import PlainMovement, Truth
from vision_ft.data.table import SampleTable
from vision_ft.types import Preprocessing


def build_targets(table: SampleTable, preprocessing: Preprocessing, *, keep_bytes: int = 0) -> Truth:
    """Return the targets of a table's images; decoded masks stay in memory up to `keep_bytes`."""
    return KINDS[table.task].targets(table, plain_movement(preprocessing), keep_bytes=keep_bytes)


def plain_movement(preprocessing: Preprocessing) -> PlainMovement:
    """Return the geometry of evaluation, for masks and boxes."""
    from vision_ft.augment.geometry import EvalGeometry  # here: albumentations takes a second

    height, width = preprocessing.size[1:]
    geometry = EvalGeometry(
        (height, width), crop_pct=preprocessing.crop_pct, crop_mode=preprocessing.crop_mode, filter_name="nearest"
    )
    in_pixels = np.array([width, height, width, height], dtype=np.float64)

    def move_boxes(boxes: np.ndarray, size: tuple[int, int]) -> np.ndarray:
        shares = boxes / np.array([size[1], size[0], size[1], size[0]], dtype=np.float64)
        return np.clip(geometry.apply_to_bboxes(shares, shape=size) * in_pixels, 0, in_pixels)

    return PlainMovement(geometry.apply_to_mask, move_boxes)
