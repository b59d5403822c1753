"""The label cells of an index file: what every task's reader gives, and one class name per row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from vision_ft.data.images.decode import printable
from vision_ft.data.labels import build_class_space
from vision_ft.data.reading.index import Index
from vision_ft.errors import DataError, RecipeError
from vision_ft.types import UNLABELLED, ClassSpace, Finding

MAX_LABEL_LENGTH = 500  # a longer "name" is a text column taken for the label, and would fill every table
LABEL_COLUMN = "label"  # of one label per image; "labels" holds several
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
class LabelOptions:
    """Where the labels of a file stand.

    Attributes:
        column: of the label, or of the set of labels.
        columns: of 0 and 1 (multilabel), or of one label each (multitask).
        separator: between the labels of one cell, or "auto".
        unlabelled: whether images may lack a label.
    """

    column: str = LABEL_COLUMN
    columns: Sequence[str] | None = None
    separator: str = "auto"
    unlabelled: bool = False


@dataclass(frozen=True)
class OneLabel:
    """A class name in each row, or nothing."""

    texts: list[str]
    remarks: tuple[Finding, ...] = ()

    def columns(self, rows: Sequence[int], splits: Splits, *, where: str) -> dict[str, Any]:
        """Return the class index of each row, -1 for an empty cell."""
        classes, ids = index_labels([self.texts[row] for row in rows], splits, where=where)
        return {"labels": ids, "classes": classes}


def read_one(index: Index, options: LabelOptions) -> OneLabel:
    """Read class names; they may be empty only where images may be unlabelled.

    Raises:
        DataError: no such column, a row without a label, or one that is endless or not text.
    """
    there = index.find("label_column", options.column if options.column != LABEL_COLUMN else None)
    if there is None and not options.unlabelled:
        if index.find("labels_column", None):
            raise DataError(
                f"{printable(index.file)} line 1: no column 'label'; found are {index.text.header}. For several labels "
                "an image set task=multilabel; for one, name the column with data.label_column=..."
            )
        index.find("label_column", LABEL_COLUMN)  # tells what is there
    labels = index.column(there) or [""] * len(index.text.rows)
    wrong = [] if options.unlabelled else [(row, "no label") for row, label in enumerate(labels) if not label]
    if wrong:
        raise index.fail(wrong, "Every row needs a label; remove the rows of images without one.")
    check_names(index, list(enumerate(labels)))
    return OneLabel(labels)


def find_columns(index: Index, options: LabelOptions) -> list[str]:
    """Return the asked label columns as the file writes them.

    Raises:
        DataError: a column is not there.
        RecipeError: a column is named twice.
    """
    columns = [str(index.find("label_columns", name)) for name in options.columns or ()]
    doubled = sorted({name for name in columns if columns.count(name) > 1})
    if doubled:
        raise RecipeError(f"data.label_columns: {doubled} is named twice. Name each column once.")
    return columns


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


def _is_text(name: str) -> bool:
    """Whether a label came from valid UTF-8."""
    return name.isascii() or not any("\udc80" <= letter <= "\udcff" for letter in name)
