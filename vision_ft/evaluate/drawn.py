"""A model's metrics over all images and over sets of them drawn anew, and the change of a metric between two models."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from vision_ft.errors import DataError
from vision_ft.evaluate.comparing.paired import Difference
from vision_ft.evaluate.resampling import MIN_IMAGES, draw_weights, interval

Measure = Callable[[Any, np.ndarray], "Measured"]  # predictions of N images, how often each counts (R, N)


@dataclass(frozen=True)
class Measured:
    """The metrics of R sets of images.

    Attributes:
        scores: metric -> (R,), NaN where it is not defined.
        classes: (R, K) what is measured of each class, NaN for a class that a set does not hold.
    """

    scores: Mapping[str, np.ndarray]
    classes: np.ndarray


@dataclass(frozen=True)
class Drawn:
    """One model's metrics over all images, and over sets drawn anew from them.

    Attributes:
        whole: over all images, R = 1.
        sets: over the drawn sets. Those of two models are the same sets where images, groups and seed are.
    """

    whole: Measured
    sets: Measured


def draw_metrics(predictions: Any, measure: Measure, *, replicates: int, seed: int = 0) -> Drawn:
    """Measure a model on its images and on sets of them drawn with replacement.

    Of fewer than five images no set is drawn, and nothing is known but the whole: they would agree by chance.

    Args:
        predictions: of at least one image; with at least eight groups among them whole groups are drawn.
        measure: gives the metrics of sets of images.
        replicates: sets.
        seed: of the drawing.
    """
    count = len(predictions)
    drawn = draw_weights(count, groups=predictions.groups, replicates=replicates, seed=seed)
    parts = [measure(predictions, weights) for weights in (drawn if count >= MIN_IMAGES else [np.zeros((1, count))])]
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
    return Difference(value, np.nan, np.nan) if np.isnan(value) else Difference(value, *interval(changes))


def chance_of(changes: np.ndarray) -> float:
    """Two-sided p value of changes (R,) over drawn sets: how far from its interval zero lies.

    The percentile interval turned round (Efron & Tibshirani 1993, sec. 15.4), with one set added to either side, so
    that no p is below 2 / (R + 1). 1 where nothing changes or nothing was measured.
    """
    known = changes[~np.isnan(changes)]
    tail = min(int((known <= 0).sum()), int((known >= 0).sum()))
    found: float = min(2 * (tail + 1) / (known.size + 1), 1.0)
    return found
