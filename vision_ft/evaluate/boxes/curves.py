"""Precision against recall of matched boxes: average precision with picture weights, and the F1-best threshold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vision_ft.evaluate.boxes.matching import IOU_THRESHOLDS, ClassMatches

RECALLS = np.linspace(0.0, 1.0, 101)
DEFAULT_THRESHOLD = 0.5  # where val shows none
EPSILON = np.spacing(1)  # pycocotools adds it to the detections so far


@dataclass(frozen=True)
class Hits:
    """The counts of one class at its threshold and IoU 0.5; ignored boxes are in none of them.

    Attributes:
        true: true boxes.
        predicted: detections.
        correct: detections that hit.
    """

    true: int
    predicted: int
    correct: int

    @property
    def precision(self) -> float:
        """Share of the detections that hit; NaN without one."""
        return self.correct / self.predicted if self.predicted else float("nan")

    @property
    def recall(self) -> float:
        """Share of the true boxes that are hit; NaN without one."""
        return self.correct / self.true if self.true else float("nan")

    @property
    def f1(self) -> float:
        """Harmonic mean of both; NaN without a true box."""
        return 2 * self.correct / (self.true + self.predicted) if self.true else float("nan")


def interpolate(hit: np.ndarray, counted: np.ndarray, total: float) -> np.ndarray:
    """Precision (I, 101) at the recalls 0, 0.01, ... 1, as COCO interpolates: the best at this recall or beyond.

    Args:
        hit: (I, D) weight of each detection that hits, else 0; most certain first.
        counted: (I, D) weight of each detection that hits or is a false alarm, else 0.
        total: weight of the true boxes, above 0.
    """
    steps = np.flatnonzero(hit.any(axis=0))  # only a hit raises precision or recall, and most detections are none
    hits = np.cumsum(hit[:, steps], axis=1)
    precision = hits / (np.cumsum(counted, axis=1)[:, steps] + EPSILON)
    best_beyond = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
    recall = np.round(hits / total, 12)  # sums of fractional weights may end at 0.9999999999999999
    first = np.stack([np.searchsorted(reached, RECALLS, side="left") for reached in recall])
    never_reached = np.zeros((len(hits), 1))
    return np.take_along_axis(np.concatenate([best_beyond, never_reached], axis=1), first, axis=1)


def precision_at_recall(matches: ClassMatches, weights: np.ndarray) -> np.ndarray:
    """Precision (I, 101) at COCO's recalls; NaN without a true box.

    Args:
        matches: of one class.
        weights: (N,) how often each picture counts.
    """
    total = float(weights @ matches.truths)
    if total <= 0:
        return np.full((len(IOU_THRESHOLDS), len(RECALLS)), np.nan)
    weight = weights[matches.pictures] * matches.first
    return interpolate(matches.hit * weight, matches.counted * weight, total)


def average_precision(matches: Sequence[ClassMatches], weights: np.ndarray) -> np.ndarray:
    """Average precision (K, I) of each class at each IoU threshold; NaN without a true box.

    Args:
        matches: of the K classes.
        weights: (N,) how often each picture counts.
    """
    return np.stack([precision_at_recall(one, weights).mean(axis=1) for one in matches])


def final_recall(matches: Sequence[ClassMatches]) -> np.ndarray:
    """Share (K, I) of the true boxes that any of the `first` detections hits; NaN without a true box."""
    totals = np.array([one.truths.sum() for one in matches], np.float64)
    hits = np.stack([(one.hit & one.first).sum(axis=1) for one in matches])
    found: np.ndarray = np.divide(hits, totals[:, None], out=np.full(hits.shape, np.nan), where=totals[:, None] > 0)
    return found


def mean_defined(values: np.ndarray) -> float:
    """Mean over the values that are not NaN; NaN where all are."""
    defined = values[~np.isnan(values)]
    return float(defined.mean()) if defined.size else float("nan")


def best_threshold(matches: ClassMatches) -> float:
    """Score from which on a class's detections reach their best F1 at IoU 0.5; of equal ones the highest.

    It lies half way to the next lower score (to 0 below the lowest), so that rounding moves no detection over it. A
    class without a true box or without a hit has 0.5.
    """
    total = int(matches.truths.sum())
    hits, predicted = np.cumsum(matches.hit[0]), np.cumsum(matches.counted[0])
    if not total or not hits.size or not hits[-1]:
        return DEFAULT_THRESHOLD
    lower = np.append(matches.scores[1:], 0.0)
    cuts = np.append(matches.scores[1:] < matches.scores[:-1], True)  # equal scores cannot be told apart
    best = int(np.argmax(np.where(cuts, 2 * hits / (total + predicted), -1.0)))
    return float((matches.scores[best] + lower[best]) / 2)


def hits_at(matches: ClassMatches, threshold: float) -> Hits:
    """Count the detections of a class whose score reaches the threshold, at IoU 0.5."""
    kept = matches.scores >= threshold
    return Hits(
        true=int(matches.truths.sum()),
        predicted=int((matches.counted[0] & kept).sum()),
        correct=int((matches.hit[0] & kept).sum()),
    )
