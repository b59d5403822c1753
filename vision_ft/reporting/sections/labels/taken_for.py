"""Which labels are missed where which others are predicted: what several labels have for a confusion matrix."""

from __future__ import annotations

from vision_ft.reporting.collect.label_sets import LabelSetSplit
from vision_ft.reporting.collect.view import RunView
from vision_ft.reporting.section import ImageIndex, Section, View

MAX_MATRIX = 24  # labels shown as a matrix
MAX_PAIRS = 50


def _build(run: RunView, split: LabelSetSplit, pictures: ImageIndex) -> View:
    del run, pictures
    names, pairs = split.label_sets.classes, split.summary["taken_for"]
    support = [row["support"] for row in split.summary["per_class"]]
    found = [
        {"true": names[i], "predicted": names[j], "count": number, "of": support[i]}
        for i, row in enumerate(pairs)
        for j, number in enumerate(row)
        if i != j and number
    ]
    found.sort(key=lambda pair: (-pair["count"], -pair["count"] / max(pair["of"], 1)))
    rows = [
        {"name": name, "cells": row, "support": support[i]}
        for i, (name, row) in enumerate(zip(names, pairs, strict=True))
    ]
    return {
        "names": names if len(names) <= MAX_MATRIX else [],
        "rows": rows,
        "pairs": found[:MAX_PAIRS],
        "largest": max((pair["count"] for pair in found), default=1),
    }


SECTION = Section("taken-for", "Labels taken for others", "taken_for.html.j2", build_split=_build)
