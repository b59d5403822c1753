"""The label cells of an index file: one label a picture, a set of labels, or one label in each of several columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from vision_ft.data.formats.csv.index import Index
from vision_ft.data.images.decode import printable
from vision_ft.data.labels import build_class_space
from vision_ft.data.several_labels import LABELS, PREFIX, SEPARATORS, flat_names, list_column
from vision_ft.errors import DataError, RecipeError
from vision_ft.types import UNLABELLED, ClassSpace, Finding, LabelColumn, Task

MAX_LABEL_LENGTH = 500  # a longer "name" is a text column taken for the label, and would fill every table
YES, NO = ("1", "1.0", "true", "yes"), ("0", "0.0", "false", "no")
LABEL_COLUMN = "label"  # of one label a picture; "labels" holds several
Splits = Sequence[str | None] | None


class LabelCells(Protocol):
    """What the label cells of a file say, before it is known which rows stay."""

    @property
    def texts(self) -> Sequence[str]:
        """One a row; equal texts are equal labels."""

    @property
    def remarks(self) -> Sequence[Finding]:
        """What the reader decided by itself."""

    def columns(self, rows: Sequence[int], splits: Splits, *, where: str) -> dict[str, Any]:
        """Return the arguments of `SampleTable.build` about labels for some rows; classes are those of train."""


@dataclass(frozen=True)
class OneLabel:
    """A class name in each row, or nothing."""

    texts: list[str]
    remarks: tuple[Finding, ...] = ()

    def columns(self, rows: Sequence[int], splits: Splits, *, where: str) -> dict[str, Any]:
        """Return the class index of each row, -1 for an empty cell."""
        classes, ids = index_labels([self.texts[row] for row in rows], splits, where=where)
        return {"labels": ids, "classes": classes}


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


@dataclass(frozen=True)
class LabelTexts:
    """Class names in several columns; an empty cell is missing."""

    names: tuple[str, ...]
    cells: list[list[str]]  # one list a column
    texts: list[str]
    remarks: tuple[Finding, ...] = ()

    def columns(self, rows: Sequence[int], splits: Splits, *, where: str) -> dict[str, Any]:
        """Return a column of class indices for each label column."""
        found: list[LabelColumn] = []
        extra = {}
        for name, cells in zip(self.names, self.cells, strict=True):
            classes, ids = index_labels([cells[row] for row in rows], splits, where=f"{where}, column {name!r}")
            found.append(LabelColumn(name, classes.names))
            extra[PREFIX + name] = pa.array(ids, pa.int32())
        tasks = [{"name": column.name, "classes": list(column.classes)} for column in found]
        common = {"labels": [UNLABELLED] * len(rows), "classes": flat_names(found), "task": "multitask"}
        return common | {"extra": extra, "meta": {"tasks": tasks}}


@dataclass(frozen=True)
class LabelOptions:
    """What the labels of a file are and where they stand.

    Attributes:
        task: one label a picture, a set of labels, or one label in each of several columns.
        column: of the label, or of the set of labels.
        columns: of 0 and 1 (multilabel) or of class names (multitask).
        separator: between the labels of one cell, or "auto".
        unlabelled: whether pictures may lack the one label.
    """

    task: Task
    column: str
    columns: Sequence[str] | None
    separator: str = "auto"
    unlabelled: bool = False


def read_labels(index: Index, options: LabelOptions) -> LabelCells:
    """Read the labels of a file as its task asks for.

    Raises:
        DataError: a column is not there, or a cell holds what it cannot.
        RecipeError: the task needs columns, or a column is named twice.
    """
    if options.task == "classification":
        return _read_one(index, options)
    columns = [str(index.find("label_columns", name)) for name in options.columns or ()]
    doubled = sorted({name for name in columns if columns.count(name) > 1})
    if doubled:
        raise RecipeError(f"data.label_columns: {doubled} is named twice. Name each column once.")
    if options.task == "multitask":
        if not columns:
            raise RecipeError(
                "data.label_columns: not set, but the task multitask answers one label a column. Name them: "
                f"{printable(index.file)} has {index.text.header}."
            )
        return read_texts(index, columns)
    if columns:
        return read_flags(index, columns)
    by_default = options.column == LABEL_COLUMN and index.find("labels_column", None)
    name = by_default or index.find("label_column", options.column)
    return read_sets(index, index.column(name) or [], separator=options.separator)


def _read_one(index: Index, options: LabelOptions) -> OneLabel:
    """Read class names; they may be empty only where pictures may be unlabelled."""
    there = index.find("label_column", options.column if options.column != LABEL_COLUMN else None)
    if there is None and not options.unlabelled:
        if index.find("labels_column", None):
            raise DataError(
                f"{printable(index.file)} line 1: no column 'label'; found are {index.text.header}. For several labels "
                "a picture set task=multilabel; for one, name the column with data.label_column=..."
            )
        index.find("label_column", LABEL_COLUMN)  # tells what is there
    labels = index.column(there) or [""] * len(index.text.rows)
    wrong = [] if options.unlabelled else [(row, "no label") for row, label in enumerate(labels) if not label]
    if wrong:
        raise index.fail(wrong, "Every row needs a label; remove the rows of pictures without one.")
    check_names(index, list(enumerate(labels)))
    return OneLabel(labels)


def read_sets(index: Index, cells: Sequence[str], *, separator: str = "auto") -> LabelSets:
    """Read cells such as "bird;water"; an empty cell is a picture without any label.

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


def read_texts(index: Index, names: Sequence[str]) -> LabelTexts:
    """Read class names from several columns; an empty cell is a label that is missing.

    Raises:
        DataError: a column holds no name at all, or one is endless or not text.
    """
    cells = [index.column(name) or [] for name in names]
    empty = [name for name, column in zip(names, cells, strict=True) if not any(column)]
    if empty:
        raise DataError(f"{printable(index.file)}: no row has a label in {empty}. Remove it from data.label_columns.")
    for column in cells:
        check_names(index, list(enumerate(column)))
    texts = [
        "; ".join(f"{name}={cell}" for name, cell in zip(names, row, strict=True)) for row in zip(*cells, strict=True)
    ]
    return LabelTexts(tuple(names), cells, texts)


def index_labels(labels: Sequence[str], splits: Splits, *, where: str) -> tuple[ClassSpace, list[int]]:
    """Return the classes of the labelled rows, and the class index of each row, -1 for an empty label."""
    rows = [row for row, label in enumerate(labels) if label]
    known_splits = [splits[row] for row in rows] if splits else None
    classes, ids = build_class_space([labels[row] for row in rows], known_splits, where=where)
    found = dict(zip(rows, ids, strict=True))
    return classes, [found.get(row, UNLABELLED) for row in range(len(labels))]


def check_names(index: Index, names: Sequence[tuple[int, str]]) -> None:
    """Refuse labels, given as (row, name), that are endless or not text."""
    wrong = [(row, f"label of {len(name)} characters") for row, name in names if len(name) > MAX_LABEL_LENGTH]
    if wrong:
        raise index.fail(wrong, f"At most {MAX_LABEL_LENGTH} are allowed; is label_column the right one?")
    wrong = [(row, f"label {name!r} is not UTF-8") for row, name in names if not _is_text(name)]
    if wrong:
        raise index.fail(wrong, "Save the file as UTF-8.")


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
        return "", [_remark("info", "no separator was found: a picture has one label or none")]
    best = max(found, key=lambda mark: counts[mark])
    if len(found) > 1:
        others = " and ".join(f"{mark!r} in {counts[mark]}" for mark in found if mark != best)
        return best, [_remark("warning", f"{best!r} separates labels in {counts[best]} cells, but there is {others}")]
    return best, [_remark("info", f"labels are separated by {best!r}, in {counts[best]} of {len(filled)} cells")]


def _remark(level: Any, what: str) -> Finding:
    return Finding(level, "label-separator", "", f"{what}; data.label_separator sets it.")


def _is_text(name: str) -> bool:
    """Whether a label came from valid UTF-8."""
    return name.isascii() or not any("\udc80" <= letter <= "\udcff" for letter in name)


def _multilabel(classes: ClassSpace, values: npt.NDArray[np.float32]) -> dict[str, Any]:
    extra = {LABELS: list_column(values)}
    return {"labels": [UNLABELLED] * len(values), "classes": classes, "task": "multilabel", "extra": extra}
