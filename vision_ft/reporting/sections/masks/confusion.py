"""The confusion matrix of pixels."""

from __future__ import annotations

import numpy as np

from vision_ft.evaluate.classification.confusion import class_order
from vision_ft.reporting.collect.masks import MaskSplit
from vision_ft.reporting.collect.view import RunView
from vision_ft.reporting.section import ImageIndex, Section, View


def _build(run: RunView, split: MaskSplit, pictures: ImageIndex) -> View:
    del pictures
    matrix = np.array(split.summary["confusion"], np.int64).reshape(len(run.classes), len(run.classes))
    cells = [[t, p, int(matrix[t, p])] for t, p in np.argwhere(matrix).tolist()]
    order = class_order(cells, len(run.classes))
    return {
        "num_classes": len(run.classes),
        "clustered": order != list(range(len(run.classes))),
        "unit": "pixels",
        "data": {
            "cells": cells,
            "order": order,
            "support": matrix.sum(axis=1).tolist(),
            "predicted": matrix.sum(axis=0).tolist(),
        },
    }


SECTION = Section("confusion", "Confusion matrix", "confusion.html.j2", build_split=_build)
