"""Two models on the same samples: the difference with its interval, and a test of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from vision_ft.errors import DataError

MIN_GROUPS = 8  # resampling fewer groups says more about the resampling than about the models
REPLICATES = 2000
MAX_DRAWS = 40_000_000  # numbers that a bootstrap may draw (about two seconds); fewer replicates beyond it
MIN_REPLICATES = 200  # a 2.5% point needs at least as many
CHUNK_DRAWS = 2_000_000  # numbers held at once


@dataclass(frozen=True)
class Difference:
    """After minus before, with the ends of its 95% interval; NaN where nothing was measured."""

    value: float
    low: float
    high: float


def paired_bootstrap(
    before: np.ndarray,
    after: np.ndarray,
    *,
    groups: Sequence[str | None] | np.ndarray | None = None,
    replicates: int = REPLICATES,
    seed: int = 0,
) -> Difference:
    """Mean of `after - before` with its percentile bootstrap interval (Efron & Tibshirani 1993, chapter 13).

    The pairs stay together, so what both models find hard cancels out. Where all differences are equal the interval
    has no width: the test of `mcnemar` and the number of samples then say more.

    Args:
        before: (N,) value of each sample under the first model, such as right (1) or wrong (0), or a loss.
        after: (N,) the same under the second model.
        groups: (N,) camera, sequence, ... of each sample, None where it has none. With at least eight groups whole
            groups are drawn, because their samples are alike; with fewer, samples are.
        replicates: bootstrap sets; fewer are drawn where N is so large that they would take many seconds.
        seed: of the drawing.

    Raises:
        DataError: the arrays differ in length.
    """
    first, second = np.asarray(before, np.float64), np.asarray(after, np.float64)
    _refuse_lengths(len(first), len(second), groups)
    if not len(first):
        return Difference(np.nan, np.nan, np.nan)
    change = second - first
    unit = group_units(groups, len(change))
    sums: np.ndarray
    sizes: np.ndarray
    if unit is None:
        sums, counts = np.unique(change, return_counts=True)
        sizes = np.ones(len(sums))
    else:
        sums, sizes = np.bincount(unit, weights=change), np.bincount(unit)
        counts = np.ones(len(sums), np.int64)
    means = [(draw @ sums) / (draw @ sizes) for draw in _draws(counts, replicates=replicates, seed=seed)]
    return _difference(float(change.mean()), np.concatenate(means))


def paired_macro_f1(
    targets: np.ndarray,
    before: np.ndarray,
    after: np.ndarray,
    *,
    num_classes: int,
    groups: Sequence[str | None] | np.ndarray | None = None,
    replicates: int = REPLICATES,
    seed: int = 0,
) -> Difference:
    """Difference in macro-F1 with its paired percentile bootstrap interval.

    Classes without a sample are left out; in a bootstrap set, those without a sample there.

    Args:
        targets: (N,) class indices, all >= 0.
        before: (N,) class indices that the first model predicts.
        after: (N,) class indices that the second model predicts.
        num_classes: K.
        groups: (N,) or None, as in `paired_bootstrap`.
        replicates: bootstrap sets at most.
        seed: of the drawing.

    Raises:
        DataError: the arrays differ in length.
    """
    _refuse_lengths(len(before), len(after), groups)
    _refuse_lengths(len(targets), len(after), None)
    if not len(targets):
        return Difference(np.nan, np.nan, np.nan)
    unit = group_units(groups, len(targets))
    rows = np.column_stack([targets, before, after])
    if unit is None:  # equal answers need no draw of their own
        rows, counts = np.unique(rows, axis=0, return_counts=True)
        unit = np.arange(len(rows))
    else:
        counts = np.ones(unit.max() + 1, np.int64)

    def change(draw: np.ndarray) -> np.ndarray:
        first, second = (_drawn_f1(draw, unit, rows[:, 0], rows[:, at], num_classes=num_classes) for at in (1, 2))
        return second - first

    value = float(change(counts[None].astype(np.float64))[0])
    return _difference(
        value, np.concatenate([change(draw) for draw in _draws(counts, replicates=replicates, seed=seed)])
    )


def _drawn_f1(
    draw: np.ndarray, unit: np.ndarray, targets: np.ndarray, predicted: np.ndarray, *, num_classes: int
) -> np.ndarray:
    """Macro-F1 (R,) of sets in which unit u was drawn draw[r, u] times; rows of a unit come together."""
    from scipy.sparse import csr_array  # here: training does not need it

    def tally(kept: np.ndarray, classes: np.ndarray) -> np.ndarray:
        indicator = csr_array((kept.astype(np.float64), (unit, classes)), shape=(draw.shape[1], num_classes))
        return np.asarray(draw @ indicator)

    everything = np.ones(len(targets), bool)
    support, found = tally(everything, targets), tally(everything, predicted)
    held = support > 0
    f1 = np.divide(2 * tally(targets == predicted, targets), support + found, out=np.zeros_like(support), where=held)
    mean: np.ndarray = f1.sum(axis=1) / held.sum(axis=1)
    return mean


def mcnemar(before_correct: np.ndarray, after_correct: np.ndarray) -> dict[str, float]:
    """Exact McNemar test (McNemar 1947, as a binomial test) of whether two models err equally often.

    Args:
        before_correct: (N,) whether the first model is right.
        after_correct: (N,) whether the second model is right.

    Returns:
        "b": samples that only the first has right; "c": those that only the second has right; "p_value": two-sided,
        1 where no sample tells them apart. It counts samples as independent, so with groups it is too sure.

    Raises:
        DataError: the arrays differ in length.
    """
    from scipy.stats import binomtest  # here: training does not need it

    first, second = np.asarray(before_correct, bool), np.asarray(after_correct, bool)
    _refuse_lengths(len(first), len(second), None)
    lost, gained = int((first & ~second).sum()), int((~first & second).sum())
    p_value = float(binomtest(lost, lost + gained).pvalue) if lost + gained else 1.0
    return {"b": lost, "c": gained, "p_value": p_value}


def adjust_holm(p_values: Sequence[float]) -> list[float]:
    """P values adjusted for being several (Holm 1979), in the order given: the chance of any false alarm is kept."""
    order = np.argsort(p_values, kind="stable")
    steps = np.asarray(p_values, np.float64)[order] * np.arange(len(order), 0, -1)
    adjusted = np.empty(len(order))
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1.0) if len(order) else steps
    return [float(value) for value in adjusted]


def group_units(groups: Sequence[str | None] | np.ndarray | None, count: int) -> np.ndarray | None:
    """Number (N,) of the group of each sample, or None where there are fewer than eight groups to draw.

    A sample without a group is a group of its own, yet only named groups count towards the eight.
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


def draw_weights(
    count: int,
    *,
    groups: Sequence[str | None] | np.ndarray | None = None,
    replicates: int = REPLICATES,
    seed: int = 0,
) -> Iterator[np.ndarray]:
    """Yield how often each of N pictures is drawn: float64 (R, N), in parts; groups as in `paired_bootstrap`."""
    unit = group_units(groups, count)
    unit = np.arange(count) if unit is None else unit
    for draw in _draws(np.ones(unit.max() + 1, np.int64), replicates=replicates, seed=seed):
        yield draw[:, unit]


def _draws(counts: np.ndarray, *, replicates: int, seed: int) -> Iterator[np.ndarray]:
    """How often each kind of unit (of which there are `counts`) is drawn: float64 (R, kinds), in parts."""
    rng = np.random.default_rng(seed)
    total = int(counts.sum())
    wanted = int(min(replicates, max(MAX_DRAWS // len(counts), MIN_REPLICATES)))
    step = max(CHUNK_DRAWS // len(counts), 1)
    for start in range(0, wanted, step):
        yield rng.multinomial(total, counts / total, size=min(step, wanted - start)).astype(np.float64)


def _difference(value: float, replicates: np.ndarray) -> Difference:
    low, high = np.percentile(replicates, [2.5, 97.5])
    return Difference(value, float(low), float(high))


def _refuse_lengths(before: int, after: int, groups: Sequence[str | None] | np.ndarray | None) -> None:
    if before != after or (groups is not None and len(groups) != before):
        held = "" if groups is None else f" and {len(groups)} groups"
        raise DataError(f"paired comparison: {before} values before, {after} after{held}; they must be as many")
