"""Sets of labels in an index file: names in one cell, or a column of 0 and 1 for each label."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from vision_ft.data.images.decode import printable
from vision_ft.data.labels import build_class_space
from vision_ft.data.reading.index import Index
from vision_ft.data.reading.labels import LABEL_COLUMN, LabelCells, LabelOptions, Splits, check_names, find_columns
from vision_ft.data.several_labels import LABELS, SEPARATORS, list_column
from vision_ft.errors import DataError
from vision_ft.types import MULTILABEL, UNLABELLED, ClassSpace, Finding

YES, NO = ("1", "1.0", "true", "yes"), ("0", "0.0", "false", "no")


@dataclass(frozen=True)
class LabelSets:
    """Names of the labels that apply, in one cell a row."""

    sets: list[tuple[str, ...]]
    remarks: tuple[Finding, ...] = ()
    texts: list[str] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "texts", ["; ".join(sorted(names)) for names in self.sets])

    def columns(self, rows: Sequence[int], splits: Splits, *, where: str) -> dict[str, Any]:
        """Return the labels of each row as a list of K: 1 where named, else 0."""
        pairs = [(place, name) for place, row in enumerate(rows) for name in self.sets[row]]
        own_splits = [splits[place] for place, _ in pairs] if splits else None
        classes, ids = build_class_space([name for _, name in pairs], own_splits, where=where)
        values = np.zeros((len(rows), len(classes)), np.float32)
        values[[place for place, _ in pairs], ids] = 1
        return _multilabel(classes, values)


@dataclass(frozen=True)
class LabelFlags:
    """A column of 0 and 1 for each label; an empty cell is not known."""

    names: tuple[str, ...]
    values: npt.NDArray[np.float32]
    texts: list[str]
    remarks: tuple[Finding, ...] = ()

    def columns(self, rows: Sequence[int], splits: Splits, *, where: str) -> dict[str, Any]:
        """Return the labels of each row as a list of K: 1, 0 or null."""
        del splits, where  # the columns are the classes, whatever a split holds
        return _multilabel(ClassSpace(self.names), self.values[list(rows)])


def read_label_sets(index: Index, options: LabelOptions) -> LabelCells:
    """Read columns of 0 and 1 where some are named, else cells with the names of the labels that apply.

    Where images may be unlabelled, a file without such a column, or without a label in it, says nothing of any.

    Raises:
        DataError: a column is not there, or a cell holds what it cannot.
        RecipeError: a column is named twice.
    """
    columns = find_columns(index, options)
    if columns:
        return read_flags(index, columns)
    by_default = options.column == LABEL_COLUMN and index.find("labels_column", None)
    asked = options.column if options.column != LABEL_COLUMN or not options.unlabelled else None
    name = by_default or index.find("label_column", asked)
    cells = index.column(name) or [""] * len(index.text.rows)
    if options.unlabelled and not any(cells):
        return LabelFlags((), np.zeros((len(cells), 0), np.float32), cells)
    return read_sets(index, cells, separator=options.separator)


def read_sets(index: Index, cells: Sequence[str], *, separator: str = "auto") -> LabelSets:
    """Read cells such as "bird;water"; an empty cell is an image without any label.

    Raises:
        DataError: no cell holds a label, or one is endless or not text.
    """
    used, remarks = (separator, ()) if separator != "auto" else _find_separator(cells)
    parts = [cell.split(used) if used else [cell] for cell in cells]
    sets = [tuple(dict.fromkeys(name.strip() for name in row if name.strip())) for row in parts]
    if not any(sets):
        raise DataError(
            f"{printable(index.file)}: no row has a label. Name the column of labels with data.label_column=..., or "
            "several columns of 0 and 1 with data.label_columns=[...]."
        )
    check_names(index, [(row, name) for row, names in enumerate(sets) for name in names])
    return LabelSets(sets, tuple(remarks))


def read_flags(index: Index, names: Sequence[str]) -> LabelFlags:
    """Read a column of 0 and 1 for each label; an empty cell is a label that is not known.

    Raises:
        DataError: a cell holds anything else.
    """
    table = [index.column(name) or [] for name in names]
    wrong = [
        (row, f"{names[place]} is {cell!r}")
        for row, cells in enumerate(zip(*table, strict=True))
        for place, cell in enumerate(cells)
        if cell and cell.lower() not in YES + NO
    ]
    if wrong:
        minus = any(what.endswith("'-1'") for _, what in wrong)
        why = (
            " -1 means no in some data sets and not known in others: write 0, or leave the cell empty." if minus else ""
        )
        raise index.fail(wrong, f"Allowed are 1 and 0, and an empty cell where it is not known.{why}")
    values = [[np.nan if not cell else float(cell.lower() in YES) for cell in cells] for cells in table]
    matrix = np.array(values, np.float32).T
    texts = ["".join("?" if np.isnan(value) else str(int(value)) for value in row) for row in matrix]
    return LabelFlags(tuple(names), matrix, texts)


def _find_separator(cells: Sequence[str]) -> tuple[str, list[Finding]]:
    """Return what most cells are separated by, "" for nothing, and a remark on it.

    A space counts only where words come back in other cells, as in "haze primary" and "clear primary": names such as
    "traffic light" hold spaces too.
    """
    filled = [cell for cell in cells if cell]
    counts = {mark: sum(mark in cell for cell in filled) for mark in SEPARATORS}
    words = {word for cell in filled for word in cell.split(" ")}
    found = [mark for mark in SEPARATORS[:3] if counts[mark]]
    if not found and counts[" "] and len(words) < len(set(filled)):
        found = [" "]
    if not found:
        return "", [_remark("info", "no separator was found: an image has one label or none")]
    best = max(found, key=lambda mark: counts[mark])
    if len(found) > 1:
        others = " and ".join(f"{mark!r} in {counts[mark]}" for mark in found if mark != best)
        return best, [_remark("warning", f"{best!r} separates labels in {counts[best]} cells, but there is {others}")]
    return best, [_remark("info", f"labels are separated by {best!r}, in {counts[best]} of {len(filled)} cells")]


def _remark(level: Any, what: str) -> Finding:
    return Finding(level, "label-separator", "", f"{what}; data.label_separator sets it.")


def _multilabel(classes: ClassSpace, values: npt.NDArray[np.float32]) -> dict[str, Any]:
    extra = {LABELS: list_column(values)}
    return {"labels": [UNLABELLED] * len(values), "classes": classes, "task": MULTILABEL, "extra": extra}
