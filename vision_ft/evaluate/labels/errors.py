"""Possible label errors: images on which the model is surer of another class than it usually is."""

from __future__ import annotations

import numpy as np

MIN_SUPPORT = 5  # the usual confidence of a class is unknown from fewer images


def likely_label_errors(targets: np.ndarray, predicted: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Rows whose label the model doubts with confidence, largest margin first.

    Confident learning (Northcutt, Jiang & Chuang 2021, arXiv:1911.00068, eq. 1-2): an image labelled i counts
    when its score for the predicted class j reaches the mean score for j of the images labelled j. Ranked by
    score(j) - score(i). The scores must come from a model that did not train on these images.

    Args:
        targets: (N,) class indices, -1 = unlabelled (never returned).
        predicted: (N,) class indices.
        scores: (N, K) probabilities.
    """
    wrong = np.flatnonzero((targets >= 0) & (targets != predicted))
    if not wrong.size:
        return wrong
    labelled = np.flatnonzero(targets >= 0)
    own = scores[labelled, targets[labelled]].astype(np.float64)
    support = np.bincount(targets[labelled], minlength=scores.shape[1])
    usual = np.bincount(targets[labelled], weights=own, minlength=scores.shape[1]) / np.maximum(support, 1)
    usual[support < MIN_SUPPORT] = np.inf
    score = scores[wrong, predicted[wrong]].astype(np.float64)
    margin = score - scores[wrong, targets[wrong]]
    kept = (score >= usual[predicted[wrong]]) & (margin > 0)
    order = np.argsort(-margin[kept], kind="stable")
    rows: np.ndarray = wrong[kept][order]
    return rows
