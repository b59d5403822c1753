"""What a comparison and an adaptation read of masks and of boxes, side by side in one registry."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from vision_ft.evaluate.boxes.errors import explain_boxes
from vision_ft.evaluate.boxes.intervals import bootstrap_intervals, picture_f1
from vision_ft.evaluate.boxes.predictions import BoxPredictions
from vision_ft.evaluate.masks.metrics import MASK_METRICS, ClassAreas
from vision_ft.evaluate.masks.predictions import MaskPredictions
from vision_ft.evaluate.masks.summary import summarise_masks

BOX_DRAWS = 200


@dataclass(frozen=True)
class DenseTask:
    """A task whose answers are masks or boxes.

    Attributes:
        metrics: of the two that a table of runs shows, the first ranks.
        of_class: what is measured of each class, in words.
        of_picture: what is measured of each picture, in words.
        intervals: predictions, seed -> metric -> its 95% interval, NaN or None where too little is known.
        score_pictures: predictions -> (N,) in [0, 1], NaN where a picture has nothing to be judged by.
        holding: predictions -> (N, K) whether the truth of a picture holds the class.
    """

    metrics: tuple[str, str]
    of_class: str
    of_picture: str
    intervals: Callable[[Any, int], dict[str, Any]]
    score_pictures: Callable[[Any], np.ndarray]
    holding: Callable[[Any], np.ndarray]


def _mask_intervals(predictions: MaskPredictions, seed: int) -> dict[str, Any]:
    numbers = summarise_masks(predictions, seed=seed)
    return {name: numbers[f"{name}_interval"] for name in MASK_METRICS}


def _score_masks(predictions: MaskPredictions) -> np.ndarray:
    return np.asarray(MASK_METRICS["miou"].compute(ClassAreas(*np.moveaxis(predictions.areas, 1, 0))))


def _box_intervals(predictions: BoxPredictions, seed: int) -> dict[str, Any]:
    found = bootstrap_intervals(predictions, draws=BOX_DRAWS, seed=seed)
    return {"map": found.map, "map50": found.map50}


def _score_boxes(predictions: BoxPredictions) -> np.ndarray:
    return picture_f1(predictions, explain_boxes(predictions))


DENSE_TASKS: dict[str, DenseTask] = {
    "segmentation": DenseTask(
        metrics=("miou", "pixel_accuracy"),
        of_class="IoU",
        of_picture="mIoU",
        intervals=_mask_intervals,
        score_pictures=_score_masks,
        holding=lambda predictions: predictions.areas[:, 1] > 0,
    ),
    "detection": DenseTask(
        metrics=("map", "map50"),
        of_class="AP",
        of_picture="F1",
        intervals=_box_intervals,
        score_pictures=_score_boxes,
        holding=lambda predictions: np.stack([one.truths > 0 for one in predictions.matches()], axis=1),
    ),
}
