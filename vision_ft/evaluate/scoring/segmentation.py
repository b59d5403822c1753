"""Scoring of masks: mIoU, Dice and pixel accuracy of the pixels of all images together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from vision_ft.evaluate.drawn import Measured
from vision_ft.evaluate.masks.metrics import MASK_METRICS, ClassAreas
from vision_ft.evaluate.masks.predictions import MaskPredictions, read_mask_predictions, write_mask_predictions
from vision_ft.evaluate.masks.summary import summarise_masks
from vision_ft.evaluate.resampling import REPLICATES, Interval
from vision_ft.evaluate.scoring.base import Compared, MetricInfo, Scoring


def _intervals(predictions: MaskPredictions, *, seed: int = 0) -> dict[str, Interval]:
    numbers = summarise_masks(predictions, seed=seed)
    held: Mapping[str, Any] = numbers
    return {name: held[f"{name}_interval"] for name in MASK_METRICS}


def _measure(predictions: MaskPredictions, weights: np.ndarray) -> Measured:
    areas = ClassAreas(*np.moveaxis(np.tensordot(weights, predictions.areas, axes=1), -2, 0))
    return Measured({name: np.asarray(metric.compute(areas)) for name, metric in MASK_METRICS.items()}, areas.iou)


def _per_image(predictions: MaskPredictions) -> np.ndarray:
    return np.asarray(MASK_METRICS["miou"].compute(ClassAreas(*np.moveaxis(predictions.areas, 1, 0))))


def _equal(first: MaskPredictions, second: MaskPredictions) -> np.ndarray:
    counts = [
        np.column_stack([part.reshape(len(part), -1) for part in (one.confusion, one.boundary)])
        for one in (first, second)
    ]
    return np.asarray((counts[0] == counts[1]).all(axis=1))


def _same_truth(first: MaskPredictions, second: MaskPredictions) -> np.ndarray:
    """Whether as many pixels of each class, and as many ignored ones, lie in the true masks."""
    true = [one.confusion.sum(axis=2) for one in (first, second)]
    return np.asarray((true[0] == true[1]).all(axis=1) & (first.ignored == second.ignored))


def _with_classes(predictions: MaskPredictions, classes: tuple[str, ...]) -> MaskPredictions:
    if predictions.classes == classes:
        return predictions
    order = np.array([predictions.classes.index(name) for name in classes])
    confusion = predictions.confusion[:, order][:, :, order]
    return replace(predictions, classes=classes, confusion=confusion, boundary=predictions.boundary[:, order])


SCORING = Scoring(
    metrics=(
        MetricInfo("miou", "mIoU"),
        MetricInfo("dice", "Dice"),
        MetricInfo("pixel_accuracy", "pixel accuracy"),
    ),
    also=(MetricInfo("boundary_f", "boundary F"),),
    selects="miou",
    gates="miou",
    read=read_mask_predictions,
    write=write_mask_predictions,
    judged=lambda predictions: predictions.counted > 0,
    summarise=summarise_masks,
    headline=lambda predictions: predictions.headline(),
    intervals=_intervals,
    measure=_measure,
    replicates=lambda _predictions: REPLICATES,
    compared=Compared(
        of_class="IoU",
        of_image="mIoU",
        per_image=_per_image,
        holding=lambda predictions: predictions.areas[:, 1] > 0,
        with_classes=_with_classes,
        equal=_equal,
        same_truth=_same_truth,
        truth="another mask",
    ),
)
