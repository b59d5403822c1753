"""All numbers of each target."""

from __future__ import annotations

from vision_ft.evaluate.regression.slices import is_biased
from vision_ft.reporting.collect.values import ValueSplit
from vision_ft.reporting.collect.view import RunView
from vision_ft.reporting.section import ImageIndex, Section, View


def _build(run: RunView, split: ValueSplit, pictures: ImageIndex) -> View:
    del run, pictures
    rows = [row | {"differs": is_biased(row)} for row in split.summary["per_target"]]
    return {"rows": rows}


SECTION = Section("targets", "Targets", "values_targets.html.j2", build_split=_build)
