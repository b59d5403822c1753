"""Split a SampleTable into train, val and test without leaking groups or near-duplicates."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from vision_ft.data.kinds import KINDS
from vision_ft.data.table import SampleTable
from vision_ft.errors import DataError
from vision_ft.types import SPLITS

log = logging.getLogger(__name__)

IntArray = npt.NDArray[np.int64]
TIED_COLUMNS = ("group", "hash", "cluster")  # rows with an equal value in any of these stay on one side
TRAIN, VAL, TEST = range(3)


def assign(
    table: SampleTable, *, val: float = 0.15, test: float = 0.15, seed: int = 0, fixed: bool = False
) -> SampleTable:
    """Return the table with every split filled in; given splits are kept.

    Stratified by class; where an image holds several (labels, boxes, masks) by the rarest of them. Rows of one group,
    with equal content or in one near-duplicate cluster (columns `group`, `hash` and `cluster`, the latter two from the
    audit) get one split; a row tied to a given split joins it. Where val or test was given, no test is made up, and val
    is taken from train only when it is missing. Every class keeps an image in train, and one in val and test as far as
    it has enough; a class with one image goes to train.

    Args:
        table: the samples; unlabelled rows are treated as one more class.
        val: share of the images for val, 0..1; of the train images when only those or test were given.
        test: share of the images for test, 0..1.
        seed: of the shuffle; the same table and seed give the same split.
        fixed: no given split changes, even where that leaves no val, and val and test are shares of the other rows.

    Raises:
        DataError: shares that leave nothing for train, or groups too few or too large to make a val split.
    """
    if not (0 <= val < 1 and 0 <= test < 1 and val + test < 1):
        raise DataError(f"val={val} and test={test} leave nothing for train; their sum must be below 1.")
    given = _codes(table)
    shares = (val, test) if fixed else _wanted_shares(given, val=val, test=test)
    carve = not fixed and shares[0] > 0 and bool((given == TRAIN).any())
    is_open = (given < 0) | (carve & (given == TRAIN))
    if not is_open.any():
        return table
    units = _units(table)
    codes = _follow_ties(given, units, is_open)
    rows = np.flatnonzero(codes < 0)
    if len(rows):
        labels = KINDS[table.task].strata(table)[rows] + 1  # unlabelled rows become class 0
        codes[rows] = _draw(labels, _compact(units[rows]), shares, np.random.default_rng(seed))
    if not fixed:
        _require_wanted(table, codes, shares, units)
    return table.with_column("split", pa.array(SPLITS).take(pa.array(codes)))


def _codes(table: SampleTable) -> IntArray:
    """Return the given splits as 0 train, 1 val, 2 test, -1 none."""
    codes = pc.index_in(table.arrow.column("split"), value_set=pa.array(SPLITS))
    return np.asarray(pc.fill_null(codes, -1).to_numpy(), dtype=np.int64)


def _wanted_shares(given: IntArray, *, val: float, test: float) -> tuple[float, float]:
    """Return the shares of val and test that have to be drawn, of the rows they are drawn from."""
    if (given == VAL).any():
        return 0.0, 0.0
    return (val, 0.0) if (given >= 0).any() else (val, test)


def _units(table: SampleTable) -> IntArray:
    """Return the unit of each row: rows that must stay together, through any chain of ties, share a number."""
    from scipy.sparse import coo_array  # here: it takes a second
    from scipy.sparse.csgraph import connected_components

    num_rows = len(table)
    edges: list[tuple[IntArray, IntArray]] = []
    for name in TIED_COLUMNS:
        if name not in table.arrow.column_names or table.arrow.column(name).null_count == num_rows:
            continue
        column = table.arrow.column(name).combine_chunks().dictionary_encode()
        value = np.asarray(pc.fill_null(column.indices, -1).to_numpy(zero_copy_only=False), dtype=np.int64)
        rows = np.flatnonzero(value >= 0)
        first = np.full(len(column.dictionary), num_rows, dtype=np.int64)
        np.minimum.at(first, value[rows], rows)
        edges.append((rows, first[value[rows]]))
    if not edges:
        return np.arange(num_rows)
    start, end = (np.concatenate(side) for side in zip(*edges, strict=True))
    ties = coo_array((np.ones(len(start), dtype=np.int8), (start, end)), shape=(num_rows, num_rows))
    return connected_components(ties, directed=False)[1].astype(np.int64)


def _follow_ties(given: IntArray, units: IntArray, is_open: npt.NDArray[np.bool_]) -> IntArray:
    """Return codes where open rows tied to a row that is not open are settled, and the other open rows are -1.

    A row without a split joins the split it is tied to. A row that was given as train stays there: that its twin was
    given as test is for the audit to say, and no reason to change what was given.
    """
    codes = np.where(is_open, -1, given)
    split_of_unit = np.full(units.max() + 1, -1)
    np.maximum.at(split_of_unit, units[~is_open], codes[~is_open])
    tied = is_open & (split_of_unit[units] >= 0)
    codes[tied] = np.where(given[tied] == TRAIN, TRAIN, split_of_unit[units[tied]])
    return codes


def _compact(values: IntArray) -> IntArray:
    """Renumber values as 0..n-1."""
    return np.unique(values, return_inverse=True)[1].astype(np.int64)


def _draw(labels: IntArray, units: IntArray, shares: tuple[float, float], rng: np.random.Generator) -> IntArray:
    """Return a split code for each row; rows of one unit get the same."""
    codes = np.full(len(labels), TRAIN, dtype=np.int64)
    sizes = np.bincount(units)
    single = sizes[units] == 1
    if not single.all():
        rows = np.flatnonzero(~single)
        codes[rows] = _draw_units(labels[rows], _compact(units[rows]), shares, rng)
    if single.any():
        taken = [np.bincount(labels[~single & (codes == code)], minlength=labels.max() + 1) for code in range(3)]
        codes[single] = _draw_singles(labels[single], np.array(taken), shares, rng)
    return codes


def _draw_singles(
    labels: IntArray, taken: npt.NDArray[Any], shares: tuple[float, float], rng: np.random.Generator
) -> IntArray:
    """Split rows that are tied to nothing, class by class, in one vectorised pass.

    `taken` (3, K) counts the rows of each class that tied rows already brought to train, val and test; singles fill up
    to the wanted share, so that both together are stratified.
    """
    order = np.lexsort((rng.random(len(labels)), labels))
    counts = np.bincount(labels, minlength=taken.shape[1])
    quota_val, quota_test = _quotas(counts, taken, shares)
    starts = np.concatenate(([0], np.cumsum(counts)[:-1]))
    rank = np.arange(len(labels)) - starts[labels[order]]  # position of each row within its shuffled class
    in_val = rank < quota_val[labels[order]]
    in_test = ~in_val & (rank < (quota_val + quota_test)[labels[order]])
    codes = np.empty(len(labels), dtype=np.int64)
    codes[order] = np.where(in_val, VAL, np.where(in_test, TEST, TRAIN))
    return codes


def _quotas(
    counts: npt.NDArray[Any], taken: npt.NDArray[Any], shares: tuple[float, float]
) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Return how many of each class's single rows go to val and to test.

    Shares are rounded, but at least one goes to val (with 2 rows of the class or more) and to test (3 or more), and one
    stays for train.
    """
    total = counts + taken.sum(axis=0)
    quotas = []
    left = counts - (taken[TRAIN] == 0)  # one is kept for train when no tied row is there
    for code, needed in ((VAL, 2), (TEST, 3)):
        share = shares[code - 1]
        target = np.maximum(np.rint(total * share), ((total >= needed) & (share > 0)).astype(int))
        quota = np.clip(target - taken[code], 0, np.maximum(left, 0)).astype(np.int64)
        quotas.append(quota)
        left = left - quota
    return quotas[0], quotas[1]


def _draw_units(labels: IntArray, units: IntArray, shares: tuple[float, float], rng: np.random.Generator) -> IntArray:
    """Split whole units greedily: the largest first, each to the split that lacks its classes most.

    The rule of scikit-learn's StratifiedGroupKFold, but with shares of any size instead of equal folds, and with every
    class kept in train. Plain lists, because a million rows may come in hundreds of thousands of small units.
    """
    num_units, num_classes = int(units.max()) + 1, int(labels.max()) + 1
    pairs, pair_rows = np.unique(units * num_classes + labels, return_counts=True)
    content: list[list[tuple[int, int]]] = [[] for _ in range(num_units)]  # (class, rows) pairs of each unit
    for pair, num_rows in zip(pairs.tolist(), pair_rows.tolist(), strict=True):
        content[pair // num_classes].append((pair % num_classes, num_rows))
    totals = np.bincount(labels, minlength=num_classes)
    want = [(share * totals).tolist() for share in (1 - sum(shares), *shares)]
    have = [[0] * num_classes for _ in range(3)]
    units_left = np.bincount(pairs % num_classes, minlength=num_classes).tolist()  # of each class, not placed yet
    code_of_unit = np.empty(num_units, dtype=np.int64)
    for unit in np.lexsort((rng.random(num_units), -np.bincount(units))).tolist():
        code = _best_split(content[unit], want, have, units_left)
        code_of_unit[unit] = code
        for label, num_rows in content[unit]:
            have[code][label] += num_rows
            units_left[label] -= 1
    return code_of_unit[units]


def _best_split(
    content: list[tuple[int, int]], want: list[list[float]], have: list[list[int]], units_left: list[int]
) -> int:
    """Return the split that lacks a unit's classes most; a class's last unit goes where the class is still missing.

    Args:
        content: (class, rows) pairs of the unit.
        want: rows of each class wanted in train, val, test.
        have: rows of each class already there.
        units_left: units of each class that are not placed yet, this one included.
    """
    last = [label for label, _ in content if units_left[label] == 1]
    for code in (TRAIN, VAL):
        if any(have[code][label] == 0 and want[code][label] > 0 for label in last):
            return code
    scores = [-np.inf] * 3
    for code in (TRAIN, VAL, TEST):
        if want[code][content[0][0]] > 0:
            gaps = ((want[code][label] - have[code][label], want[code][label], rows) for label, rows in content)
            scores[code] = sum((gap - max(rows - gap, 0)) / wish * rows for gap, wish, rows in gaps)
    return int(np.argmax(scores))


def _require_wanted(table: SampleTable, codes: IntArray, shares: tuple[float, float], units: IntArray) -> None:
    """Refuse a split that came out without train or without a val that was asked for."""
    for code, share in ((TRAIN, 1.0), (VAL, shares[0])):
        if share > 0 and not (codes == code).any():
            num_units = len(np.unique(units))
            why = f"{len(table)} images are too few to split. Add images, or give a split column or folders."
            if num_units < len(table):
                why = (
                    f"{len(table)} images fall into {num_units} units that must stay together (groups, duplicates). "
                    "Give a split column or folders, or a finer group."
                )
            raise DataError(f"{table.root}: no image is left for {SPLITS[code]}: {why}")
    if shares[1] > 0 and not (codes == TEST).any():
        log.warning("split: no test images: too few groups or images to take any from")
