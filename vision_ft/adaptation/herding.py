"""Which old images to keep for rehearsal: equally many of each class, by herding or at random."""

from __future__ import annotations

import numpy as np

from vision_ft.errors import DataError, RecipeError
from vision_ft.types import UNLABELLED


def choose_herding(features: np.ndarray, labels: np.ndarray, *, per_class: int) -> np.ndarray:
    """Choose the images whose mean feature follows the mean of their class most closely (iCaRL, alg. 4).

    Rebuffi 2017, arXiv:1611.07725: images are taken one by one, each the one that brings the mean of those taken
    nearest to the class mean. So the first n of a class are its choice of n. Features are scaled to length 1 first,
    as in the paper.

    Args:
        features: (N, D) from the source model.
        labels: (N,) class indices; images without a label (-1) are never chosen.
        per_class: images of each class; a class that has fewer gives all it has.

    Returns:
        (M,) positions in `features`, class by class, in the order in which they were taken.

    Raises:
        DataError: features and labels are not of the same length, or a feature is not a number.
        RecipeError: `per_class` is below 1.
    """
    _check_per_class(per_class)
    features = np.asarray(features, dtype=np.float64)
    if features.ndim != 2 or len(features) != len(labels):
        raise DataError(f"herding: features are of shape {features.shape}, but there are {len(labels)} labels.")
    if not np.isfinite(features).all():
        raise DataError("herding: a feature is infinite or not a number; the source model cannot be used on an image.")
    unit = features / np.maximum(np.linalg.norm(features, axis=1, keepdims=True), 1e-12)
    chosen = [members[_herd(unit[members], per_class)] for members in _members(labels)]
    return np.concatenate([np.empty(0, dtype=np.int64), *chosen])


def choose_random(labels: np.ndarray, *, per_class: int, seed: int) -> np.ndarray:
    """Choose images of each class at random.

    Args:
        labels: (N,) class indices; images without a label (-1) are never chosen.
        per_class: images of each class; a class that has fewer gives all it has.
        seed: the choice follows from it; a class's choice does not depend on the other classes.

    Returns:
        (M,) positions in `labels`, class by class.

    Raises:
        RecipeError: `per_class` is below 1.
    """
    _check_per_class(per_class)
    chosen = [
        np.random.default_rng((seed, int(labels[members[0]]))).permutation(members)[:per_class]
        for members in _members(labels)
    ]
    return np.concatenate([np.empty(0, dtype=np.int64), *chosen])


def _members(labels: np.ndarray) -> list[np.ndarray]:
    """Return the positions of each class that has images."""
    labels = np.asarray(labels)
    return [np.flatnonzero(labels == label) for label in np.unique(labels) if label != UNLABELLED]


def _herd(unit: np.ndarray, count: int) -> np.ndarray:
    """Return positions in `unit` (N, D), at most `count`, in herding order."""
    mean, total = unit.mean(axis=0), np.zeros(unit.shape[1])
    squares = np.square(unit).sum(axis=1)  # 1, or 0 for a feature of zeros
    left = np.ones(len(unit), dtype=bool)
    order: list[int] = []
    for number in range(1, min(count, len(unit)) + 1):
        # |mean - (total + x) / number|^2, times number^2, without the terms that all x share
        distance = squares - 2 * unit @ (number * mean - total)
        best = int(np.where(left, distance, np.inf).argmin())
        order.append(best)
        left[best] = False
        total += unit[best]
    return np.array(order, dtype=np.int64)


def _check_per_class(per_class: int) -> None:
    if per_class < 1:
        raise RecipeError(f"rehearsal per_class: got {per_class}; allowed: 1 or more images of each class.")
