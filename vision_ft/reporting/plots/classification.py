"""The figures of class labels beside the report, as matplotlib Figures made without pyplot."""

from __future__ import annotations

from collections.abc import Iterator

from matplotlib.figure import Figure

from vision_ft.evaluate.calibration import reliability
from vision_ft.evaluate.classification.confusion import class_order, dense
from vision_ft.reporting.collect.classified import ClassSplit
from vision_ft.reporting.plots.base import MAX_PLOTTED_CLASSES, draw_confusion, draw_per_class, draw_reliability


def class_figures(split: ClassSplit) -> Iterator[tuple[str, Figure]]:
    """Yield confusion, per_class and reliability of a split."""
    numbers, classes = split.summary, split.predictions.classes
    if len(classes) <= MAX_PLOTTED_CLASSES:
        matrix = dense(numbers["confusion"], len(classes))
        order = class_order(numbers["confusion"], len(classes))
        yield "confusion", draw_confusion(matrix, classes, order=order)
    yield from label_figures(split)
    labelled = split.predictions.targets >= 0
    if split.confidence is not None and labelled.any():
        correct = (split.predictions.targets == split.predictions.predicted)[labelled]
        yield "reliability", draw_reliability(reliability(split.confidence[labelled], correct))


def label_figures(split: ClassSplit) -> Iterator[tuple[str, Figure]]:
    """Yield per_class: the F1 of each label or class."""
    yield "per_class", draw_per_class(split.summary["per_class"])
