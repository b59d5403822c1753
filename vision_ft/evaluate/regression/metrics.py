"""Metrics of predicted values as plain functions of arrays, each also over R weighted sets of images at once.

Shapes: N images, R draws. `weights` (R, N) say how often each image is in each set.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np


def mean_absolute_error(targets: np.ndarray, predicted: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Mean absolute error (R,), in the units of the target; NaN for an empty set."""
    return _ratio(weights @ np.abs(predicted - targets), weights.sum(axis=1))


def root_mean_squared_error(targets: np.ndarray, predicted: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Root mean squared error (R,), in the units of the target; NaN for an empty set."""
    root: np.ndarray = np.sqrt(_ratio(weights @ (predicted - targets) ** 2, weights.sum(axis=1)))
    return root


def r2(targets: np.ndarray, predicted: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Coefficient of determination (R,): 1 - squared error / squared distance from the mean of the set's targets.

    1 is perfect, 0 is as good as always predicting the mean, below 0 is worse than that. NaN for a set of fewer than
    two images or of equal targets.
    """
    total = weights.sum(axis=1)
    centred = targets - (targets.mean() if len(targets) else 0.0)  # large values would cancel otherwise
    mean = _ratio(weights @ centred, total)
    spread = weights @ centred**2 - total * mean**2
    error = weights @ (predicted - targets) ** 2
    known = (total >= 2) & (spread > 1e-12 * np.maximum(weights @ centred**2, 1e-300))
    share = np.divide(error, spread, out=np.full(len(weights), np.nan), where=known)
    found: np.ndarray = 1 - share
    return found


def spearman(targets: np.ndarray, predicted: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Spearman's rank correlation (R,), ties at their mean rank; NaN where either side does not vary."""
    return _correlation(_ranks(targets, weights), _ranks(predicted, weights), weights)


def _ranks(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Mean ranks (R, N) of values (N,) in sets in which image n is weights[r, n] times."""
    if not len(values):
        return np.zeros_like(weights, dtype=np.float64)
    _, place = np.unique(values, return_inverse=True)
    order = np.argsort(place, kind="stable")
    starts = np.flatnonzero(np.diff(place[order], prepend=-1))
    in_group = np.add.reduceat(weights[:, order].astype(np.float64), starts, axis=1)
    before = np.cumsum(in_group, axis=1) - in_group
    ranks: np.ndarray = (before + (in_group + 1) / 2)[:, place]
    return ranks


def _correlation(first: np.ndarray, second: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Pearson correlation (R,) of values (R, N) under weights (R, N)."""
    total = weights.sum(axis=1)
    first = first - _ratio((weights * first).sum(axis=1), total)[:, None]
    second = second - _ratio((weights * second).sum(axis=1), total)[:, None]
    shared = (weights * first * second).sum(axis=1)
    lengths = np.sqrt((weights * first**2).sum(axis=1) * (weights * second**2).sum(axis=1))
    return _ratio(shared, np.where(np.isnan(lengths), 0, lengths))


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    found: np.ndarray = np.divide(part, whole, out=np.full(np.shape(whole), np.nan), where=whole > 0)
    return found


# In the one order of the task: the first selects the epoch and gates an adaptation.
VALUE_METRICS: dict[str, Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]] = {
    "r2": r2,
    "mae": mean_absolute_error,
    "rmse": root_mean_squared_error,
    "spearman": spearman,
}
UNITLESS = ("r2", "spearman")  # may be averaged over targets of different units
