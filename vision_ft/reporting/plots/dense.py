"""The figures of masks and boxes beside the report, as matplotlib Figures made without pyplot."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from vision_ft.evaluate.classification.confusion import class_order
from vision_ft.reporting.collect.boxes import NO_OBJECT, BoxSplit
from vision_ft.reporting.collect.masks import MaskSplit
from vision_ft.reporting.plots.base import (
    BLUE,
    MAX_PLOTTED_CLASSES,
    ORANGE,
    draw_confusion,
    draw_per_class,
    new_figure,
    plain,
)

MAX_CURVES = 12


def mask_figures(split: MaskSplit) -> Iterator[tuple[str, Figure]]:
    """Yield confusion and per_class of a split of label maps."""
    names = split.predictions.classes
    if len(names) <= MAX_PLOTTED_CLASSES:
        matrix = np.array(split.summary["confusion"], np.int64).reshape(len(names), len(names))
        yield "confusion", draw_confusion(matrix, names, order=_order(matrix), as_shares=True)
    yield "per_class", draw_per_class(split.summary["per_class"], metric="iou", title="IoU")


def box_figures(split: BoxSplit) -> Iterator[tuple[str, Figure]]:
    """Yield confusion, per_class, precision_recall and errors of a split of boxes."""
    numbers, names = split.summary, (*split.predictions.classes, NO_OBJECT)
    if len(names) <= MAX_PLOTTED_CLASSES:
        matrix = np.array(numbers["confusion"], np.int64).reshape(len(names), len(names))
        order = [*_order(matrix[:-1, :-1]), len(names) - 1]
        yield "confusion", draw_confusion(matrix, names, order=order)
    yield "per_class", draw_per_class(numbers["per_class"], metric="ap50", title="AP50")
    yield "precision_recall", draw_precision_recall(numbers["curves"], numbers["per_class"])
    yield "errors", draw_errors(numbers["errors_ap50"])


def _order(matrix: np.ndarray) -> list[int]:
    cells = [[t, p, int(matrix[t, p])] for t, p in np.argwhere(matrix).tolist()]
    return class_order(cells, len(matrix))


def draw_precision_recall(curves: Sequence[Mapping[str, Any]], rows: Sequence[Mapping[str, Any]]) -> Figure:
    """Precision against recall at IoU 0.5 with the points of the thresholds; the worst 12 classes of more.

    Args:
        curves: "class", "recall" and "precision" of each class, as in a detection summary.
        rows: "per_class" of the same summary.
    """
    row_of = {row["class"]: row for row in rows}
    worst = sorted(curves, key=lambda curve: row_of[curve["class"]]["ap50"])[:MAX_CURVES]
    figure, axes = new_figure(6.4, 4.6)
    for curve in worst:
        row = row_of[curve["class"]]
        label = f"{plain(curve['class'])} (AP50 {row['ap50']:.0%})"
        (line,) = axes.plot(curve["recall"], curve["precision"], label=label)
        if row["precision"] is not None:
            axes.plot([row["recall"]], [row["precision"]], "o", color=line.get_color())
    axes.set(xlim=(0, 1.02), ylim=(0, 1.02), xlabel="recall", ylabel="precision")
    axes.grid(alpha=0.3)
    if worst:
        axes.legend(frameon=False, fontsize=8, loc="lower left")
    return figure


def draw_errors(gains: Mapping[str, float | None]) -> Figure:
    """Bars of what mending each kind of error would add to mAP50, from "errors_ap50" of a detection summary."""
    known = sorted(((kind, gain or 0.0) for kind, gain in gains.items()), key=lambda pair: pair[1])
    figure, axes = new_figure(6, 2.8)
    bars = axes.barh([kind for kind, _ in known], [gain for _, gain in known], color=BLUE)
    bars[-1].set_color(ORANGE)
    axes.xaxis.set_major_formatter(PercentFormatter(1.0))
    axes.set(xlabel="gain in mAP50 if mended", xlim=(0, None if known[-1][1] > 0 else 0.01))
    axes.grid(axis="x", alpha=0.3)
    return figure
