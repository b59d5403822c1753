"""A 2 x 2 confusion matrix for each label: found, missed, predicted without applying, and neither."""

from __future__ import annotations

from vision_ft.reporting.collect.label_sets import LabelSetSplit
from vision_ft.reporting.collect.view import RunView
from vision_ft.reporting.section import ImageIndex, Section, View

MAX_SHOWN = 60  # labels, worst first; the table of labels holds all


def _build(run: RunView, split: LabelSetSplit, pictures: ImageIndex) -> View:
    del pictures
    numbers = split.summary
    tables = [
        {"label": row["class"], "index": 2 * place, "cells": row["confusion"], "known": row["known"]}
        for place, row in enumerate(numbers["per_class"])
    ]
    tables.sort(key=lambda table: -(table["cells"][0][1] + table["cells"][1][0]))
    return {
        "tables": tables[:MAX_SHOWN],
        "left_out": max(0, len(tables) - MAX_SHOWN),
        "data": {
            "cells": numbers["confusion"],
            "order": list(range(len(run.classes))),
            "support": numbers["support"],
            "predicted": numbers["predicted"],
        },
    }


SECTION = Section("confusion", "Confusion by label", "label_confusion.html.j2", build_split=_build)
