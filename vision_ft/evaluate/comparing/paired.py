"""Two models on the same samples: the difference with its interval, and a test of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vision_ft.errors import DataError
from vision_ft.evaluate.intervals import drawn_counts, drawn_macro_f1
from vision_ft.evaluate.resampling import REPLICATES, Groups, draw_kinds, group_units, interval


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
    groups: Groups = None,
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
    means = [(draw @ sums) / (draw @ sizes) for draw in draw_kinds(counts, replicates=replicates, seed=seed)]
    return _difference(float(change.mean()), np.concatenate(means))


def paired_macro_f1(
    targets: np.ndarray,
    before: np.ndarray,
    after: np.ndarray,
    *,
    num_classes: int,
    groups: Groups = None,
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
    if unit is None:  # equal predictions need no draw of their own
        rows, counts = np.unique(rows, axis=0, return_counts=True)
        unit = np.arange(len(rows))
    else:
        counts = np.ones(unit.max() + 1, np.int64)

    def change(draw: np.ndarray) -> np.ndarray:
        drawn = [drawn_counts(draw, unit, rows[:, 0], rows[:, at], num_classes=num_classes) for at in (1, 2)]
        found: np.ndarray = drawn_macro_f1(*drawn[1]) - drawn_macro_f1(*drawn[0])
        return found

    value = float(change(counts[None].astype(np.float64))[0])
    return _difference(
        value, np.concatenate([change(draw) for draw in draw_kinds(counts, replicates=replicates, seed=seed)])
    )


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


def _difference(value: float, replicates: np.ndarray) -> Difference:
    return Difference(value, *interval(replicates))


def _refuse_lengths(before: int, after: int, groups: Groups) -> None:
    if before != after or (groups is not None and len(groups) != before):
        held = "" if groups is None else f" and {len(groups)} groups"
        raise DataError(f"paired comparison: lengths differ: {before} values before, {after} after{held}")
