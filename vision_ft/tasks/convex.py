"""The convex fit of a linear head: L-BFGS logistic regression, its L2 strength chosen on val."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from vision_ft.errors import TrainingError

if TYPE_CHECKING:
    from sklearn.linear_model import LogisticRegression

STRENGTHS = tuple(10.0**exponent for exponent in range(-3, 3))  # inverse L2 strengths C, a decade apart
HALF_DECADE = 10.0**0.5  # the neighbours of the best are tried too
MAX_ITERATIONS = 500  # standardised features converge in tens of iterations; this is a safety limit

Weights = np.ndarray | None  # one a row; None counts all rows alike
Rows = tuple[np.ndarray, np.ndarray, Weights]  # features (N, D), labels (N,), weights (N,)
Held = tuple[Rows, Rows]  # rows to fit on, then those to judge on


@dataclass(frozen=True)
class LinearFit:
    """A fitted linear head.

    Attributes:
        weight: (K, D) for features as the backbone gives them; a class without training images has a row of zeros.
        bias: (K,); a class without training images is never predicted.
        strength: chosen inverse L2 strength C of scikit-learn, for standardised features.
        val_loss: mean log loss on val at that strength (of the held-out folds when there is no val).
    """

    weight: np.ndarray
    bias: np.ndarray
    strength: float
    val_loss: float


def fit_linear(
    train: tuple[np.ndarray, np.ndarray],
    val: tuple[np.ndarray, np.ndarray] | None,
    *,
    num_classes: int,
    balanced: bool = False,
    log_prior: np.ndarray | None = None,
    strengths: Sequence[float] = STRENGTHS,
    weights: np.ndarray | None = None,
) -> LinearFit:
    """Fit multinomial logistic regression on features.

    Args:
        train: features (N, D) and labels (N,); views of one image are further rows.
        val: features and labels that choose the strength; None chooses it by stratified folds of train.
        num_classes: K.
        balanced: weigh classes inversely to their counts.
        log_prior: (K,) subtracted from the bias afterwards (post-hoc logit adjustment, Menon 2021,
            arXiv:2007.07314, eq. 9).
        strengths: inverse L2 strengths to try, from strong to weak regularisation.
        weights: (N,) how much each row of train counts, above 0: a weight of 2 is the row given twice. Rows of val
            count alike.

    Raises:
        TrainingError: the weights are not N positive numbers.
    """
    features, labels = train
    if weights is not None:
        weights = _checked(weights, len(labels))
        balanced, weights = False, _balance(weights, labels) if balanced else weights
    mean, scale = _moments(features, weights)
    scale[scale < 1e-6 * max(float(scale.max()), 1e-12)] = 1.0  # constant features carry nothing; do not blow them up
    standard = (features - mean) / scale
    if val is not None and len(val[1]):
        held_out: list[Held] = [((standard, labels, weights), ((val[0] - mean) / scale, val[1], None))]
    else:
        held_out = _folds(standard, labels, weights)
    strength, loss, model = _choose(held_out, strengths, balanced)
    if len(held_out) > 1:
        model = _fit(_regression(strength, balanced), (standard, labels, weights))
    weight, bias = _per_class(model, num_classes)
    weight = weight / scale
    bias = bias - weight @ mean
    if log_prior is not None:
        bias = bias - log_prior
    return LinearFit(weight.astype(np.float32), bias.astype(np.float32), strength, loss)


def _checked(weights: np.ndarray, count: int) -> np.ndarray:
    weights = np.asarray(weights, dtype=np.float64)
    if weights.shape != (count,) or not np.isfinite(weights).all() or not (weights > 0).all():
        raise TrainingError(
            f"weights of the convex fit: got shape {weights.shape}, from {weights.min(initial=np.inf):g} to "
            f"{weights.max(initial=-np.inf):g}; needed: {count} finite numbers above 0, one a row."
        )
    return weights


def _balance(weights: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Scale the weights so that all classes weigh the same; older scikit-learn balances bare counts."""
    totals = np.bincount(labels, weights=weights)
    found: np.ndarray = weights * (weights.sum() / (np.count_nonzero(totals) * totals[labels]))
    return found


def _moments(features: np.ndarray, weights: Weights) -> tuple[np.ndarray, np.ndarray]:
    """Return mean (D,) and standard deviation (D,) of the features."""
    if weights is None:
        return features.mean(axis=0), features.std(axis=0)
    mean = np.average(features, axis=0, weights=weights)
    scale = np.sqrt(np.average((features - mean) ** 2, axis=0, weights=weights))
    return mean.astype(features.dtype), scale.astype(features.dtype)  # double precision would double the fit's time


def _regression(strength: float, balanced: bool) -> LogisticRegression:
    from sklearn.linear_model import LogisticRegression  # here: it takes seconds

    weights = "balanced" if balanced else None
    return LogisticRegression(C=strength, max_iter=MAX_ITERATIONS, class_weight=weights, warm_start=True)


def _fit(model: LogisticRegression, rows: Rows) -> LogisticRegression:
    from sklearn.exceptions import ConvergenceWarning  # here: it takes seconds

    features, labels, weights = rows
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the weakest strengths may not converge; val judges them
        return model.fit(features, labels, sample_weight=weights)


def _choose(
    held_out: Sequence[Held], strengths: Sequence[float], balanced: bool
) -> tuple[float, float, LogisticRegression]:
    """Return the best strength, its held-out log loss, and the model fitted with it on the first set.

    The loss falls, then rises as the regularisation weakens, and each fit starts from the one before: the slow fits of
    weak regularisation are only made where they can win.
    """
    models = [_regression(strengths[0], balanced) for _ in held_out]
    best: tuple[float, float, LogisticRegression] | None = None

    def attempt(strength: float) -> bool:
        nonlocal best
        pairs = zip(models, held_out, strict=True)
        loss = float(np.mean([_held_out_loss(model.set_params(C=strength), held) for model, held in pairs]))
        better = best is None or loss < best[1]
        if better:
            best = (strength, loss, copy.deepcopy(models[0]))
        return better

    for strength in strengths:
        if not attempt(strength):
            break
    assert best is not None, "at least one strength is tried"
    if len(strengths) > 1:
        centre = best[0]
        attempt(centre * HALF_DECADE)
        attempt(centre / HALF_DECADE)
    return best


def _held_out_loss(model: LogisticRegression, held: Held) -> float:
    """Return the mean log loss on held-out rows; classes that the model never saw count with a probability of 1e-7."""
    rows, (held_features, held_labels, held_weights) = held
    _fit(model, rows)
    column = {int(label): index for index, label in enumerate(model.classes_)}
    probabilities = model.predict_proba(held_features)
    picked = [
        probabilities[row, column[int(label)]] if int(label) in column else 0.0 for row, label in enumerate(held_labels)
    ]
    return float(np.average(-np.log(np.maximum(picked, 1e-7)), weights=held_weights))


def _folds(features: np.ndarray, labels: np.ndarray, weights: Weights) -> list[Held]:
    from sklearn.model_selection import StratifiedKFold  # here: it takes seconds

    def rows(chosen: np.ndarray | slice) -> Rows:
        return features[chosen], labels[chosen], None if weights is None else weights[chosen]

    smallest = int(np.unique(labels, return_counts=True)[1].min())
    if smallest < 2:
        return [(rows(slice(None)), rows(slice(None)))]  # nothing can be held out; the strongest tie wins
    splitter = StratifiedKFold(min(5, smallest), shuffle=True, random_state=0)
    folds = splitter.split(features, labels)
    return [(rows(fit), rows(held)) for fit, held in folds]


def _per_class(model: LogisticRegression, num_classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Spread scikit-learn's coefficients over all K classes; two classes come as one row."""
    coefficients, intercept = model.coef_, model.intercept_
    if len(model.classes_) == 2 and len(coefficients) == 1:
        coefficients = np.concatenate([-coefficients / 2, coefficients / 2])
        intercept = np.concatenate([-intercept / 2, intercept / 2])
    weight = np.zeros((num_classes, coefficients.shape[1]))
    bias = np.full(num_classes, -1e4)  # a class that was never seen in training is never predicted
    weight[model.classes_] = coefficients
    bias[model.classes_] = intercept
    return weight, bias
