"""How far confidence can be trusted: temperature scaling, reliability bins and the calibration error."""

from __future__ import annotations

from typing import Any

import numpy as np

from vision_ft.evaluate.intervals import wilson
from vision_ft.evaluate.log_loss import SMALLEST, mean_surprise

CHUNK = 8192  # rows handled at once, so that (N, K) temporaries stay small
MIN_PICTURES = 20  # a temperature fitted on fewer pictures is noise
MAX_FIT_VALUES = 20_000_000  # N x K beyond which a seeded subset of the pictures is used
NUM_BINS = 15  # as in Guo et al. 2017


def temper(scores: np.ndarray, temperature: float) -> np.ndarray:
    """Return probabilities (N, K) as they are after dividing the logits by `temperature`."""
    log_scores = np.log(np.maximum(np.asarray(scores, np.float64), SMALLEST)) / temperature
    log_scores -= log_scores.max(axis=1, keepdims=True)
    powered = np.exp(log_scores)
    found: np.ndarray = powered / powered.sum(axis=1, keepdims=True)
    return found


def score_of(scores: np.ndarray, labels: np.ndarray, *, temperature: float = 1.0) -> np.ndarray:
    """Probability (N,) given to `labels` (N,), from probabilities (N, K) after `temperature`."""
    picked = np.empty(len(labels), np.float64)
    for start in range(0, len(labels), CHUNK):
        part = scores[start : start + CHUNK]
        if temperature != 1.0:
            part = temper(part, temperature)
        picked[start : start + CHUNK] = part[np.arange(len(part)), labels[start : start + CHUNK]]
    return picked


def log_loss(targets: np.ndarray, scores: np.ndarray, *, temperature: float = 1.0) -> float:
    """Mean negative log likelihood of the targets (N,) under probabilities (N, K); NaN without a picture."""
    return mean_surprise(score_of(scores, targets, temperature=temperature))


def fit_temperature(targets: np.ndarray, scores: np.ndarray, *, seed: int = 0) -> float:
    """Temperature that minimises the log loss (Guo et al. 2017, arXiv:1706.04599, section 4.2).

    Args:
        targets: (N,) class indices; pictures without a label (-1) are left out.
        scores: (N, K) probabilities before calibration.
        seed: picks the subset used when N x K is very large.

    Returns:
        The temperature, within [0.1, 10]; 1.0 with fewer than 20 pictures or without a single mistake, where the
        likelihood would ask for ever more confidence.
    """
    from scipy.optimize import minimize_scalar  # here: it takes a second

    rows = np.flatnonzero(np.asarray(targets) >= 0)
    limit = max(MIN_PICTURES, MAX_FIT_VALUES // max(1, scores.shape[1]))
    if len(rows) > limit:
        rows = np.random.default_rng(seed).choice(rows, limit, replace=False)
    labels, logits = targets[rows], np.log(np.maximum(scores[rows].astype(np.float64), SMALLEST))
    if len(rows) < MIN_PICTURES or (logits.argmax(axis=1) == labels).all():
        return 1.0

    def loss(log_temperature: float) -> float:
        scaled = logits / np.exp(log_temperature)
        peak = scaled.max(axis=1)
        log_sum = peak + np.log(np.exp(scaled - peak[:, None]).sum(axis=1))
        return float((log_sum - scaled[np.arange(len(labels)), labels]).mean())

    found = minimize_scalar(loss, bounds=(np.log(0.1), np.log(10.0)), method="bounded", options={"xatol": 1e-4})
    return float(np.exp(found.x))


def _bins(confidence: np.ndarray, num_bins: int) -> list[np.ndarray]:
    """Row numbers of equal-mass bins in order of confidence; at least 10 pictures a bin where there are that many."""
    count = max(1, min(num_bins, len(confidence) // 10))
    return [rows for rows in np.array_split(np.argsort(confidence, kind="stable"), count) if len(rows)]


def calibration_error(confidence: np.ndarray, correct: np.ndarray, *, num_bins: int = NUM_BINS) -> float:
    """Expected calibration error over equal-mass bins, in [0, 1]; NaN without a picture.

    Args:
        confidence: (N,) probability of the predicted class.
        correct: (N,) whether the prediction was right.
        num_bins: bins at most; fewer when a bin would hold less than 10 pictures.
    """
    if len(confidence) == 0:
        return float("nan")
    gaps = [len(rows) * abs(confidence[rows].mean() - correct[rows].mean()) for rows in _bins(confidence, num_bins)]
    return float(sum(gaps) / len(confidence))


def calibration_noise(confidence: np.ndarray, *, seed: int = 0, replicates: int = 100) -> float:
    """Calibration error that a perfectly calibrated model would show on as many pictures, by chance alone."""
    if len(confidence) == 0:
        return float("nan")
    rng = np.random.default_rng(seed)
    draws = [calibration_error(confidence, rng.random(len(confidence)) < confidence) for _ in range(replicates)]
    return float(np.mean(draws))


def reliability(confidence: np.ndarray, correct: np.ndarray, *, num_bins: int = 10) -> list[dict[str, Any]]:
    """Points of the reliability diagram: mean confidence against accuracy with its Wilson interval, a dict a bin."""
    points = []
    for rows in _bins(confidence, num_bins):
        low, high = wilson(correct[rows].sum(), len(rows))
        points.append(
            {
                "confidence": float(confidence[rows].mean()),
                "accuracy": float(correct[rows].mean()),
                "low": float(low),
                "high": float(high),
                "count": len(rows),
            }
        )
    return points
