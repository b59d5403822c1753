"""Two models of masks or boxes on the same pictures: the change of a metric over sets of pictures drawn anew."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from vision_ft.errors import DataError
from vision_ft.evaluate.boxes.curves import average_precision, mean_defined
from vision_ft.evaluate.boxes.predictions import BoxPredictions
from vision_ft.evaluate.comparing.paired import Difference, draw_weights
from vision_ft.evaluate.masks.metrics import MASK_METRICS, ClassAreas
from vision_ft.evaluate.masks.predictions import MaskPredictions
from vision_ft.evaluate.slices import MIN_GROUPS_FOR_INTERVAL

# An average precision has to be read off the sorted boxes anew for each set; areas are only added up.
REPLICATES = {"segmentation": 2000, "detection": 500}
MIN_PICTURES = MIN_GROUPS_FOR_INTERVAL
Groups = Sequence[str | None] | np.ndarray | None


@dataclass(frozen=True)
class Measured:
    """The metrics of R sets of pictures.

    Attributes:
        scores: metric -> (R,), NaN where it is not defined.
        classes: (R, K) IoU or average precision of each class, NaN for a class that a set does not hold.
    """

    scores: Mapping[str, np.ndarray]
    classes: np.ndarray


@dataclass(frozen=True)
class Drawn:
    """One model's metrics over all pictures, and over sets drawn anew from them.

    Attributes:
        whole: over all pictures, R = 1.
        sets: over the drawn sets. Those of two models are the same sets where pictures, groups and seed are.
    """

    whole: Measured
    sets: Measured


def draw_metrics(predictions: Any, *, groups: Groups = None, seed: int = 0, replicates: int | None = None) -> Drawn:
    """Measure a model on its pictures and on sets of them drawn with replacement.

    Of fewer than five pictures no set is drawn, and nothing is known but the whole: they would agree by chance.

    Args:
        predictions: `MaskPredictions` or `BoxPredictions` of at least one picture.
        groups: (N,) camera, sequence, ... of each picture. With at least eight groups whole groups are drawn.
        seed: of the drawing.
        replicates: sets; None takes the task's `REPLICATES`.
    """
    measure, count = MEASURES[predictions.task], len(predictions)
    wanted = REPLICATES[predictions.task] if replicates is None else replicates
    drawn = draw_weights(count, groups=groups, replicates=wanted, seed=seed)
    parts = [measure(predictions, weights) for weights in (drawn if count >= MIN_PICTURES else [np.zeros((1, count))])]
    sets = Measured(
        {name: np.concatenate([part.scores[name] for part in parts]) for name in parts[0].scores},
        np.concatenate([part.classes for part in parts]),
    )
    return Drawn(measure(predictions, np.ones((1, count))), sets)


def change_between(before: Drawn, after: Drawn, metric: str) -> Difference:
    """Return after minus before in a metric with its 95% paired percentile interval.

    The pairs stay together, so what both models find hard cancels out. Sets in which the metric is not defined are left
    out; NaN where all are.

    Raises:
        DataError: the metric is not one of the task's.
    """
    if metric not in before.whole.scores:
        raise DataError(f"change between two models: got metric {metric!r}; allowed: {', '.join(before.whole.scores)}")
    value = float(after.whole.scores[metric][0] - before.whole.scores[metric][0])
    return difference_of(value, after.sets.scores[metric] - before.sets.scores[metric])


def difference_of(value: float, changes: np.ndarray) -> Difference:
    """Return a value with the ends of the 95% interval of its changes (R,) over drawn sets."""
    known = changes[~np.isnan(changes)]
    if np.isnan(value) or not known.size:
        return Difference(value, np.nan, np.nan)
    low, high = np.percentile(known, [2.5, 97.5])
    return Difference(value, float(low), float(high))


def chance_of(changes: np.ndarray) -> float:
    """Two-sided p value of changes (R,) over drawn sets: how far from its interval zero lies.

    The percentile interval turned round (Efron & Tibshirani 1993, sec. 15.4), with one set added to either side, so
    that no p is below 2 / (R + 1). 1 where nothing changes or nothing was measured.
    """
    known = changes[~np.isnan(changes)]
    tail = min(int((known <= 0).sum()), int((known >= 0).sum()))
    return min(2 * (tail + 1) / (known.size + 1), 1.0)


def _measure_masks(predictions: MaskPredictions, weights: np.ndarray) -> Measured:
    areas = ClassAreas(*np.moveaxis(np.tensordot(weights, predictions.areas, axes=1), -2, 0))
    return Measured({name: np.asarray(metric.compute(areas)) for name, metric in MASK_METRICS.items()}, areas.iou)


def _measure_boxes(predictions: BoxPredictions, weights: np.ndarray) -> Measured:
    precision = np.stack([average_precision(predictions.matches(), weight) for weight in weights])  # (R, K, I)
    scores = {
        "map": np.array([mean_defined(one) for one in precision]),
        "map50": np.array([mean_defined(one[:, 0]) for one in precision]),
    }
    return Measured(scores, precision.mean(axis=2))


MEASURES: dict[str, Callable[[Any, np.ndarray], Measured]] = {
    "segmentation": _measure_masks,
    "detection": _measure_boxes,
}
