"""A quick head on cached features, for curves over numbers of labels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

# features (N, D), labels (N, ...), weights (N,) or None -> what predicts from features (M, D)
FitProbe = Callable[[np.ndarray, np.ndarray, np.ndarray | None], Callable[[np.ndarray], np.ndarray]]


@dataclass(frozen=True)
class Probe:
    """How a task is learned quickly from few labels, and how good that is.

    Attributes:
        metric: name of what `score` gives, one of the task's.
        fit: fits a head at once.
        score: predictions and labels of the same images -> the metric.
    """

    metric: str
    fit: FitProbe
    score: Callable[[np.ndarray, np.ndarray], float]
