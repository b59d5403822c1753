"""Scoring of boxes: COCO's mAP, at IoU 0.5 too; thresholds fitted on val."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from vision_ft.evaluate.boxes.curves import average_precision, mean_defined
from vision_ft.evaluate.boxes.errors import explain_boxes
from vision_ft.evaluate.boxes.intervals import bootstrap_intervals, picture_f1
from vision_ft.evaluate.boxes.predictions import BoxPredictions, read_box_predictions, write_box_predictions
from vision_ft.evaluate.boxes.summary import best_thresholds, summarise_boxes
from vision_ft.evaluate.drawn import Measured
from vision_ft.evaluate.resampling import Interval
from vision_ft.evaluate.scoring.base import Compared, MetricInfo, Scoring

DRAWS = 200  # of intervals
REPLICATES = 500  # of differences; an average precision has to be read off the sorted boxes anew for each set
ROUNDING_PX = 0.01  # boxes nearer than this are the same box


def _intervals(predictions: BoxPredictions, *, seed: int = 0) -> dict[str, Interval]:
    found = bootstrap_intervals(predictions, draws=DRAWS, seed=seed)
    return {"map": found.map, "map50": found.map50}


def _measure(predictions: BoxPredictions, weights: np.ndarray) -> Measured:
    precision = np.stack([average_precision(predictions.matches(), weight) for weight in weights])  # (R, K, I)
    scores = {
        "map": np.array([mean_defined(one) for one in precision]),
        "map50": np.array([mean_defined(one[:, 0]) for one in precision]),
    }
    return Measured(scores, precision.mean(axis=2))


def _settle(by_split: Mapping[str, BoxPredictions]) -> dict[str, BoxPredictions]:
    """Give all splits the thresholds with the best F1 on val."""
    if "val" not in by_split:
        return dict(by_split)
    thresholds = best_thresholds(by_split["val"])
    return {split: made.with_thresholds(thresholds) for split, made in by_split.items()}


def _settled(predictions: BoxPredictions) -> dict[str, dict[str, float]]:
    rounded = (round(float(value), 4) for value in predictions.cutoffs)
    return {"thresholds": dict(zip(predictions.classes, rounded, strict=True))}


def _equal(first: BoxPredictions, second: BoxPredictions) -> np.ndarray:
    parts = ("boxes", "scores", "labels")
    return np.array(
        [
            all(np.array_equal(getattr(first, part)[row], getattr(second, part)[row]) for part in parts)
            for row in range(len(first))
        ],
        bool,
    )


def _same_truth(first: BoxPredictions, second: BoxPredictions) -> np.ndarray:
    def same(row: int) -> bool:
        held, other = _sorted_truth(first, row), _sorted_truth(second, row)
        return held.shape == other.shape and bool(np.allclose(held, other, rtol=0, atol=ROUNDING_PX))

    return np.array([same(row) for row in range(len(first))], bool)


def _sorted_truth(predictions: BoxPredictions, row: int) -> np.ndarray:
    """True boxes (T, 6) with class and whether they are ignored, in an order that does not depend on the file's."""
    ignored = np.zeros(len(predictions.target_labels[row])) if predictions.ignored is None else predictions.ignored[row]
    held = np.column_stack([predictions.target_labels[row], ignored, predictions.target_boxes[row]])
    return held[np.lexsort(held.T[::-1])]


def _with_classes(predictions: BoxPredictions, classes: tuple[str, ...]) -> BoxPredictions:
    if predictions.classes == classes:
        return predictions
    order = np.array([predictions.classes.index(name) for name in classes])
    position = np.argsort(order)
    return replace(
        predictions,
        classes=classes,
        labels=[position[labels] for labels in predictions.labels],
        target_labels=[position[labels] for labels in predictions.target_labels],
        thresholds=predictions.cutoffs[order],
    )


SCORING = Scoring(
    metrics=(MetricInfo("map", "mAP"), MetricInfo("map50", "mAP50")),
    selects="map",
    gates="map50",  # measured: whether an object is found matters more on a new camera than how tight its box is
    read=read_box_predictions,
    write=write_box_predictions,
    judged=lambda predictions: np.ones(len(predictions), bool),
    summarise=summarise_boxes,
    headline=lambda predictions: predictions.headline(),
    intervals=_intervals,
    measure=_measure,
    replicates=lambda _predictions: REPLICATES,
    settle=_settle,
    settled=_settled,
    compared=Compared(
        of_class="AP",
        of_image="F1",
        per_image=lambda predictions: picture_f1(predictions, explain_boxes(predictions)),
        holding=lambda predictions: np.stack([one.truths > 0 for one in predictions.matches()], axis=1),
        with_classes=_with_classes,
        equal=_equal,
        same_truth=_same_truth,
        truth="other true boxes",
    ),
)
