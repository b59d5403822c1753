"""The images with the largest errors, in units of the spread of their target."""

from __future__ import annotations

from typing import Any, cast

from vision_ft.reporting.collect.split import Split
from vision_ft.reporting.collect.values import ValueSplit
from vision_ft.reporting.collect.view import RunView
from vision_ft.reporting.section import MAX_TITLE, ImageIndex, Section, View, cut, number

AT_ONCE = 24
MAX_IMAGES = 72


def _build(run: RunView, split: ValueSplit, pictures: ImageIndex) -> View:
    del run, pictures
    shown = [_item(split, row, k) for row, k in split.worst_first[:MAX_IMAGES]]
    return {
        "first": shown[:AT_ONCE],
        "more": shown[AT_ONCE:],
        "total": len(split.worst_first),
        "several": len(split.targets) > 1,
    }


def _item(split: ValueSplit, row: int, k: int) -> dict[str, Any]:
    predictions = split.predictions
    return {
        "path": predictions.paths[row],
        "title": cut(predictions.paths[row], MAX_TITLE),
        "group": None if predictions.groups is None else predictions.groups[row],
        "target": split.targets[k],
        "true": number(float(predictions.targets[row, k])),
        "predicted": number(float(predictions.predicted[row, k])),
        "error": number(float(predictions.errors[row, k]), sign=True),
        "size": number(float(split.scaled[row, k])),
    }


def _pictures(run: RunView) -> list[str]:
    return [path for split in run.splits.values() for path in _paths(split)]


def _paths(split: Split) -> list[str]:
    split = cast("ValueSplit", split)  # what `read_split` of the same page made
    return [split.predictions.paths[row] for row, _ in split.worst_first[:MAX_IMAGES]]


SECTION = Section("worst", "Largest errors", "values_worst.html.j2", build_split=_build, pictures=_pictures)
