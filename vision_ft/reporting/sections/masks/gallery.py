"""Images with their true mask, the predicted one and the pixels that are wrong, worst first."""

from __future__ import annotations

from typing import Any

import numpy as np

from vision_ft.reporting.collect.masks import MaskSplit
from vision_ft.reporting.collect.view import RunView
from vision_ft.reporting.overlays import (
    ERROR_COLOURS,
    MAX_IMAGES,
    Shown,
    class_colours,
    pack_labels,
    show_pictures,
    shown_size,
)
from vision_ft.reporting.section import MAX_TITLE, ImageIndex, Section, View, cut

KINDS = {
    "missed": ("Missed", "of the class, and not found"),
    "ghost": ("Wrongly claimed", "said to be of the class, and not of it"),
    "confused": ("Taken for another class", "neither side is the background"),
}


def _build(run: RunView, split: MaskSplit, pictures: ImageIndex) -> View:
    del pictures
    rows = split.worst_first[:MAX_IMAGES]
    shown = show_pictures([run.picture(split.predictions.paths[row]) for row in rows])
    items = [_item(split, row, picture) for row, picture in zip(rows, shown, strict=True)]
    has_background = split.background is not None
    return {
        "total": len(split.worst_first),
        "left_out": len(split.worst_first) - len(rows),
        "unreadable": sum(not item["image"] for item in items),
        "without_truth": sum(not item["truth"] for item in items),
        "kinds": [(kind, title) for kind, (title, _) in KINDS.items() if kind != "confused"],
        "legend": [
            (ERROR_COLOURS[kind], title, meaning)
            for kind, (title, meaning) in KINDS.items()
            if kind != "confused" or not has_background or len(run.classes) > 2
        ],
        "ignored": "ignored" if any(item["ignored"] for item in items) else "",
        "marks": "colours",
        "classes": run.classes,
        "colours": class_colours(len(run.classes)),
        "background": split.background,
        "data": {
            "items": items,
            "colours": class_colours(len(run.classes)),
            "background": split.background,
            "kinds": {kind: ERROR_COLOURS[kind] for kind in KINDS},
        },
    }


def _item(split: MaskSplit, row: int, picture: Shown) -> dict[str, Any]:
    predictions, numbers = split.predictions, split.summary["per_picture"]
    truth, predicted = split.read_truth(row), split.read_predicted(row)
    size = (picture.width, picture.height)
    known = next((labels for labels in (truth, predicted) if labels is not None), None)
    if not picture.uri and known is not None:
        size = shown_size(*known.shape)
    confusion = predictions.confusion[row]
    return {
        "path": cut(predictions.paths[row], MAX_TITLE),
        "group": None if predictions.groups is None else predictions.groups[row],
        "image": picture.uri,
        "width": size[0] or 4,  # an image without anything to show still keeps its place
        "height": size[1] or 3,
        "truth": "" if truth is None else pack_labels(truth, size),
        "predicted": "" if predicted is None else pack_labels(predicted, size),
        "cells": [[t, p, int(confusion[t, p])] for t, p in np.argwhere(confusion).tolist()],
        "ignored": int(predictions.ignored[row]),
        "miou": numbers["miou"][row],
        "accuracy": numbers["pixel_accuracy"][row],
        "confidence": round(float(predictions.confidence[row]), 4),
    }


SECTION = Section("gallery", "Images, worst first", "dense_gallery.html.j2", build_split=_build)
