"""Accuracy by brightness, sharpness, size and shape of the pictures."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from vision_ft.evaluate.slices import slice_sentences, slice_table
from vision_ft.report.collect import RunView, SplitView
from vision_ft.report.section import PictureIndex, Section


def _build(run: RunView, split: SplitView, pictures: PictureIndex) -> dict[str, Any] | None:
    del run, pictures
    labelled = split.predictions.targets >= 0
    correct = (split.predictions.targets == split.predictions.predicted)[labelled]
    rows = slice_table(correct, {name: values[labelled] for name, values in split.properties.items()})
    if not rows:
        return None
    tables = [(label, list(part)) for label, part in groupby(rows, key=lambda row: row["label"])]
    return {"tables": tables, "sentences": slice_sentences(rows), "accuracy": split.summary["accuracy"]}


SECTION = Section("slices", "Picture properties", "slices.html.j2", build_split=_build)
