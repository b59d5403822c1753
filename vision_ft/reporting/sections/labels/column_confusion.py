"""A confusion matrix for each label column of a multitask run, and how sure each column's numbers are."""

from __future__ import annotations

from typing import Any

from vision_ft.evaluate.classification.confusion import class_order, dense
from vision_ft.reporting.collect.columns import ColumnSplit
from vision_ft.reporting.collect.view import RunView
from vision_ft.reporting.section import ImageIndex, Section, View

MAX_MATRIX = 30  # classes of a column that are shown as a matrix


def _build(run: RunView, split: ColumnSplit, pictures: ImageIndex) -> View:
    del pictures
    numbers, start, columns = split.summary, 0, []
    for column in numbers["columns"]:
        columns.append(_column(column, start))
        start += len(column["classes"])
    return {
        "columns": columns,
        "data": {
            "cells": numbers["confusion"],
            "order": list(range(len(run.classes))),
            "support": numbers["support"],
            "predicted": numbers["predicted"],
        },
    }


def _column(column: dict[str, Any], start: int) -> dict[str, Any]:
    """Return one column's matrix, its rows with positions in the page's list of classes."""
    names = column["classes"]
    matrix, order = dense(column["confusion"], len(names)), class_order(column["confusion"], len(names))
    rows = [
        {
            "name": names[i],
            "index": start + i,
            "support": int(matrix[i].sum()),
            "cells": [(start + j, int(matrix[i, j])) for j in order],
        }
        for i in order
    ]
    return column | {"order": [names[j] for j in order], "rows": rows if len(names) <= MAX_MATRIX else []}


SECTION = Section("confusion", "Confusion by column", "column_confusion.html.j2", build_split=_build)
