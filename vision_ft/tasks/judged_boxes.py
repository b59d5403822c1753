"""The boxes of a detector in the pixels of the images, together with the true ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np

from vision_ft.data.loading.targets import BoxTruth
from vision_ft.data.sizes import image_sizes
from vision_ft.evaluate.boxes.curves import DEFAULT_THRESHOLD
from vision_ft.evaluate.boxes.predictions import BoxPredictions
from vision_ft.tasks.spec import Judging, ReadOut
from vision_ft.types import Batch, Detections

Found = tuple[np.ndarray, np.ndarray, np.ndarray]  # boxes (M, 4) in pixels of the image, scores (M,), labels (M,)


def read_out(where: Judging) -> ReadOut:
    """Return what brings a batch's boxes from the pixels of the network's input into those of the images."""
    height, width = where.preprocessing.size[1:]
    sizes = image_sizes(where.table)

    def scale(found: list[Detections], batch: Batch) -> list[Found]:
        scaled = []
        for one, row in zip(found, batch.ids.tolist(), strict=True):
            factor = np.array([sizes[row][1] / width, sizes[row][0] / height] * 2, dtype=np.float32)
            boxes = one.boxes.float().cpu().numpy() * factor
            scaled.append((boxes, one.scores.float().cpu().numpy(), one.labels.cpu().numpy()))
        return scaled

    return scale


def collect(where: Judging, rows: np.ndarray, found: Sequence[Found]) -> BoxPredictions:
    """Put the boxes found in rows together with the true ones."""
    table, truth = where.table, cast("BoxTruth", where.truth)
    true = [truth.read_all(int(row)) for row in rows]
    return BoxPredictions(
        classes=table.classes.names,
        sizes=image_sizes(table)[rows],
        boxes=[boxes for boxes, _, _ in found],
        scores=[scores for _, scores, _ in found],
        labels=[labels for _, _, labels in found],
        target_boxes=[boxes for boxes, _, _ in true],
        target_labels=[labels for _, labels, _ in true],
        ignored=[ignored for _, _, ignored in true],
        thresholds=np.full(len(table.classes), DEFAULT_THRESHOLD),
        **where.about(rows),
    )
