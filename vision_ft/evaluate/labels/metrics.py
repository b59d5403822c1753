"""Metrics of several labels a picture, as plain functions of arrays; a label that is not known (NaN) is left out.

Shapes: N pictures, K labels, R draws. Averages over labels take those that apply to at least one picture.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from vision_ft.evaluate.log_loss import mean_surprise

DEFAULT_THRESHOLD = 0.5


@dataclass(frozen=True)
class LabelCounts:
    """Pictures by truth and answer; each (K,), or (R, K) when pictures were weighted.

    Attributes:
        hits: the label applies and was answered.
        ghosts: it was answered, but does not apply.
        misses: it applies, but was not answered.
        rests: neither.
    """

    hits: np.ndarray
    ghosts: np.ndarray
    misses: np.ndarray
    rests: np.ndarray

    @property
    def precision(self) -> np.ndarray:
        """Share of the answers that are right; NaN without an answer."""
        return ratio(self.hits, self.hits + self.ghosts)

    @property
    def recall(self) -> np.ndarray:
        """Share of the labels that were found; NaN for a label that applies nowhere."""
        return ratio(self.hits, self.hits + self.misses)

    @property
    def f1(self) -> np.ndarray:
        """Harmonic mean of precision and recall; NaN for a label that applies nowhere."""
        f1 = ratio(2 * self.hits, 2 * self.hits + self.ghosts + self.misses)
        return np.where(self.hits + self.misses > 0, f1, np.nan)

    @property
    def micro_f1(self) -> np.ndarray:
        """F1 of all labels of all pictures together."""
        hits = self.hits.sum(axis=-1)
        return ratio(2 * hits, 2 * hits + self.ghosts.sum(axis=-1) + self.misses.sum(axis=-1))

    @property
    def hamming_loss(self) -> np.ndarray:
        """Share of the known labels that were answered wrongly."""
        wrong = self.ghosts + self.misses
        return ratio(wrong.sum(axis=-1), (wrong + self.hits + self.rests).sum(axis=-1))


def ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """Return part / whole, NaN where whole is 0."""
    part, whole = np.asarray(part, np.float64), np.asarray(whole, np.float64)
    found: np.ndarray = np.divide(part, whole, out=np.full(whole.shape, np.nan), where=whole > 0)
    return found


def mean_defined(values: np.ndarray) -> np.ndarray:
    """Return the mean over the last axis of the values that are not NaN; NaN where there is none."""
    defined = ~np.isnan(values)
    return ratio(np.where(defined, values, 0).sum(axis=-1), defined.sum(axis=-1))


def count_labels(targets: np.ndarray, predicted: np.ndarray, *, weights: np.ndarray | None = None) -> LabelCounts:
    """Count truths (N, K) against answers (N, K) bool; with weights (R, N) once for each row of them."""
    each = np.ones((1, len(targets))) if weights is None else weights
    applies, not_applies = (targets == 1).astype(np.float64), (targets == 0).astype(np.float64)
    parts = (applies * predicted, not_applies * predicted, applies * ~predicted, not_applies * ~predicted)
    counts = [each @ part for part in parts]
    return LabelCounts(*(count[0].astype(np.int64) for count in counts)) if weights is None else LabelCounts(*counts)


def subset_accuracy(targets: np.ndarray, predicted: np.ndarray) -> float:
    """Share of the pictures with all labels right, of those whose labels are all known; NaN without one."""
    known = ~np.isnan(targets).any(axis=1)
    return float((targets[known] == predicted[known]).all(axis=1).mean()) if known.any() else float("nan")


def log_loss(targets: np.ndarray, scores: np.ndarray) -> float:
    """Mean binary cross-entropy over the known labels; NaN without one."""
    known = ~np.isnan(targets)
    given = scores[known].astype(np.float64)
    right = np.where(targets[known] == 1, given, 1 - given)
    return mean_surprise(right)


def average_precision(targets: np.ndarray, scores: np.ndarray, *, weights: np.ndarray | None = None) -> np.ndarray:
    """Return the average precision of each label (K,), or (R, K) for weights (R, N); NaN where it applies nowhere.

    The step-wise sum over recall, without interpolation, as scikit-learn's average_precision_score; ties count
    together.
    """
    each = np.ones((1, len(targets))) if weights is None else weights
    columns = [_average_precision(targets[:, k], scores[:, k], each) for k in range(targets.shape[1])]
    values = np.stack(columns, axis=1) if columns else np.empty((len(each), 0))
    first: np.ndarray = values[0]
    return first if weights is None else values


def _average_precision(target: np.ndarray, score: np.ndarray, weights: np.ndarray) -> np.ndarray:
    known = np.flatnonzero(~np.isnan(target))
    order = known[np.argsort(-score[known], kind="stable")]
    if not len(order):
        return np.full(len(weights), np.nan)
    sorted_weights = weights[:, order]
    last = np.flatnonzero(np.append(np.diff(score[order]) != 0, True))  # noqa: FBT003 - the end of the last run of ties
    hits = np.cumsum(sorted_weights * target[order], axis=1)[:, last]
    answered = np.cumsum(sorted_weights, axis=1)[:, last]
    steps = np.diff(hits, axis=1, prepend=0)
    precision = np.divide(hits, answered, out=np.zeros_like(hits), where=answered > 0)
    return ratio((steps * precision).sum(axis=1), hits[:, -1])


def best_thresholds(targets: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Return for each label (K,) the threshold with the best F1; a label is answered where its score reaches it.

    The threshold lies in the middle between two scores; of equally good ones the nearest to 0.5 is taken. A label that
    applies nowhere, or is known nowhere, keeps 0.5.
    """
    return np.array([_best_threshold(targets[:, k], scores[:, k]) for k in range(targets.shape[1])], np.float64)


def _best_threshold(target: np.ndarray, score: np.ndarray) -> float:
    known = ~np.isnan(target)
    if not (target[known] == 1).any():
        return DEFAULT_THRESHOLD
    order = np.argsort(-score[known], kind="stable")
    ranked, applies = score[known][order].astype(np.float64), target[known][order]
    last = np.flatnonzero(np.append(np.diff(ranked) != 0, True))  # noqa: FBT003 - equal scores are answered together
    hits = np.cumsum(applies)[last]
    f1 = 2 * hits / (last + 1 + applies.sum())
    here, below = ranked[last], np.append(ranked[last][1:], 0.0)
    middle = (here + below) / 2
    cuts = np.where(middle > below, middle, here)
    best = np.flatnonzero(f1 == f1.max())
    return float(cuts[best[np.abs(cuts[best] - DEFAULT_THRESHOLD).argmin()]])


AVERAGES: dict[str, Callable[[LabelCounts, np.ndarray], np.ndarray]] = {
    "macro_f1": lambda counts, _precision: mean_defined(counts.f1),
    "micro_f1": lambda counts, _precision: counts.micro_f1,
    "map": lambda _counts, precision: mean_defined(precision),
    "hamming_loss": lambda counts, _precision: counts.hamming_loss,
}
