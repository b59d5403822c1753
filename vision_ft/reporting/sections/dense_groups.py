"""The headline numbers of each camera, site or sequence, of a summary with the table "by_group"."""

from __future__ import annotations

from vision_ft.reporting.collect.split import Split
from vision_ft.reporting.collect.view import RunView
from vision_ft.reporting.metric_names import metric_name, metrics_of
from vision_ft.reporting.section import ImageIndex, Section, View

MAX_ROWS = 200


def _build(run: RunView, split: Split, pictures: ImageIndex) -> View | None:
    del pictures
    groups = split.summary["by_group"]
    if not groups:
        return None
    rows = [{"group": name, **numbers} for name, numbers in groups.items()]
    columns = [metric for metric in metrics_of(run.task) if metric in rows[0]]
    rows.sort(key=lambda row: (row[columns[0]] is None, row[columns[0]] or 0.0))
    return {
        "columns": [(name, metric_name(name)) for name in columns],
        "rows": rows[:MAX_ROWS],
        "left_out": max(0, len(rows) - MAX_ROWS),
        "whole": split.summary[columns[0]],
        "with_boxes": "boxes" in rows[0],
    }


SECTION = Section("groups", "Groups", "dense_groups.html.j2", build_split=_build)
