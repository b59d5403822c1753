"""Several label columns in an index file, each with one class name per row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from vision_ft.data.images.decode import printable
from vision_ft.data.reading.index import Index
from vision_ft.data.reading.labels import LabelCells, LabelOptions, Splits, check_names, find_columns, index_labels
from vision_ft.data.several_labels import PREFIX, columns_meta, flat_names
from vision_ft.errors import DataError, RecipeError
from vision_ft.types import MULTITASK, UNLABELLED, Finding, LabelColumn


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
        common = {"labels": [UNLABELLED] * len(rows), "classes": flat_names(found), "task": MULTITASK}
        return common | {"extra": extra, "meta": columns_meta(found)}


def read_label_columns(index: Index, options: LabelOptions) -> LabelCells:
    """Read class names from the named columns; none where images may be unlabelled and the file has no labels.

    Raises:
        DataError: a column is not there, or a cell holds what it cannot.
        RecipeError: no column is named, or one twice.
    """
    columns = find_columns(index, options)
    others = {name.lower() for name in index.text.header} - {"path", "split", "group"}
    if not columns and (others or not options.unlabelled):
        raise RecipeError(
            "data.label_columns: not set, but the task multitask predicts one label per column. Name them: "
            f"{printable(index.file)} has {index.text.header}."
        )
    return read_texts(index, columns, unlabelled=options.unlabelled)


def read_texts(index: Index, names: Sequence[str], *, unlabelled: bool = False) -> LabelTexts:
    """Read class names from several columns; an empty cell is a label that is missing.

    Raises:
        DataError: a column holds no name at all, though images may not be unlabelled, or one is endless or not text.
    """
    cells = [index.column(name) or [] for name in names]
    empty = [name for name, column in zip(names, cells, strict=True) if not any(column)]
    if empty and not unlabelled:
        raise DataError(f"{printable(index.file)}: no row has a label in {empty}. Remove it from data.label_columns.")
    for column in cells:
        check_names(index, list(enumerate(column)))
    texts = [
        "; ".join(f"{name}={cell}" for name, cell in zip(names, row, strict=True)) for row in zip(*cells, strict=True)
    ]
    return LabelTexts(tuple(names), cells, texts)
