"""Average precision of each class, and what its threshold makes of it, worst first."""

from __future__ import annotations

from vision_ft.reporting.collect.boxes import BoxSplit
from vision_ft.reporting.collect.view import RunView
from vision_ft.reporting.section import ImageIndex, Section, View

SIZES = ("small", "medium", "large")


def _build(run: RunView, split: BoxSplit, pictures: ImageIndex) -> View:
    del run, pictures
    rows = [row | {"index": index} for index, row in enumerate(split.summary["per_class"])]
    rows.sort(key=lambda row: (row["ap50"] is None, row["ap50"] or 0.0))
    sizes = {size: split.summary[f"map_{size}"] for size in SIZES}
    return {"rows": rows, "sizes": sizes, "ignored": split.summary["ignored"]}


SECTION = Section("per-class", "Classes", "box_classes.html.j2", build_split=_build)
