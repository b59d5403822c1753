"""Precision against recall of each class, with the point that its threshold chooses."""

from __future__ import annotations

from vision_ft.reporting.charts.boxes import precision_recall_chart
from vision_ft.reporting.collect.boxes import BoxSplit
from vision_ft.reporting.collect.view import RunView
from vision_ft.reporting.section import ImageIndex, Section, View

MAX_CHARTS = 24


def _build(run: RunView, split: BoxSplit, pictures: ImageIndex) -> View | None:
    del run, pictures
    rows = {row["class"]: row for row in split.summary["per_class"]}
    curves = sorted(split.summary["curves"], key=lambda curve: rows[curve["class"]]["ap50"])
    if not curves:
        return None
    charts = [
        {
            "class": curve["class"],
            "ap50": rows[curve["class"]]["ap50"],
            "threshold": rows[curve["class"]]["threshold"],
            "svg": precision_recall_chart(curve, rows[curve["class"]]),
        }
        for curve in curves[:MAX_CHARTS]
    ]
    return {"charts": charts, "left_out": len(curves) - len(charts)}


SECTION = Section("pr-curves", "Precision and recall", "box_curves.html.j2", build_split=_build)
