"""Check numbers per image: targets that do not vary, values far from all others, and images without any."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from vision_ft.data.labels import shorten
from vision_ft.data.table import SampleTable
from vision_ft.data.values import value_matrix
from vision_ft.types import SPLITS, Finding

FAR = 20.0  # interquartile ranges beyond the quartiles: counts and ages do not reach so far, typing errors do
MOSTLY = 0.9  # share of one value above which little is left to learn
MIN_TRAIN = 20  # known values below which a fit is chance


def check_values(table: SampleTable) -> Iterator[Finding]:
    """Find targets that do not vary or hardly do, values far from all others, and images without a value."""
    values = value_matrix(table)
    known = ~np.isnan(values)
    if not known.any():
        yield Finding("error", "no-label", "", "no value of any image is known.")
        return
    for place, name in enumerate(table.classes.names):
        yield from _check_target(table, name, values[:, place])
    without = int((~known.any(axis=1)).sum())
    if without:
        yield Finding("warning", "no-label", "", f"{without} of {len(table)} images have no value that is known.")
    for split in SPLITS:
        rows = table.rows(split)
        lacking = [
            name
            for place, name in enumerate(table.classes.names)
            if len(rows) and known[:, place].any() and not known[rows, place].any()
        ]
        if lacking:
            detail = f"{split} has no known value of {shorten(lacking)}"
            if split == "train":
                yield Finding("error", "class-missing-in-split", "", f"{detail}, which can then not be learnt.")
            else:
                yield Finding("warning", "class-missing-in-split", "", f"{detail}: nothing is measured of it there.")


def _check_target(table: SampleTable, name: str, values: np.ndarray) -> Iterator[Finding]:
    known = np.flatnonzero(~np.isnan(values))
    if not len(known):
        return
    found, counts = np.unique(values[known], return_counts=True)
    if len(found) == 1:
        detail = f"{name} is {found[0]:g} in all {len(known)} images: nothing can be learnt. Remove the target."
        yield Finding("error", "constant-label", "", detail)
        return
    share = counts.max() / len(known)
    if share > MOSTLY:
        detail = f"{name} is {found[counts.argmax()]:g} in {share:.0%} of the images: little is left to learn."
        yield Finding("warning", "mostly-one-value", "", detail)
    low, high = np.percentile(values[known], [25, 75])
    reach = FAR * (high - low)
    far = known[(values[known] < low - reach) | (values[known] > high + reach)] if high > low else known[:0]
    for row in far[:10].tolist():
        detail = f"{name} is {values[row]:g}, while half of all values lie between {low:g} and {high:g}. Is it right?"
        yield Finding("warning", "far-value", table.relative_path(row), detail)
    train = np.intersect1d(known, table.rows("train"))
    if 0 < len(train) < MIN_TRAIN:
        detail = f"train has {len(train)} known values of {name}; with fewer than {MIN_TRAIN} a fit is mostly chance."
        yield Finding("warning", "few-values", "", detail)
