"""Whether confidence can be trusted: the reliability diagram and what it says in words."""

from __future__ import annotations

from typing import Any

from vision_ft.evaluate.calibration import reliability
from vision_ft.reporting.charts.base import reliability_chart
from vision_ft.reporting.collect.classified import ClassSplit
from vision_ft.reporting.collect.view import RunView
from vision_ft.reporting.section import ImageIndex, Section, View, percent


def _build(run: RunView, split: ClassSplit, pictures: ImageIndex) -> View | None:
    del run, pictures
    labelled = split.predictions.targets >= 0
    if split.confidence is None or not labelled.any():
        return None
    correct = (split.predictions.targets == split.predictions.predicted)[labelled]
    points = reliability(split.confidence[labelled], correct)
    numbers = split.summary
    return {
        "sentence": _sentence(float(split.confidence[labelled].mean()), numbers),
        "numbers": numbers,
        "points": points,
        "chart": reliability_chart(points),
    }


def _sentence(confidence: float, numbers: Any) -> str:
    gap = confidence - numbers["accuracy"]
    low, high = numbers["accuracy_interval"]
    says = f"On average the model says {percent(confidence)} and is right in {percent(numbers['accuracy'])}: "
    if low <= confidence <= high:
        return says + "overall, its confidence can be taken at its word."
    return says + f"{'over' if gap > 0 else 'under'}confident by {abs(100 * gap):.1f} points."


SECTION = Section("calibration", "Calibration", "calibration.html.j2", build_split=_build)
