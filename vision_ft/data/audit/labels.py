"""Check several labels per image: labels that say nothing, that a split lacks, and images without any."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from vision_ft.data.labels import shorten
from vision_ft.data.several_labels import count_known, is_labelled, label_columns, label_matrix
from vision_ft.data.table import SampleTable
from vision_ft.types import SPLITS, UNLABELLED, Finding

IMBALANCE = 10  # images without a label to those with it; as for the classes of one label
Counts = np.ndarray  # (2, K): known not to apply, applies


def check_label_sets(table: SampleTable) -> Iterator[Finding]:
    """Find labels that apply to no or to every image, that a split lacks, and that are rare in train."""
    names = np.array(table.classes.names, dtype=object)
    without, applies = count_known(table, np.arange(len(table)))
    if not applies.any():
        yield Finding("error", "no-label", "", f"none of the labels {shorten(list(names))} applies to any image.")
        return
    if (applies == 0).any():
        detail = f"{shorten(list(names[applies == 0]))} apply to no usable image: nothing can be learnt. Remove them."
        yield Finding("error", "empty-class", "", detail)
    always = (applies > 0) & (without == 0)
    if always.any():
        detail = f"{shorten(list(names[always]))} apply to every image where they are known: nothing can be learnt."
        yield Finding("warning", "constant-label", "", detail)
    yield from _check_unlabelled(table)
    yield from _check_splits(table, names)
    yield from _check_balance(table, names)


def check_label_columns(table: SampleTable) -> Iterator[Finding]:
    """Find label columns with one class, and classes that a split lacks."""
    labels = label_matrix(table)
    for place, column in enumerate(label_columns(table)):
        present = np.unique(labels[labels[:, place] != UNLABELLED, place])
        if len(present) < 2:
            detail = f"the column {column.name!r} has one class only: {shorten([column.classes[i] for i in present])}."
            yield Finding("error", "constant-label", "", f"{detail} Remove it from data.label_columns.")
    yield from _check_unlabelled(table)
    yield from _check_splits(table, np.array(table.classes.names, dtype=object))


def _check_unlabelled(table: SampleTable) -> Iterator[Finding]:
    """Count the images of which no label is known."""
    number = int((~is_labelled(label_matrix(table))).sum())
    if number == len(table):
        yield Finding("error", "no-label", "", "no label of any image is known.")
    elif number:
        yield Finding("warning", "no-label", "", f"{number} of {len(table)} images have no label that is known.")


def _check_splits(table: SampleTable, names: np.ndarray) -> Iterator[Finding]:
    """Find labels without an image in a split, though others have them."""
    ever = count_known(table, np.arange(len(table)))[1] > 0
    for split in SPLITS:
        rows = table.rows(split)
        missing = list(names[ever & (count_known(table, rows)[1] == 0)])
        if not len(rows) or not missing:
            continue
        detail = f"{split} has no image of {shorten(missing)}"
        if split == "train":
            yield Finding("error", "class-missing-in-split", "", f"{detail}, which can then not be learnt.")
        else:
            yield Finding("warning", "class-missing-in-split", "", f"{detail}: nothing is measured of them there.")


def _check_balance(table: SampleTable, names: np.ndarray) -> Iterator[Finding]:
    """Find labels that apply to few of the training images."""
    without, applies = count_known(table, table.rows("train"))
    rare = (applies > 0) & (without >= IMBALANCE * applies)
    if rare.any():
        example = int(np.where(rare, applies, applies.max() + 1).argmin())
        detail = (
            f"{shorten(list(names[rare]))} apply to few training images, {names[example]!r} to {applies[example]} of "
            f"{applies[example] + without[example]}. See optim.imbalance=weights and optim.loss=asymmetric."
        )
        yield Finding("warning", "imbalance", "", detail)
