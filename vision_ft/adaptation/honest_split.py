"""What a random frame split would have shown: the same head on the same images, split by group and split by frame."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from vision_ft.adaptation.linear_head import Fit, LabelledFeatures, fit_head
from vision_ft.evaluate.comparing.paired import Difference, paired_bootstrap
from vision_ft.evaluate.intervals import plain
from vision_ft.evaluate.resampling import MIN_GROUPS

FOLDS = 4  # a quarter of the images is tested on at a time
DRAWS = 3  # of the folds
MAX_IMAGES = 2000  # whole groups are drawn up to so many, which bounds the time of 24 fits
ROUNDING = 1e-9


def compare_splits(
    pictures: LabelledFeatures, *, fit: Fit = fit_head, draws: int = DRAWS, seed: int = 0
) -> dict[str, Any] | None:
    """Accuracy by cross-validation with honest folds and with random ones, ready for JSON.

    Honest folds keep a group whole; random folds have the same sizes and ignore groups, as a random split of frames
    does. Every image is tested once a draw in both, by a head fitted on as many others. "low" and "high" are the
    worst and best draw; "gap" is random minus honest, with an interval over groups where there are enough of them.

    Args:
        pictures: labelled images of one camera or several; a group is all that must stay together: a day, a
            sequence, near-duplicates. An image without a group is one of its own.
        fit: trains on images and returns a predictor.
        draws: of the folds.
        seed: of the draws.

    Returns:
        {"honest": {"accuracy", "low", "high", "n"}, "random": the same, "gap": {"value", "low", "high"}, "groups",
        "sentence"}; None where a random split is an honest one too (no two images share a group) or nothing can be
        held out (one group).
    """
    group = _group_numbers(pictures)
    pictures, group = _bounded(pictures, group, np.random.default_rng([seed, 0]))
    num_groups = len(np.unique(group))
    if num_groups < 2 or num_groups == len(group):
        return None
    honest, random = (np.empty((draws, len(group))) for _ in range(2))
    for draw in range(draws):
        rng = np.random.default_rng([seed, 1, draw])
        folds = _honest_folds(pictures.labels, group, rng)
        honest[draw] = _correct(pictures, folds, fit=fit)
        random[draw] = _correct(pictures, rng.permutation(folds), fit=fit)
    names = np.array([str(number) for number in group], dtype=object)
    gap = paired_bootstrap(honest.mean(axis=0), random.mean(axis=0), groups=names, seed=seed)
    result: dict[str, Any] = plain(
        {
            "honest": _summary(honest),
            "random": _summary(random),
            "gap": vars(gap),
            "groups": num_groups,
            "sentence": _sentence(honest.mean(), random.mean(), gap) + _say_few(num_groups),
        }
    )
    return result


def _group_numbers(pictures: LabelledFeatures) -> np.ndarray:
    groups: Iterable[Any] = [None] * len(pictures) if pictures.groups is None else pictures.groups
    names = [f"row {row}" if name is None else f"group {name}" for row, name in enumerate(groups)]
    return np.unique(names, return_inverse=True)[1].astype(np.int64)


def _bounded(
    pictures: LabelledFeatures, group: np.ndarray, rng: np.random.Generator
) -> tuple[LabelledFeatures, np.ndarray]:
    """Return at most MAX_IMAGES (two groups at least), whole groups at random."""
    if len(pictures) <= MAX_IMAGES:
        return pictures, group
    sizes = np.bincount(group)
    order = rng.permutation(len(sizes))
    num_kept = max(2, int(np.searchsorted(np.cumsum(sizes[order]), MAX_IMAGES, side="right")))
    rows = np.flatnonzero(np.isin(group, order[:num_kept]))
    return pictures.take(rows), np.unique(group[rows], return_inverse=True)[1]


def _honest_folds(labels: np.ndarray, group: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return the fold (N,) of each image; groups stay whole and classes are spread as far as groups allow.

    Classes of fewer images than folds count as one when the folds are balanced: scikit-learn would warn of them.
    """
    from sklearn.model_selection import StratifiedGroupKFold  # here: it takes seconds

    num_folds = min(FOLDS, int(group.max()) + 1)
    counts = np.bincount(labels)
    strata = np.where(counts[labels] >= num_folds, labels, -1)
    if int((strata < 0).sum()) < num_folds:
        strata = np.where(strata < 0, int(counts.argmax()), strata)
    splitter = StratifiedGroupKFold(num_folds, shuffle=True, random_state=int(rng.integers(2**31)))
    folds = np.zeros(len(labels), np.int64)
    for number, (_, held) in enumerate(splitter.split(labels[:, None], strata, group)):
        folds[held] = number
    return folds


def _correct(pictures: LabelledFeatures, folds: np.ndarray, *, fit: Fit) -> np.ndarray:
    """Return whether each image (N,) is right when its fold is held out."""
    correct = np.zeros(len(folds))
    for number in np.unique(folds):
        held = np.flatnonzero(folds == number)
        predict = fit(pictures.take(np.flatnonzero(folds != number)), None)
        correct[held] = predict(pictures.features[held]) == pictures.labels[held]
    return correct


def _summary(correct: np.ndarray) -> dict[str, float]:
    by_draw = correct.mean(axis=1)
    return {"accuracy": by_draw.mean(), "low": by_draw.min(), "high": by_draw.max(), "n": correct.shape[1]}


def _sentence(honest: float, random: float, gap: Difference) -> str:
    numbers = (
        f"A random split of these images would have shown {random:.1%}, the split that keeps groups whole shows "
        f"{honest:.1%}"
    )
    points = f"{100 * abs(gap.value):.1f} points ({100 * gap.low:+.1f} to {100 * gap.high:+.1f})"
    if gap.low > ROUNDING:
        return f"{numbers}: {points} of the random number come from images of one group on both sides."
    if gap.high < -ROUNDING:
        return f"{numbers}: {points} less, so groups do not make the random number too good here."
    return f"{numbers}. The difference of {points} is within what chance does."


def _say_few(num_groups: int) -> str:
    """Return a warning where the interval could not be drawn over groups and is too narrow."""
    return f" There are {num_groups} groups only, so this is a rough number." if num_groups < MIN_GROUPS else ""
