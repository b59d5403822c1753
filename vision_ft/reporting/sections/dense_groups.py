"""The headline numbers of each camera, site or sequence, for masks and boxes."""

from __future__ import annotations

from typing import Any

from vision_ft.evaluate.names import METRIC_NAMES
from vision_ft.reporting.collect.boxes import BoxSplit
from vision_ft.reporting.collect.masks import MaskSplit
from vision_ft.reporting.collect.run import RunView
from vision_ft.reporting.section import PictureIndex, Section

MAX_ROWS = 200
COLUMNS = {"segmentation": ("miou", "pixel_accuracy"), "detection": ("map50", "map")}


def _build(run: RunView, split: MaskSplit | BoxSplit, pictures: PictureIndex) -> dict[str, Any] | None:
    del pictures
    columns = COLUMNS[run.task]
    groups = split.summary["by_group"]
    if not groups:
        return None
    rows = [{"group": name, **numbers} for name, numbers in groups.items()]
    rows.sort(key=lambda row: (row[columns[0]] is None, row[columns[0]] or 0.0))
    return {
        "columns": [(name, METRIC_NAMES[name]) for name in columns],
        "rows": rows[:MAX_ROWS],
        "left_out": max(0, len(rows) - MAX_ROWS),
        "whole": split.summary[columns[0]],
        "with_boxes": run.task == "detection",
    }


SECTION = Section("groups", "Groups", "dense_groups.html.j2", build_split=_build)
