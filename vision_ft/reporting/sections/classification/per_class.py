"""Precision, recall and F1 of each class with intervals, and what it is taken for."""

from __future__ import annotations

from vision_ft.reporting.collect.classified import ClassSplit
from vision_ft.reporting.collect.view import RunView
from vision_ft.reporting.section import ImageIndex, Section, View


def _build(run: RunView, split: ClassSplit, pictures: ImageIndex) -> View:
    del pictures
    taken: dict[int, tuple[int, int]] = {}  # class -> (count, the class it is taken for most)
    for true, predicted, number in split.summary["confusion"]:
        if true != predicted and number > taken.get(true, (0, 0))[0]:
            taken[true] = (number, predicted)
    rows = []
    for index, row in enumerate(split.summary["per_class"]):
        number, other = taken.get(index, (0, index))
        rows.append(
            row | {"index": index, "taken_count": number, "taken_for": run.classes[other], "taken_index": other}
        )
    rows.sort(key=lambda row: (row["f1"] is None, row["f1"] or 0.0, -row["support"]))
    return {"rows": rows, "notes": split.summary["notes"]}


SECTION = Section("per-class", "Classes", "per_class.html.j2", build_split=_build)
