"""Accuracy of each camera, site or sequence."""

from __future__ import annotations

from vision_ft.reporting.collect.classified import ClassSplit
from vision_ft.reporting.collect.view import RunView
from vision_ft.reporting.section import ImageIndex, Section, View

MAX_ROWS = 200


def _build(run: RunView, split: ClassSplit, pictures: ImageIndex) -> View | None:
    del run, pictures
    rows = split.summary["groups"]
    if not rows:
        return None
    worst_first = sorted(rows, key=lambda row: (row["accuracy"], -row["n"]))
    return {
        "rows": worst_first[:MAX_ROWS],
        "left_out": max(0, len(rows) - MAX_ROWS),
        "accuracy": split.summary["accuracy"],
        "interval": split.summary.get("accuracy_interval_by_group"),
    }


SECTION = Section("groups", "Groups", "groups.html.j2", build_split=_build)
