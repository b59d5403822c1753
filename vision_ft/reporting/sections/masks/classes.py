"""IoU, Dice, precision, recall and boundary F of each class, worst first."""

from __future__ import annotations

from vision_ft.reporting.collect.masks import MaskSplit
from vision_ft.reporting.collect.view import RunView
from vision_ft.reporting.section import ImageIndex, Section, View


def _build(run: RunView, split: MaskSplit, pictures: ImageIndex) -> View:
    del run, pictures
    total = split.summary["pixels"]
    rows = [
        row | {"index": index, "share": row["true_pixels"] / total if total else None}
        for index, row in enumerate(split.summary["per_class"])
    ]
    rows.sort(key=lambda row: (row["iou"] is None, row["iou"] or 0.0))
    return {"rows": rows, "notes": split.summary["notes"]}


SECTION = Section("per-class", "Classes", "mask_classes.html.j2", build_split=_build)
