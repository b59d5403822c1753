"""Check a split table: leaks, conflicts, missing, single-image, imbalanced or near-identically named classes."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from vision_ft.data.kinds import KINDS
from vision_ft.data.labels import shorten
from vision_ft.data.table import SampleTable
from vision_ft.types import SPLITS, Finding


def check(table: SampleTable) -> list[Finding]:
    """Return the findings about the set; those of the scan need its columns and are left out without them."""
    findings = [*_check_names(table), *KINDS[table.task].audit(table)]
    columns = table.arrow.column_names
    if "hash" in columns:
        same_evaluation = _val_equals_test(table)
        findings += [*same_evaluation, *_check_equal_content(table, skip_evaluation=bool(same_evaluation))]
    if "cluster" in columns:
        findings += _check_near_duplicates(table)
    return [*findings, *_check_groups(table)]


def _check_names(table: SampleTable) -> Iterator[Finding]:
    """Find class names that differ in case or Unicode form only, and numbers whose order surprises."""
    for kind, what, key in _TWIN_RULES:
        by_key: dict[str, list[str]] = defaultdict(list)
        for name in table.classes.names:
            by_key[key(name)].append(name)
        for names in by_key.values():
            if len(names) > 1 and len({unicodedata.normalize("NFC", name) for name in names}) == len(names):
                yield Finding("warning", kind, "", f"the classes {shorten(names)} differ in {what} only; one class?")
            elif len(names) > 1 and kind == "unicode-twins":
                # written with escapes, because they look the same
                yield Finding("warning", kind, "", f"the classes {', '.join(map(ascii, names))} differ in {what} only.")
    names = list(table.classes.names)
    if len(names) > 1 and all(name.isdecimal() for name in names) and sorted(names, key=int) != names:
        yield Finding("info", "class-order", "", f"class names are text and ordered as text: {shorten(names)}.")


_TWIN_RULES: Sequence[tuple[str, str, Callable[[str], str]]] = (
    ("unicode-twins", "the Unicode form (NFC/NFD) of their letters", lambda name: unicodedata.normalize("NFC", name)),
    ("case-twins", "upper and lower case", lambda name: unicodedata.normalize("NFC", name).casefold()),
)


def _val_equals_test(table: SampleTable) -> list[Finding]:
    """Find a val set that is the test set again."""
    hashes = {split: set(table.arrow.column("hash").take(pa.array(table.rows(split))).to_pylist()) for split in SPLITS}
    if not hashes["val"] or hashes["val"] != hashes["test"]:
        return []
    detail = "val and test hold the same images: what is selected on val looks too good on test."
    return [Finding("warning", "val-equals-test", "", detail)]


def _check_equal_content(table: SampleTable, *, skip_evaluation: bool) -> Iterator[Finding]:
    """Find files of equal content: a conflict under two labels, a leak across splits, else a plain duplicate."""
    splits, labels = table.splits, KINDS[table.task].rows(table)
    rank: dict[object, int] = {"train": 0, "val": 1, "test": 2}
    for rows in _equal_rows(table, "hash"):
        rows.sort(key=lambda row: -rank.get(splits[row], -1))  # evaluation copies first: test, val, train
        first_of = {labels.ids[row]: row for row in reversed(rows)}
        for row in rows if len(first_of) > 1 else rows[1:]:
            unlike = next((one for one in first_of.values() if labels.differ(one, row)), None)
            if unlike is not None:
                detail = (
                    f"labelled {labels.text(row)}, but {table.relative_path(unlike)} has the same content, labelled"
                )
                yield Finding("error", "label-conflict", table.relative_path(row), f"{detail} {labels.text(unlike)}.")
            elif row != rows[0]:
                yield _describe_equal(table, row, rows[0], skip_evaluation=skip_evaluation)


def _describe_equal(table: SampleTable, row: int, other: int, *, skip_evaluation: bool) -> Finding:
    """Return the finding about `row`, whose content equals that of `other`."""
    path, twin = table.relative_path(row), table.relative_path(other)
    here, there = table.splits[row], table.splits[other]
    if here != there and not (skip_evaluation and {here, there} == {"val", "test"}):
        return Finding("error", "leak", path, f"in {here}, but {twin} in {there} has the same content.")
    return Finding("warning", "exact-duplicate", path, f"same content as {twin}.")


def _check_near_duplicates(table: SampleTable) -> Iterator[Finding]:
    """Find near-duplicates under two labels or across splits (warnings), and others (listed)."""
    splits, labels, hashes = table.splits, KINDS[table.task].rows(table), table.arrow.column("hash")
    for rows in _equal_rows(table, "cluster"):
        # up to two rows of each label and split, unlike in content: enough to name a counterpart in a heap of any size
        seen: dict[tuple[int, object], dict[str, int]] = defaultdict(dict)
        for row in rows:
            content, peers = hashes[row].as_py(), seen[int(labels.ids[row]), splits[row]]
            # equal bytes have been told already
            others = [one for some in seen.values() for hash_, one in some.items() if hash_ != content]
            if len(peers) < 2:
                peers.setdefault(content, row)
            path = table.relative_path(row)
            mislabelled = next((one for one in others if labels.differ(one, row)), None)
            across = next((one for one in others if splits[one] != splits[row]), None)
            if mislabelled is not None:
                twin, names = table.relative_path(mislabelled), (labels.text(row), labels.text(mislabelled))
                detail = f"labelled {names[0]}, but nearly the same as {twin}, labelled {names[1]}."
                yield Finding("warning", "near-label-conflict", path, detail)
            if across is not None:
                detail = f"in {splits[row]}, nearly the same as {table.relative_path(across)} in {splits[across]}."
                yield Finding("warning", "near-duplicate", path, detail)
            elif others and mislabelled is None:
                detail = f"nearly the same as {table.relative_path(others[0])}, in the same split."
                yield Finding("info", "near-duplicate", path, detail)


def _check_groups(table: SampleTable) -> Iterator[Finding]:
    """Find groups that given splits tear apart."""
    if table.groups is None:
        return
    pairs = table.arrow.select(["group", "split"]).drop_null().group_by(["group", "split"]).aggregate([])
    splits_by_group: dict[str, list[str]] = defaultdict(list)
    for group, split in zip(pairs.column("group").to_pylist(), pairs.column("split").to_pylist(), strict=True):
        splits_by_group[group].append(split)
    torn = sorted(group for group, splits in splits_by_group.items() if len(splits) > 1)
    if torn:
        detail = f"{len(torn)} of {len(splits_by_group)} groups are in more than one split: {shorten(torn)}."
        yield Finding("warning", "group-leak", "", detail)


def _equal_rows(table: SampleTable, name: str) -> Iterator[list[int]]:
    """Yield the rows, in table order, of each value that a column holds more than once."""
    column = table.arrow.column(name).combine_chunks()
    codes = pc.fill_null(column.dictionary_encode().indices, -1).to_numpy(zero_copy_only=False).astype(np.int64)
    rows = np.flatnonzero(codes >= 0)
    rows = rows[np.bincount(codes[rows], minlength=1)[codes[rows]] > 1]
    order = rows[np.argsort(codes[rows], kind="stable")]
    borders = np.flatnonzero(np.diff(codes[order])) + 1
    for group in np.split(order, borders):
        if len(group):
            yield group.tolist()
