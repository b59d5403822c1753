"""Numbers in an index file: one column per target."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from vision_ft.data.images.decode import printable
from vision_ft.data.reading.index import Index
from vision_ft.data.reading.labels import LABEL_COLUMN, LabelOptions, Splits, find_columns
from vision_ft.data.values import VALUES, value_column
from vision_ft.errors import DataError
from vision_ft.types import REGRESSION, UNLABELLED, ClassSpace, Finding

USUAL = ("target", LABEL_COLUMN)  # columns that are taken without being named
MISSING = {"", "na", "nan", "null", "none"}  # in any case


@dataclass(frozen=True)
class Numbers:
    """The numbers of each row; NaN where one is missing."""

    names: tuple[str, ...]
    values: np.ndarray  # (N, T)
    texts: list[str]
    remarks: tuple[Finding, ...] = ()

    def columns(self, rows: Sequence[int], splits: Splits, *, where: str) -> dict[str, Any]:
        """Return the values of some rows; the targets take the place of classes."""
        del splits, where
        chosen = self.values[np.asarray(rows, dtype=np.int64)].reshape(len(rows), len(self.names))
        common = {"labels": [UNLABELLED] * len(rows), "classes": ClassSpace(self.names), "task": REGRESSION}
        return common | {"extra": {VALUES: value_column(chosen)}}


def read_values(index: Index, options: LabelOptions) -> Numbers:
    """Read the numbers of the named columns, of `target` or of `label`.

    An empty cell, "NA", "NaN", "null" and "none" are missing.

    Raises:
        DataError: no such column, a cell that is no finite number, or no number at all where images must have one.
        RecipeError: a column is named twice.
    """
    names = find_columns(index, options) if options.columns else _usual_column(index, options)
    cells = [index.column(name) or [] for name in names]
    values = np.full((len(index.text.rows), len(names)), np.nan)
    wrong: list[tuple[int, str]] = []
    for place, (name, column) in enumerate(zip(names, cells, strict=True)):
        for row, cell in enumerate(column):
            if cell.lower() in MISSING:
                continue
            number = _number(cell)
            if number is None:
                wrong.append((row, f"{name} is {cell!r}"))
            else:
                values[row, place] = number
    if wrong:
        raise index.fail(sorted(wrong), "A target is a finite number such as 12 or 0.5, or an empty cell.")
    empty = [name for name, column in zip(names, values.T, strict=True) if np.isnan(column).all()]
    if empty and not options.unlabelled:
        raise DataError(f"{printable(index.file)}: no row has a number in {empty}. Name other columns.")
    texts = ["; ".join(f"{name}={value:g}" for name, value in zip(names, row, strict=True)) for row in values.tolist()]
    return Numbers(tuple(names), values, texts)


def _usual_column(index: Index, options: LabelOptions) -> list[str]:
    asked = options.column if options.column != LABEL_COLUMN else None
    if asked is not None:
        return [str(index.find("label_column", asked))]
    by_lower = {name.lower(): name for name in index.text.header}
    found = [by_lower[name] for name in USUAL if name in by_lower]
    if found or options.unlabelled:
        return found[:1]
    raise DataError(
        f"{printable(index.file)} line 1: no column 'target'; found are {index.text.header}. Name the target with "
        "data.label_column=..., or several with data.label_columns=[...]."
    )


def _number(cell: str) -> float | None:
    try:
        value = float(cell)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
