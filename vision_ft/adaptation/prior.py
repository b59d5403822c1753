"""Shares of the classes on a camera: counted where labels are known, estimated from scores where they are not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from vision_ft.adaptation.camera import DomainSample, known_classes
from vision_ft.adaptation.distances import Pair, p_value, permuted_membership

MAX_STEPS = 200
TOLERANCE = 1e-6  # total change of the shares in one step; far below what a few hundred images can tell


def class_shares(labels: np.ndarray, num_classes: int) -> np.ndarray | None:
    """Share of each class (K,) among the labelled images, or None when there are none; -1 = unlabelled."""
    known = labels[labels >= 0]
    if not known.size:
        return None
    shares: np.ndarray = np.bincount(known, minlength=num_classes) / known.size
    return shares


def estimate_shares(scores: np.ndarray, trained_shares: np.ndarray) -> np.ndarray:
    """Estimate the class shares of unlabelled images by expectation maximisation.

    Saerens, Latinne & Decaestecker 2002 (Neural Computation 14(1), eq. 2.9). It assumes that only the shares differ and
    that the scores are calibrated (Alexandari, Kundaje & Shrikumar 2020, arXiv:1901.06852, sec. 3); when the images
    look different too, the result is a guess. A class that the model was not trained on keeps the share 0.

    Args:
        scores: (N, K) probabilities of the model.
        trained_shares: (K,) class shares of the images that the model was trained on.

    Returns:
        (K,) shares that sum to 1.
    """
    shares = trained_shares / trained_shares.sum()
    weight = np.divide(scores, shares, out=np.zeros_like(scores, np.float64), where=shares > 0)  # likelihood up to p(x)
    weight = weight[(weight * shares).sum(axis=1) > 0]  # all the mass of these images lies on untrained classes
    for _ in range(MAX_STEPS if len(weight) else 0):
        posterior = weight * shares
        posterior /= posterior.sum(axis=1, keepdims=True)
        updated = posterior.mean(axis=0)
        settled = np.abs(updated - shares).sum() < TOLERANCE
        shares = updated
        if settled:
            break
    return shares


def total_variation(shares: np.ndarray, other: np.ndarray) -> float:
    """Half the sum of absolute differences: the share of images that would have to change class, in [0, 1]."""
    return float(np.abs(shares - other).sum() / 2)


def compare_shares(old: DomainSample | None, new: DomainSample, *, classes: Sequence[str], seed: int) -> dict[str, Any]:
    """Class shares of both cameras, the distance between them, and the p-value of that distance.

    Args:
        old: images of the old camera; None when there are none.
        new: images of the new camera; its shares are counted where half of it or more is labelled, else estimated.
        classes: names of all classes.
        seed: of the permutations.

    Returns:
        `old` and `new` (class name -> share), `estimated` (whether the new shares are), `distance` (total variation)
        and `p_value` (permutation test on labels, else on the source model's predictions); None where unknown.
    """
    before = None if old is None or old.labels is None else class_shares(np.asarray(old.labels), len(classes))
    counted = class_shares(np.asarray(new.labels), len(classes)) if new.is_labelled else None
    after = _estimate(new, before) if counted is None else counted
    distance = None if before is None or after is None else total_variation(before, after)
    return {
        "old": None if before is None else dict(zip(classes, before, strict=True)),
        "new": None if after is None else dict(zip(classes, after, strict=True)),
        "estimated": counted is None and after is not None,
        "distance": distance,
        "p_value": None if old is None or distance is None else _p_value(old, new, seed=seed),
    }


def _estimate(new: DomainSample, trained_shares: np.ndarray | None) -> np.ndarray | None:
    if trained_shares is None or new.scores is None or not len(new):
        return None
    scores = np.zeros((len(new), len(trained_shares)))
    scores[:, : new.scores.shape[1]] = new.scores  # the source model has no scores for classes that the camera adds
    return estimate_shares(scores, trained_shares)


def _p_value(old: DomainSample, new: DomainSample, *, seed: int) -> float | None:
    """How often images dealt out anew differ in their class shares as much as the two cameras do."""
    known = known_classes(old, new)
    if known is None:
        return None
    old_classes, new_classes, _ = known
    old_rows, new_rows = np.flatnonzero(old_classes >= 0), np.flatnonzero(new_classes >= 0)
    label = np.concatenate([old_classes[old_rows], new_classes[new_rows]])
    pair = Pair(old_rows[:, None], new_rows[:, None], old.group_ids[old_rows], new.group_ids[new_rows])
    permuted, _ = permuted_membership(pair, seed=seed)
    distances = [_distance(label, is_new) for is_new in (pair.is_new, *permuted)]
    return p_value(distances[0], np.array(distances[1:]))


def _distance(label: np.ndarray, is_new: np.ndarray) -> float:
    old, new = (np.bincount(label[rows], minlength=label.max() + 1) / rows.sum() for rows in (~is_new, is_new))
    return total_variation(old, new)
