"""Smooth the states of regions over time, so that a passer-by or a shadow does not count as a change."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Protocol

import numpy as np

LEAD = 0.2  # with two states: above 0.6 against below 0.4
GAP_INTERVALS = 3.0  # a longer silence makes the past say nothing about now


class SmoothsStates(Protocol):
    """Turns the probabilities of frame after frame into states."""

    def update(self, time_s: float, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Take the probabilities (N, K) of a frame; return states (N, ...) and their mean probabilities (N, ...)."""
        ...


class RunningMean:
    """Mean of the probabilities of the last frames; after a silence the past is forgotten.

    Args:
        window: frames to average over.
        interval_s: expected seconds between frames; a silence is longer than 3 of these.
    """

    def __init__(self, window: int, *, interval_s: float) -> None:
        assert window >= 1, window
        self._longest_gap_s = GAP_INTERVALS * interval_s
        self._recent: deque[np.ndarray] = deque(maxlen=window)
        self._time_s = 0.0

    def add(self, time_s: float, scores: np.ndarray) -> tuple[np.ndarray, bool]:
        """Take the probabilities of a frame; return the mean, and whether this frame is the first after a silence."""
        if self._recent and not 0 <= time_s - self._time_s <= self._longest_gap_s:
            self._recent.clear()
        is_first = not self._recent
        self._recent.append(scores)
        self._time_s = time_s
        return np.mean(np.stack(self._recent), axis=0), is_first


class Smoother:
    """Average probabilities over the last frames, and change a state only when another one leads clearly.

    Probabilities are averaged, not states counted: one frame that is sure outweighs two that are not. The lead
    (hysteresis) keeps a region that hovers about one half from changing to and fro. The price is delay: with a window
    of 3, a change that the model is sure of shows in its second frame. A window of 1 leaves each frame as it is.

    Args:
        window: frames to average over.
        interval_s: expected seconds between frames; after a silence of more than 3 of these the past is forgotten.
        lead: by how much the mean probability of another state must exceed that of the present one.
    """

    def __init__(self, window: int, *, interval_s: float, lead: float = LEAD) -> None:
        self._mean = RunningMean(window, interval_s=interval_s)
        self._lead = lead if window > 1 else 0.0
        self._states = np.empty(0, dtype=np.int64)

    def update(self, time_s: float, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Take the probabilities of a frame.

        Args:
            time_s: the frame's time.
            scores: (N, K) probabilities of N regions.

        Returns:
            (N,) index of the state of each region and (N,) its mean probability over the window.
        """
        mean, is_first = self._mean.add(time_s, scores)
        best = mean.argmax(axis=1)
        rows = np.arange(len(mean))
        if is_first:
            self._states = best
        else:
            leads = mean[rows, best] - mean[rows, self._states] > self._lead
            self._states = np.where(leads, best, self._states)
        return self._states.copy(), mean[rows, self._states]


class ColumnSmoother:
    """A `Smoother` for each label column.

    Args:
        sizes: numbers of classes of the columns, which follow each other in the probabilities.
        window: frames to average over.
        interval_s: expected seconds between frames.
    """

    def __init__(self, sizes: Sequence[int], window: int, *, interval_s: float) -> None:
        self._borders = np.cumsum(sizes)[:-1]
        self._smoothers = [Smoother(window, interval_s=interval_s) for _ in sizes]

    def update(self, time_s: float, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Take the probabilities (N, K) of a frame; return (N, T) states and (N, T) their mean probabilities."""
        parts = np.split(scores, self._borders, axis=1)
        found = [one.update(time_s, part) for one, part in zip(self._smoothers, parts, strict=True)]
        states, means = zip(*found, strict=True)
        return np.stack(states, axis=1), np.stack(means, axis=1)


class LabelSmoother:
    """Average the probability of each label; a label comes or goes only when its mean is clearly past its threshold.

    As of two states with a lead of 0.2, whatever the threshold t: a label comes above t + 0.2 (1 - t), and goes below
    0.8 t. A window of 1 leaves each frame as it is.

    Args:
        thresholds: (K,) scores from which on each label applies.
        window: frames to average over.
        interval_s: expected seconds between frames.
        lead: as of `Smoother`.
    """

    def __init__(self, thresholds: np.ndarray, window: int, *, interval_s: float, lead: float = LEAD) -> None:
        self._mean = RunningMean(window, interval_s=interval_s)
        self._thresholds = np.asarray(thresholds, dtype=np.float64)
        self._lead = lead if window > 1 else 0.0
        self._states = np.empty((0, len(self._thresholds)), dtype=bool)

    def update(self, time_s: float, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Take the probabilities (N, K) of a frame; return whether each label applies (N, K) and the means (N, K)."""
        mean, is_first = self._mean.add(time_s, scores)
        applies = mean >= self._thresholds
        if is_first or not self._lead:
            self._states = applies
        else:
            past = np.where(applies, mean - self._thresholds, self._thresholds - mean)
            room = np.where(applies, 1 - self._thresholds, self._thresholds)  # how far past it can be
            self._states = np.where((past > self._lead * room) | (room == 0), applies, self._states)
        return self._states.copy(), mean
