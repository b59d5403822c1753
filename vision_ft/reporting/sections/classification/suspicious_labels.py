"""Images whose label may be wrong: the model disagrees with more confidence than it usually has."""

from __future__ import annotations

from vision_ft.evaluate.labels.errors import likely_label_errors
from vision_ft.reporting.collect.classified import ClassSplit
from vision_ft.reporting.collect.view import RunView
from vision_ft.reporting.section import ImageIndex, Section, View

MAX_SHOWN = 200


def _build(run: RunView, split: ClassSplit, pictures: ImageIndex) -> View | None:
    del run
    predictions = split.predictions
    if predictions.scores is None:
        return None
    rows = likely_label_errors(predictions.targets, predictions.predicted, predictions.scores)
    return {"total": len(rows), "data": {"pictures": pictures.positions(rows[:MAX_SHOWN].tolist())}}


SECTION = Section("labels", "Possible label errors", "labels.html.j2", build_split=_build)
