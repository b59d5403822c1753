"""95% intervals of proportions, of F1, and of accuracy and class averages by image or by whole group."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse import csr_array

from vision_ft.evaluate.resampling import REPLICATES, Groups, Interval, draw_kinds, draw_within, group_units, interval

Z_95 = 1.959963984540054  # two-sided 95% point of the normal distribution
MAX_REPLICATES = 1000
BOOTSTRAP_DRAWS = 20_000_000  # binomial draws a bootstrap may cost (about two seconds); fewer replicates beyond it


def wilson(successes: Any, trials: Any, *, z: float = Z_95) -> tuple[np.ndarray, np.ndarray]:
    """Wilson score interval of a proportion (Wilson 1927), element by element.

    Unlike the normal approximation it stays within [0, 1] and keeps its width at 0% and 100%.

    Args:
        successes: number of successes, any shape.
        trials: number of trials, broadcastable.
        z: quantile of the normal distribution.

    Returns:
        The lower and upper ends; NaN where there is no trial.
    """
    hits, total = np.broadcast_arrays(np.asarray(successes, float), np.asarray(trials, float))
    safe = np.where(total > 0, total, 1.0)
    share = hits / safe
    centre = (share + z**2 / (2 * safe)) / (1 + z**2 / safe)
    half = z / (1 + z**2 / safe) * np.sqrt(share * (1 - share) / safe + z**2 / (4 * safe**2))
    low = np.where(hits == 0, 0.0, np.maximum(centre - half, 0.0))
    high = np.where(hits == total, 1.0, np.minimum(centre + half, 1.0))
    return np.where(total > 0, low, np.nan), np.where(total > 0, high, np.nan)


def f1_interval(hits: Any, misses: Any) -> tuple[np.ndarray, np.ndarray]:
    """Wilson-indirect interval of F1 (Lam, Gopal & Qian 2023, arXiv:2309.14621).

    F1 = 2J / (1 + J) with J = TP / (TP + FP + FN), a proportion: its Wilson interval is mapped through that formula.

    Args:
        hits: true positives.
        misses: false positives plus false negatives.
    """
    low, high = wilson(hits, np.asarray(hits) + np.asarray(misses))
    return 2 * low / (1 + low), 2 * high / (1 + high)


@dataclass(frozen=True)
class ClassCounts:
    """What every count-based metric reads.

    Attributes:
        cells: (M, 3) int64 rows (true, predicted, count) of the confusion matrix that are not zero, sorted.
        hits: (K,) images of the class that were predicted as it.
        support: (K,) images of the class.
        predicted: (K,) images predicted as the class.
    """

    cells: np.ndarray
    hits: np.ndarray
    support: np.ndarray
    predicted: np.ndarray


def count_classes(targets: np.ndarray, predicted: np.ndarray, num_classes: int) -> ClassCounts:
    """Count targets (N,) against predictions (N,) without building the K x K matrix."""
    keys, counts = np.unique(targets.astype(np.int64) * num_classes + predicted, return_counts=True)
    return ClassCounts(
        cells=np.column_stack([keys // num_classes, keys % num_classes, counts]).astype(np.int64).reshape(-1, 3),
        hits=np.bincount(targets[targets == predicted], minlength=num_classes),
        support=np.bincount(targets, minlength=num_classes),
        predicted=np.bincount(predicted, minlength=num_classes),
    )


def average_intervals(counts: ClassCounts, *, seed: int = 0) -> dict[str, tuple[float, float]]:
    """Percentile bootstrap intervals of macro-F1 and balanced accuracy.

    Images are drawn anew within each true class, so that the class make-up of the set stays as it is. Where no
    mistake was seen every draw is perfect too; the lower end is then that of the accuracy's Wilson interval.
    """
    present = counts.support > 0
    if not present.any():
        return {"macro_f1": (np.nan, np.nan), "balanced_accuracy": (np.nan, np.nan)}
    if counts.hits.sum() == counts.support.sum():
        low = float(wilson(counts.hits.sum(), counts.support.sum())[0])
        return {"macro_f1": (low, 1.0), "balanced_accuracy": (low, 1.0)}
    hits, predicted = _resample(counts, seed)
    f1 = 2 * hits[:, present] / (counts.support[present] + predicted[:, present])
    recall = hits[:, present] / counts.support[present]
    return {"macro_f1": interval(f1.mean(axis=1)), "balanced_accuracy": interval(recall.mean(axis=1))}


def class_intervals(
    targets: np.ndarray, predicted: np.ndarray, num_classes: int, *, groups: Groups = None, seed: int = 0
) -> dict[str, Interval]:
    """Intervals of accuracy, macro-F1 and balanced accuracy: over whole groups where there are eight, else over images.

    Over images the accuracy's is Wilson's, and the averages keep the class make-up, see `average_intervals`. Where no
    draw differs, as without a mistake, Wilson's interval of the accuracy says more.

    Args:
        targets: (N,) class indices, all >= 0.
        predicted: (N,) class indices.
        num_classes: K.
        groups: (N,) camera, day, sequence, ... of each image, None where it has none.
        seed: of the drawing.
    """
    counts = count_classes(targets, predicted, num_classes)
    low, high = wilson(counts.hits.sum(), len(targets))
    by_image = {"accuracy": (float(low), float(high)), **average_intervals(counts, seed=seed)}
    unit = group_units(groups, len(targets))
    if unit is None or counts.hits.sum() == len(targets):
        return by_image
    draws = draw_kinds(np.ones(unit.max() + 1, np.int64), replicates=REPLICATES, seed=seed)
    parts = [_drawn_averages(*drawn_counts(draw, unit, targets, predicted, num_classes=num_classes)) for draw in draws]
    ends = dict(zip(("accuracy", "macro_f1", "balanced_accuracy"), map(interval, np.hstack(parts)), strict=True))
    return {name: one if one[0] < one[1] else by_image[name] for name, one in ends.items()}


def drawn_counts(
    draw: np.ndarray, unit: np.ndarray, targets: np.ndarray, predicted: np.ndarray, *, num_classes: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Hits, support and predictions (R, K) of sets in which unit u was drawn draw[r, u] times; its rows come along."""

    def tally(kept: np.ndarray, classes: np.ndarray) -> np.ndarray:
        indicator = csr_array((kept.astype(np.float64), (unit, classes)), shape=(draw.shape[1], num_classes))
        return np.asarray(draw @ indicator)

    everything = np.ones(len(targets), bool)
    return tally(targets == predicted, targets), tally(everything, targets), tally(everything, predicted)


def drawn_macro_f1(hits: np.ndarray, support: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Macro-F1 (R,) of counts (R, K); classes without an image in a set are left out there."""
    held = support > 0
    f1 = np.divide(2 * hits, support + predicted, out=np.zeros_like(support), where=held)
    mean: np.ndarray = f1.sum(axis=1) / held.sum(axis=1)
    return mean


def _drawn_averages(hits: np.ndarray, support: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Accuracy, macro-F1 and balanced accuracy (3, R) of counts (R, K)."""
    held = support > 0
    recall = np.divide(hits, support, out=np.zeros_like(support), where=held).sum(axis=1) / held.sum(axis=1)
    return np.stack([hits.sum(axis=1) / support.sum(axis=1), drawn_macro_f1(hits, support, predicted), recall])


def _resample(counts: ClassCounts, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Hits and predictions, (R, K) each, of R resampled sets."""
    replicates = int(np.clip(BOOTSTRAP_DRAWS // max(1, len(counts.cells)), 100, MAX_REPLICATES))
    num_classes = len(counts.support)
    hits = np.zeros((replicates, num_classes), np.int32)
    predicted = np.zeros((replicates, num_classes), np.int32)
    starts = np.searchsorted(counts.cells[:, 0], np.arange(num_classes + 1))
    held = np.flatnonzero(counts.support)
    rows = [counts.cells[starts[label] : starts[label + 1]] for label in held]
    drawn = draw_within([row[:, 2] for row in rows], replicates=replicates, seed=seed)
    for label, row, draws in zip(held, rows, drawn, strict=True):
        predicted[:, row[:, 1]] += draws.astype(np.int32)
        own = np.flatnonzero(row[:, 1] == label)
        if own.size:
            hits[:, label] = draws[:, own[0]]
    return hits, predicted


def plain(value: Any) -> Any:
    """Return `value` as JSON can hold it: numpy types become Python's, NaN and infinity become None."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray):
        return [plain(item) for item in value.tolist()]
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        return round(value, 6) if np.isfinite(value) else None
    return value
