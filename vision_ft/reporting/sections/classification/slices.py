"""Accuracy by brightness, sharpness, size and shape of the images."""

from __future__ import annotations

import math
from itertools import groupby
from typing import Any

from vision_ft.evaluate.slices import slice_sentences, slice_table
from vision_ft.reporting.collect.classified import ClassSplit
from vision_ft.reporting.collect.view import RunView
from vision_ft.reporting.section import ImageIndex, Section, View


def _build(run: RunView, split: ClassSplit, pictures: ImageIndex) -> View | None:
    del run, pictures
    labelled = split.predictions.targets >= 0
    correct = (split.predictions.targets == split.predictions.predicted)[labelled]
    rows = slice_table(correct, {name: values[labelled] for name, values in split.properties.items()})
    if not rows:
        return None
    tables = [(label, with_ranges(list(part))) for label, part in groupby(rows, key=lambda row: row["label"])]
    return {"tables": tables, "sentences": slice_sentences(rows), "accuracy": split.summary["accuracy"]}


def with_ranges(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Add the range in words, with as many decimals as tell the quarters apart."""
    width = max(row["to"] for row in rows) - min(row["from"] for row in rows)
    decimals = max(0, 2 - math.floor(math.log10(width))) if width > 0 else 2
    return [row | {"range": f"{row['from']:.{decimals}f}–{row['to']:.{decimals}f}{row['unit']}"} for row in rows]


SECTION = Section("slices", "Image properties", "slices.html.j2", build_split=_build)
