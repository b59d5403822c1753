"""The tables and the figure beside the page, for several labels a picture."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from vision_ft.evaluate.classification.confusion import dense
from vision_ft.evaluate.labels.predictions import ColumnPredictions, LabelPredictions
from vision_ft.reporting.collect.run import SplitView
from vision_ft.reporting.plots import base as plots
from vision_ft.reporting.tables.base import Table, mistakes_table, write_table

MEASURES = ("precision", "recall", "f1")


def write_label_outputs(split: SplitView, folder: Path, *, suffix: str = "") -> None:
    """Write per_class, confusion and mistakes as CSV, and the F1 of each label or class as a figure."""
    tables: dict[str, Table] = {"per_class": _per_class(split), "mistakes": mistakes_table(split)}
    if isinstance(split.several, ColumnPredictions):
        tables |= _column_matrices(split)
    if isinstance(split.several, LabelPredictions):
        tables |= {"confusion": _confusion(split), "taken_for": _taken_for(split)}
    for name, table in tables.items():
        write_table(folder / f"{name}{suffix}.csv", table)
    plots.save_figure(plots.draw_per_class(split.summary["per_class"]), folder / f"per_class{suffix}.png")


def _per_class(split: SplitView) -> Table:
    rows = split.summary["per_class"]
    measures = [*MEASURES, *(("ap",) if rows and "ap" in rows[0] else ())]
    plain = ["class", "support", "predicted", "correct", *(("threshold",) if "ap" in measures else ())]
    header = plain + [column for name in measures for column in (name, f"{name}_low", f"{name}_high")]
    return header, [_line(row, plain, measures) for row in rows]


def _line(row: dict[str, Any], plain: list[str], measures: list[str]) -> list[Any]:
    values = [row[name] for name in plain]
    return values + [value for name in measures for value in (row[name], *row[f"{name}_interval"])]


def _confusion(split: SplitView) -> Table:
    rows = [
        (row["class"], row["confusion"][1][1], row["confusion"][1][0], row["confusion"][0][1], row["confusion"][0][0])
        for row in split.summary["per_class"]
    ]
    return ("label", "found", "missed", "answered_without_applying", "neither"), rows


def _taken_for(split: SplitView) -> Table:
    names = split.several.classes if split.several is not None else ()
    matrix = split.summary["taken_for"]
    return ("missed \\ answered", *names), [[name, *row] for name, row in zip(names, matrix, strict=True)]


def _column_matrices(split: SplitView) -> dict[str, Table]:
    """Return a confusion matrix a column; columns are numbered, since a name may hold what a file name cannot."""
    tables: dict[str, Table] = {}
    for number, column in enumerate(split.summary["columns"], 1):
        names = column["classes"]
        matrix = dense(column["confusion"], len(names)).tolist()
        header = (f"{column['name']}: true \\ predicted", *names)
        tables[f"confusion_{number}"] = header, [[name, *row] for name, row in zip(names, matrix, strict=True)]
    return tables
