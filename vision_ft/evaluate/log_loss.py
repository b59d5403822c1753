"""The one log loss: of validation in the log, of metrics.json, of labels and of label columns."""

from __future__ import annotations

import numpy as np

SMALLEST = 1e-12  # float32 softmax rounds to 0 below 1e-38; a log loss of 27.6 an image is penalty enough


def mean_surprise(probability: np.ndarray) -> float:
    """Mean negative log of the probabilities (N,) that were given to what is true; NaN without one."""
    if not len(probability):
        return float("nan")
    return float(-np.log(np.maximum(np.asarray(probability, np.float64), SMALLEST)).mean())
