"""Check one label per image: classes that are missing, have a single image, or are of very unequal size."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from vision_ft.data.labels import shorten
from vision_ft.data.table import SampleTable
from vision_ft.types import SPLITS, Finding

IMBALANCE = 10  # largest to smallest class in train; from about here on, accuracy says little about the small one


def check_one_label(table: SampleTable) -> Iterator[Finding]:
    """Find classes that are absent, have one image, are missing from a split, or dwarf others."""
    names = np.array(table.classes.names, dtype=object)
    labelled = table.labels >= 0
    counts = np.bincount(table.labels[labelled], minlength=len(names))
    if (counts > 0).sum() < 2:
        yield Finding("error", "one-class", "", f"need at least two classes with images, got {shorten(list(names))}.")
        return
    if (counts == 0).any():
        yield Finding("error", "empty-class", "", f"no usable images of {shorten(list(names[counts == 0]))}.")
    if (counts == 1).any():
        detail = f"one image only of {shorten(list(names[counts == 1]))}; it cannot be in train and in val."
        yield Finding("warning", "one-picture-class", "", detail)
    splits = table.splits
    for split in SPLITS:
        chosen = labelled & (splits == split)
        in_split = np.bincount(table.labels[chosen], minlength=len(names))
        missing = list(names[(in_split == 0) & (counts > 0)])
        if not chosen.any() or not missing:
            continue
        detail = f"{split} has no image of {shorten(missing)}"
        if split == "train":
            yield Finding("error", "class-missing-in-split", "", f"{detail}, which can then not be learnt.")
        else:
            yield Finding("warning", "class-missing-in-split", "", f"{detail}: nothing is measured of them there.")
    yield from _check_balance(table, names)


def _check_balance(table: SampleTable, names: np.ndarray) -> Iterator[Finding]:
    """Compare the largest and the smallest class of train (of all images before a split)."""
    chosen = table.labels[(table.labels >= 0) & ((table.splits == "train") | (table.splits == None))]  # noqa: E711 - elementwise
    counts = np.bincount(chosen, minlength=len(names))
    if not counts.any():
        return
    small, large = int(np.where(counts > 0, counts, counts.max()).argmin()), int(counts.argmax())
    if counts[large] >= IMBALANCE * counts[small]:
        detail = (
            f"{names[large]!r} has {counts[large]} training images, {names[small]!r} has {counts[small]}: "
            f"{counts[large] / counts[small]:.0f} times. Read macro-F1, not accuracy; see optim.imbalance."
        )
        yield Finding("warning", "imbalance", "", detail)
