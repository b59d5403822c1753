"""Precision, recall, F1 and average precision of each label, worst first."""

from __future__ import annotations

from vision_ft.reporting.collect.label_sets import LabelSetSplit
from vision_ft.reporting.collect.view import RunView
from vision_ft.reporting.section import ImageIndex, Section, View


def _build(run: RunView, split: LabelSetSplit, pictures: ImageIndex) -> View:
    del run, pictures
    rows = [row | {"index": 2 * place + 1} for place, row in enumerate(split.summary["per_class"])]
    rows.sort(key=lambda row: (row["f1"] is None, row["f1"] or 0.0, -row["support"]))
    return {"rows": rows, "notes": split.summary["notes"]}


SECTION = Section("per-class", "Labels", "label_table.html.j2", build_split=_build)
