"""The tables of several labels per image."""

from __future__ import annotations

from typing import Any

from vision_ft.evaluate.classification.confusion import dense
from vision_ft.reporting.collect.classified import ClassSplit
from vision_ft.reporting.collect.columns import ColumnSplit
from vision_ft.reporting.collect.label_sets import LabelSetSplit
from vision_ft.reporting.tables.base import Table
from vision_ft.reporting.tables.classification import mistakes_table

MEASURES = ("precision", "recall", "f1")


def label_set_tables(split: LabelSetSplit) -> dict[str, Table]:
    """Return per_class, mistakes (all of them), confusion and taken_for of a multi-label split."""
    return {
        "per_class": _per_class(split),
        "mistakes": mistakes_table(split),
        "confusion": _confusion(split),
        "taken_for": _taken_for(split),
    }


def column_tables(split: ColumnSplit) -> dict[str, Table]:
    """Return per_class, mistakes (all of them) and a confusion matrix per column of a multi-task split."""
    return {"per_class": _per_class(split), "mistakes": mistakes_table(split), **_column_matrices(split)}


def _per_class(split: ClassSplit) -> Table:
    rows = split.summary["per_class"]
    measures = [*MEASURES, *(("ap",) if rows and "ap" in rows[0] else ())]
    plain = ["class", "support", "predicted", "correct", *(("threshold",) if "ap" in measures else ())]
    header = plain + [column for name in measures for column in (name, f"{name}_low", f"{name}_high")]
    return header, [_line(row, plain, measures) for row in rows]


def _line(row: dict[str, Any], plain: list[str], measures: list[str]) -> list[Any]:
    values = [row[name] for name in plain]
    return values + [value for name in measures for value in (row[name], *row[f"{name}_interval"])]


def _confusion(split: LabelSetSplit) -> Table:
    rows = [
        (row["class"], row["confusion"][1][1], row["confusion"][1][0], row["confusion"][0][1], row["confusion"][0][0])
        for row in split.summary["per_class"]
    ]
    return ("label", "found", "missed", "answered_without_applying", "neither"), rows


def _taken_for(split: LabelSetSplit) -> Table:
    names, matrix = split.label_sets.classes, split.summary["taken_for"]
    return ("missed \\ predicted", *names), [[name, *row] for name, row in zip(names, matrix, strict=True)]


def _column_matrices(split: ColumnSplit) -> dict[str, Table]:
    """Return a confusion matrix a column; columns are numbered, since a name may hold what a file name cannot."""
    tables: dict[str, Table] = {}
    for number, column in enumerate(split.summary["columns"], 1):
        names = column["classes"]
        matrix = dense(column["confusion"], len(names)).tolist()
        header = (f"{column['name']}: true \\ predicted", *names)
        tables[f"confusion_{number}"] = header, [[name, *row] for name, row in zip(names, matrix, strict=True)]
    return tables
