"""Take the source model's surest predictions on a new camera as labels, without letting one class swamp the others."""

from __future__ import annotations

import math

import numpy as np

from vision_ft.errors import DataError, RecipeError

DEFAULT_FLOOR = 0.9
MAX_RATIO = 3  # the largest class may hold so many times the smallest: below 5:1, plain cross-entropy copes
ALWAYS_KEPT = 10  # a class that passes once must not cut the others down to three images


def choose(
    scores: np.ndarray,
    *,
    floor: float = DEFAULT_FLOOR,
    per_class: int | None = None,
    min_classes: int = 2,
) -> tuple[np.ndarray, np.ndarray]:
    """Choose images whose predicted class can stand in for a label.

    A confidence floor as in Sohn 2020 (FixMatch, arXiv:2001.07685, sec. 2.1), and the surest of each class first, as in
    Zou 2018 (class-balanced self-training, arXiv:1810.07911, sec. 3.3); unlike there, every class has the same
    floor, because a lower one for rare classes takes in more wrong labels than a user would expect.

    Args:
        scores: (N, K) probabilities of the source model, calibrated if it has a temperature.
        floor: images whose highest probability is lower are left out.
        per_class: at most so many images a class; None: three times the smallest class that passes, at least 10.
        min_classes: fewer classes that pass are refused: training on one alone teaches to name it always.

    Returns:
        rows (M,) into `scores`, ascending, and their class indices (M,).

    Raises:
        RecipeError: a floor or a cap that makes no sense.
        DataError: scores that are not finite, no image, or too few classes that pass.
    """
    _check(scores, floor=floor, per_class=per_class)
    labels, confidence = scores.argmax(1), scores.max(1)
    passed = np.flatnonzero(confidence >= floor)
    _require_enough(confidence, labels[passed], floor=floor, min_classes=min(min_classes, scores.shape[1]))
    counts = np.unique(labels[passed], return_counts=True)[1]
    cap = per_class if per_class is not None else max(MAX_RATIO * int(counts.min()), ALWAYS_KEPT)
    surest_first = passed[np.argsort(-confidence[passed], kind="stable")]
    by_class = [surest_first[labels[surest_first] == label][:cap] for label in np.unique(labels[passed])]
    rows = np.sort(np.concatenate(by_class))
    return rows, labels[rows]


def _check(scores: np.ndarray, *, floor: float, per_class: int | None) -> None:
    assert scores.ndim == 2, scores.shape
    if not 0 < floor <= 1:
        raise RecipeError(f"pseudo-labels: got a confidence floor of {floor}; it must lie above 0 and up to 1.")
    if per_class is not None and per_class < 1:
        raise RecipeError(f"pseudo-labels: got at most {per_class} images a class; it must be at least 1.")
    if not len(scores):
        raise DataError("pseudo-labels: got no images of the new camera.")
    if not np.isfinite(scores).all():
        wrong = int((~np.isfinite(scores).all(1)).sum())
        raise DataError(
            f"pseudo-labels: {wrong} of {len(scores)} images have scores that are not finite. Run 'vision-ft audit' "
            "on the images."
        )


def _require_enough(confidence: np.ndarray, labels: np.ndarray, *, floor: float, min_classes: int) -> None:
    highest = math.floor(confidence.max() * 1000) / 1000  # rounded down: 0.8999 must not read as the floor it missed
    if not len(labels):
        raise DataError(
            f"pseudo-labels: none of {len(confidence)} images reaches the confidence floor of {floor}; the surest "
            f"has {highest:.3f}, the middle one {np.median(confidence):.3f}. Lower the floor, or label some images."
        )
    if len(np.unique(labels)) < min_classes:
        raise DataError(
            f"pseudo-labels: all {len(labels)} of {len(confidence)} images above the confidence floor of {floor} are "
            f"predicted as {len(np.unique(labels))} class(es), number {np.unique(labels).tolist()}; at least "
            f"{min_classes} are needed, or the model learns to name one always. Lower the floor, or label some "
            "pictures."
        )
