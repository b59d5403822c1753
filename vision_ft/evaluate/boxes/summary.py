"""Detection metrics as a registry, F1-best thresholds, the worst images, and one JSON-able summary with intervals."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from vision_ft.evaluate.boxes.curves import average_precision, best_threshold, final_recall, mean_defined
from vision_ft.evaluate.boxes.errors import ERROR_KINDS, confuse_boxes, error_counts, explain_boxes, mended_ap50
from vision_ft.evaluate.boxes.intervals import (
    bootstrap_intervals,
    class_rows,
    curve_rows,
    group_rows,
    picture_errors,
    picture_f1,
)
from vision_ft.evaluate.boxes.matching import IOU_THRESHOLDS
from vision_ft.evaluate.boxes.predictions import BoxPredictions
from vision_ft.evaluate.intervals import plain
from vision_ft.evaluate.summaries import BoxSummary

ERROR_WEIGHTS = {  # of the worst images: a wrong object counts whole; a box that is only loose, or there twice, half
    "missed": 1.0,
    "background": 1.0,
    "class": 1.0,
    "both": 1.0,
    "localisation": 0.5,
    "duplicate": 0.5,
}


@dataclass(frozen=True)
class BoxMetric:
    """A detection metric as the registry holds it; more is better.

    Attributes:
        compute: gives the number in [0, 1], NaN where it is not defined.
        meaning: a sentence for people.
    """

    compute: Callable[[BoxPredictions], float]
    meaning: str


def _mean_precision(area: str = "all", *, iou: float | None = None) -> Callable[[BoxPredictions], float]:
    at = slice(None) if iou is None else np.isclose(IOU_THRESHOLDS, iou)

    def compute(predictions: BoxPredictions) -> float:
        return mean_defined(average_precision(predictions.matches(area), np.ones(len(predictions)))[:, at])

    return compute


def _mean_recall(predictions: BoxPredictions) -> float:
    return mean_defined(final_recall(predictions.matches()))


BOX_METRICS: dict[str, BoxMetric] = {
    "map": BoxMetric(_mean_precision(), "average precision, mean over the classes and the IoU thresholds 0.50 to 0.95"),
    "map50": BoxMetric(_mean_precision(iou=0.5), "average precision where a box that half fits (IoU 0.5) is a hit"),
    "map75": BoxMetric(_mean_precision(iou=0.75), "average precision where a hit needs a close fit (IoU 0.75)"),
    "map_small": BoxMetric(_mean_precision("small"), "map of objects under 32 x 32 pixels"),
    "map_medium": BoxMetric(_mean_precision("medium"), "map of objects from 32 x 32 to 96 x 96 pixels"),
    "map_large": BoxMetric(_mean_precision("large"), "map of objects over 96 x 96 pixels"),
    "mar100": BoxMetric(_mean_recall, "share of the objects found by 100 boxes of a class, mean over classes and IoU"),
}


def best_thresholds(predictions: BoxPredictions) -> np.ndarray:
    """Score (K,) from which on each class reaches its best F1 at IoU 0.5; to be chosen on val, then applied elsewhere.

    0.5 for a class without a true box or without a hit.
    """
    return np.array([best_threshold(matches) for matches in predictions.matches()])


def worst_first(predictions: BoxPredictions) -> np.ndarray:
    """Positions (N,) of the images, most errors at the thresholds first, weighted by `ERROR_WEIGHTS`.

    Ties go to the lower F1, then keep their order; an image without any box comes after those of equal errors.
    """
    explained = explain_boxes(predictions)
    counts = error_counts(predictions, explained)
    errors = np.sum([weight * counts[kind] for kind, weight in ERROR_WEIGHTS.items()], axis=0)
    return np.lexsort((picture_f1(predictions, explained), -errors))  # NaN sorts last, equal rows keep their order


def summarise_boxes(predictions: BoxPredictions, *, seed: int = 0, draws: int = 200) -> BoxSummary:
    """All numbers of one split, ready for JSON (NaN is None); every interval is a 95% interval.

    Average precision takes the best 100 detections of a class in an image, or more where an image holds more such
    objects; precision, recall, F1, the confusion and the error counts take all that reach the threshold of their class,
    at IoU 0.5. Averages leave out classes without a true box. Intervals are a
    bootstrap over images, with eight groups or more over whole groups ("interval_over" says which).

    Args:
        predictions: of the split, with the thresholds chosen on val.
        seed: of the bootstrap.
        draws: of the bootstrap.
    """
    explained = explain_boxes(predictions)
    intervals = bootstrap_intervals(predictions, draws=draws, seed=seed)
    counts = error_counts(predictions, explained)
    numbers = {name: metric.compute(predictions) for name, metric in BOX_METRICS.items()}
    result = {
        "n": len(predictions),
        "boxes": int((~predictions.truth.ignored).sum()),
        "ignored": int(predictions.truth.ignored.sum()),
        **numbers,
        "map_interval": intervals.map,
        "map50_interval": intervals.map50,
        "interval_over": intervals.over,
        "per_class": class_rows(predictions, intervals),
        "thresholds": dict(zip(predictions.classes, predictions.cutoffs, strict=True)),
        "confusion": confuse_boxes(predictions, explained),
        "errors": {kind: counts[kind].sum() for kind in ERROR_KINDS},
        "errors_ap50": mended_ap50(predictions),
        "curves": curve_rows(predictions),
        "by_group": group_rows(predictions),
        "per_picture": {
            "errors": picture_errors(predictions, explained),
            "f1": picture_f1(predictions, explained),
        },
    }
    plain_result: BoxSummary = plain(result)
    return plain_result
