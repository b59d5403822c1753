"""The one bootstrap: how often each image is drawn in sets drawn anew, by whole groups where there are enough of them.

The images of one camera, day or sequence are alike. An interval that counts them as independent is too narrow, so with
`MIN_GROUPS` named groups or more whole groups are drawn (cluster bootstrap), else single images.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

import numpy as np

MIN_GROUPS = 8  # resampling fewer groups says more about the resampling than about the model
MIN_IMAGES = 5  # sets drawn from fewer images agree by chance
REPLICATES = 2000
MIN_REPLICATES = 200  # a 2.5% point needs at least as many
MAX_DRAWS = 40_000_000  # numbers that a bootstrap may draw (about two seconds); fewer replicates beyond it
CHUNK_DRAWS = 2_000_000  # numbers held at once

Groups = Sequence[str | None] | np.ndarray | None
Seed = int | np.random.Generator
Interval = tuple[float, float]
Over = Literal["pictures", "groups"]  # what was drawn, as the summaries name it


def group_units(groups: Groups, count: int) -> np.ndarray | None:
    """Number (N,) of the group of each image, or None where there are fewer than eight groups to draw.

    An image without a group is a group of its own, yet only named groups count towards the eight.
    """
    if groups is None:
        return None
    named = np.array([group is not None for group in groups], bool)
    names, member = np.unique([str(group) for group in groups if group is not None], return_inverse=True)
    if len(names) < MIN_GROUPS:
        return None
    unit = np.empty(count, np.int64)
    unit[named] = member
    unit[~named] = len(names) + np.arange(count - named.sum())
    return unit


def drawn_over(groups: Groups, count: int) -> Over:
    """Return what is drawn anew for images with these groups: "groups" or "images"."""
    return "pictures" if group_units(groups, count) is None else "groups"


def draw_kinds(counts: np.ndarray, *, replicates: int = REPLICATES, seed: Seed = 0) -> Iterator[np.ndarray]:
    """Yield how often each kind of unit is drawn, float64 (R, kinds), in parts; equal units need no draw of their own.

    Args:
        counts: (kinds,) units of each kind; a set has as many units as there are.
        replicates: sets at most; fewer where so many kinds would take many seconds.
        seed: of the drawing, or a generator to draw from.
    """
    rng = np.random.default_rng(seed)
    total = int(counts.sum())
    wanted = int(min(replicates, max(MAX_DRAWS // len(counts), MIN_REPLICATES)))
    step = max(CHUNK_DRAWS // len(counts), 1)
    for start in range(0, wanted, step):
        yield rng.multinomial(total, counts / total, size=min(step, wanted - start)).astype(np.float64)


def draw_units(unit: np.ndarray, *, replicates: int = REPLICATES, seed: Seed = 0) -> Iterator[np.ndarray]:
    """Yield how often each image is drawn, float64 (R, N), in parts, when the units 0, 1, ... of `unit` (N,) are."""
    if not len(unit):
        yield np.zeros((replicates, 0))
        return
    for draw in draw_kinds(np.ones(unit.max() + 1, np.int64), replicates=replicates, seed=seed):
        yield draw[:, unit]


def draw_weights(
    count: int, *, groups: Groups = None, replicates: int = REPLICATES, seed: Seed = 0
) -> Iterator[np.ndarray]:
    """Yield how often each of N images is drawn, float64 (R, N), in parts; by whole groups where there are eight."""
    unit = group_units(groups, count)
    return draw_units(np.arange(count) if unit is None else unit, replicates=replicates, seed=seed)


def draw_tallies(
    tallies: np.ndarray, *, groups: Groups = None, replicates: int = REPLICATES, seed: Seed = 0
) -> np.ndarray:
    """Sums (R, ...) over sets drawn anew of what is counted in each image: `tallies` (N, ...)."""
    unit = group_units(groups, len(tallies))
    if unit is not None:
        pooled = np.zeros((unit.max() + 1, *tallies.shape[1:]))
        np.add.at(pooled, unit, tallies)
        tallies = pooled
    draws = draw_kinds(np.ones(len(tallies), np.int64), replicates=replicates, seed=seed)
    return np.concatenate([np.tensordot(draw, tallies, axes=1) for draw in draws])


def draw_within(counts: Sequence[np.ndarray], *, replicates: int, seed: Seed = 0) -> Iterator[np.ndarray]:
    """Yield for each stratum how often each of its kinds is drawn, int64 (R, kinds); each stratum keeps its size.

    Args:
        counts: of each stratum the units of each kind, above 0 together.
        replicates: sets.
        seed: of the drawing, or a generator to draw from.
    """
    rng = np.random.default_rng(seed)
    for kinds in counts:
        total = kinds.sum()
        yield rng.multinomial(total, kinds / total, size=replicates)


def interval(values: np.ndarray) -> Interval:
    """Return the 95% percentile interval of what was measured on drawn sets (R,); NaN values are left out."""
    defined = values[~np.isnan(values)]
    if not len(defined):
        return float("nan"), float("nan")
    low, high = np.percentile(defined, [2.5, 97.5])
    return float(low), float(high)
