"""The confusion matrix: all that the page's script needs to draw it and to find the images behind a cell."""

from __future__ import annotations

from vision_ft.evaluate.classification.confusion import class_order
from vision_ft.reporting.collect.classified import ClassSplit
from vision_ft.reporting.collect.view import RunView
from vision_ft.reporting.section import ImageIndex, Section, View


def _build(run: RunView, split: ClassSplit, pictures: ImageIndex) -> View:
    del pictures
    cells = split.summary["confusion"]
    order = class_order(cells, len(run.classes))
    return {
        "num_classes": len(run.classes),
        "clustered": order != list(range(len(run.classes))),
        "data": {
            "cells": cells,
            "order": order,
            "support": [row["support"] for row in split.summary["per_class"]],
            "predicted": [row["predicted"] for row in split.summary["per_class"]],
        },
    }


SECTION = Section("confusion", "Confusion matrix", "confusion.html.j2", build_split=_build)
