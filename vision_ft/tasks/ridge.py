"""The convex fit of a linear head for numbers: ridge regression, its strength chosen on val."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from vision_ft.errors import TrainingError

STRENGTHS = tuple(10.0 ** (exponent / 2) for exponent in range(-4, 11))  # alpha, half a decade apart
FOLDS = 5
Fold = tuple[np.ndarray, np.ndarray]  # positions to fit on, positions to judge on


@dataclass(frozen=True)
class RidgeFit:
    """A fitted linear head for one target.

    Attributes:
        weight: (D,) for features as the backbone gives them.
        bias: the value where all features are 0.
        strength: chosen alpha, for features of mean 0 and standard deviation 1, per row of train.
        error: root mean squared error on val (of the held-out folds when there is no val) at that strength.
    """

    weight: np.ndarray
    bias: float
    strength: float
    error: float


def fit_ridge(
    train: tuple[np.ndarray, np.ndarray],
    val: tuple[np.ndarray, np.ndarray] | None,
    *,
    weights: np.ndarray | None = None,
    strengths: tuple[float, ...] = STRENGTHS,
) -> RidgeFit:
    """Fit ridge regression (Hoerl & Kennard 1970) on features standardised over train.

    Args:
        train: features (N, D) and values (N,), all known; views of one image are further rows.
        val: features and values that choose the strength; None chooses it by folds of train.
        weights: (N,) how much each row of train counts, above 0.
        strengths: alphas to try.

    Raises:
        TrainingError: no row of train.
    """
    features, values = np.asarray(train[0], np.float64), np.asarray(train[1], np.float64)
    if not len(values):
        raise TrainingError("ridge regression: no known value to learn from.")
    each = np.ones(len(values)) if weights is None else np.asarray(weights, np.float64)
    mean, scale = _moments(features, each)
    standard = (features - mean) / scale
    if val is not None and len(val[1]):
        held_out = [((standard, values, each), ((np.asarray(val[0], np.float64) - mean) / scale, np.asarray(val[1])))]
    else:
        held_out = [
            ((standard[fit], values[fit], each[fit]), (standard[held], values[held]))
            for fit, held in _folds(len(values))
        ]
    solvers = [(_solver(*rows), held) for rows, held in held_out]
    errors = [
        float(np.sqrt(np.mean([np.mean((held[0] @ w + b - held[1]) ** 2) for (w, b), held in _solved(solvers, alpha)])))
        for alpha in strengths
    ]
    best = len(strengths) - 1 - int(np.argmin(errors[::-1]))  # of equal ones the strongest
    weight, bias = _solver(standard, values, each)(strengths[best])
    weight = weight / scale
    return RidgeFit(weight.astype(np.float32), float(bias - weight @ mean), strengths[best], errors[best])


Solve = Callable[[float], tuple[np.ndarray, float]]


def _solved(
    solvers: list[tuple[Solve, tuple[np.ndarray, np.ndarray]]], alpha: float
) -> list[tuple[tuple[np.ndarray, float], tuple[np.ndarray, np.ndarray]]]:
    return [(solve(alpha), held) for solve, held in solvers]


def _solver(features: np.ndarray, values: np.ndarray, each: np.ndarray) -> Solve:
    """Return alpha -> (weight (D,), bias); the products of the features are made once for all alphas.

    scikit-learn's Ridge makes them anew for each alpha, which is most of the time with a dozen of them.
    """
    from scipy.linalg import solve as solve_linear  # here: it takes a second

    share = each / each.sum()
    centre, middle = share @ features, float(share @ values)
    root = np.sqrt(share)
    rows, wanted = root[:, None] * (features - centre), root * (values - middle)
    is_tall = len(rows) >= rows.shape[1]
    products = rows.T @ rows if is_tall else rows @ rows.T

    def solve(alpha: float) -> tuple[np.ndarray, float]:
        regular = products + alpha / len(values) * np.eye(len(products))
        found = solve_linear(regular, rows.T @ wanted if is_tall else wanted, assume_a="pos")
        weight = found if is_tall else rows.T @ found
        return weight, middle - float(centre @ weight)

    return solve


def _moments(features: np.ndarray, each: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    mean = np.average(features, axis=0, weights=each)
    scale = np.sqrt(np.average((features - mean) ** 2, axis=0, weights=each))
    scale[scale < 1e-6 * max(float(scale.max(initial=0.0)), 1e-12)] = 1.0  # constant features carry nothing
    return mean, scale


def _folds(count: int) -> list[Fold]:
    """Return folds of the rows, always the same; of fewer than two rows the rows themselves."""
    if count < 2:
        return [(np.arange(count), np.arange(count))]
    order = np.random.default_rng(0).permutation(count)
    parts = np.array_split(order, min(FOLDS, count))
    return [(np.concatenate([p for p in parts if p is not part]), part) for part in parts]
