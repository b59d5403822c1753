"""The kinds of error, and what mending each would gain."""

from __future__ import annotations

from vision_ft.evaluate.boxes.errors import ERROR_KINDS
from vision_ft.reporting.collect.boxes import BoxSplit
from vision_ft.reporting.collect.view import RunView
from vision_ft.reporting.section import ImageIndex, Section, View

KIND_TITLES = {
    "missed": "Missed",
    "background": "Ghost",
    "class": "Wrong class",
    "localisation": "Loose box",
    "both": "Wrong class and loose",
    "duplicate": "Duplicate",
}


def _build(run: RunView, split: BoxSplit, pictures: ImageIndex) -> View:
    del run, pictures
    gains, counts = split.summary["errors_ap50"], split.summary["errors"]
    rows = [
        {"kind": kind, "title": title, "meaning": ERROR_KINDS[kind], "count": counts[kind], "gain": gains[kind]}
        for kind, title in KIND_TITLES.items()
    ]
    rows.sort(key=lambda row: (row["gain"] is None, -(row["gain"] or 0.0), -row["count"]))
    largest = max((row["gain"] or 0.0 for row in rows), default=0.0)
    return {"rows": rows, "map50": split.summary["map50"], "largest": largest}


SECTION = Section("errors", "Kinds of error", "box_errors.html.j2", build_split=_build)
