"""The confusion matrix of boxes, with a row for ghosts and a column for what is missed."""

from __future__ import annotations

import numpy as np

from vision_ft.evaluate.classification.confusion import class_order
from vision_ft.reporting.collect.boxes import BoxSplit
from vision_ft.reporting.collect.view import RunView
from vision_ft.reporting.section import ImageIndex, Section, View


def _build(run: RunView, split: BoxSplit, pictures: ImageIndex) -> View:
    del pictures
    size = len(run.classes)
    matrix = np.array(split.summary["confusion"], np.int64).reshape(size + 1, size + 1)
    cells = [[t, p, int(matrix[t, p])] for t, p in np.argwhere(matrix).tolist()]
    order = class_order([cell for cell in cells if size not in cell[:2]], size)
    return {
        "num_classes": size + 1,
        "clustered": order != list(range(size)),
        "unit": "boxes",
        "data": {
            "cells": cells,
            "order": [*order, size],  # "no object" closes the rows and the columns
            "support": matrix.sum(axis=1).tolist(),
            "predicted": matrix.sum(axis=0).tolist(),
            "none": size,
        },
    }


SECTION = Section("confusion", "Confusion matrix", "confusion.html.j2", build_split=_build)
