"""Errors by brightness, sharpness, size and shape of the images."""

from __future__ import annotations

from itertools import groupby

from vision_ft.evaluate.regression.slices import error_sentences
from vision_ft.reporting.collect.values import ValueSplit, error_rows
from vision_ft.reporting.collect.view import RunView
from vision_ft.reporting.section import ImageIndex, Section, View
from vision_ft.reporting.sections.classification.slices import with_ranges


def _build(run: RunView, split: ValueSplit, pictures: ImageIndex) -> View | None:
    del run, pictures
    rows = error_rows(split)
    if not rows:
        return None
    tables = [(label, with_ranges(list(part))) for label, part in groupby(rows, key=lambda row: row["label"])]
    return {"tables": tables, "sentences": error_sentences(rows), "several": len(split.targets) > 1}


SECTION = Section("slices", "Image properties", "values_slices.html.j2", build_split=_build)
