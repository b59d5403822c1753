"""The figures of predicted values beside the report, as matplotlib Figures made without pyplot."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from vision_ft.reporting.charts.values import span_of
from vision_ft.reporting.collect.values import ValueSplit
from vision_ft.reporting.plots.base import BLUE, GREY, plain
from vision_ft.reporting.sections.values.scatter import charted

PER_ROW = 3
Points = tuple[str, np.ndarray, np.ndarray]  # name of the target, true and predicted values


def value_figures(split: ValueSplit) -> Iterator[tuple[str, Figure]]:
    """Yield predicted_against_true and residuals of a split, a panel per target; none without a value."""
    targets = [(split.targets[k], *split.known(k)) for k in charted(split)]
    if targets:
        yield "predicted_against_true", draw_scatter(targets)
        yield "residuals", draw_residuals(targets)


def draw_scatter(targets: Sequence[Points]) -> Figure:
    """Predicted against true values of each target on equal axes, with the diagonal."""
    figure, panels = _grid(len(targets), height=3.8)
    for axes, (name, true, predicted) in zip(panels, targets, strict=True):
        ends = span_of(np.concatenate([true, predicted]))
        axes.plot(ends, ends, color=GREY, linestyle="--", linewidth=1)
        _dots(axes, true, predicted)
        axes.set(xlim=ends, ylim=ends, aspect="equal", xlabel=f"true {plain(name)}", ylabel="predicted")
    return figure


def draw_residuals(targets: Sequence[Points]) -> Figure:
    """Predicted minus true against true values of each target, with the line of zero."""
    figure, panels = _grid(len(targets), height=3.2)
    for axes, (name, true, predicted) in zip(panels, targets, strict=True):
        axes.axhline(0, color=GREY, linestyle="--", linewidth=1)
        _dots(axes, true, predicted - true)
        axes.set(xlabel=f"true {plain(name)}", ylabel="predicted − true")
    return figure


def _dots(axes: Axes, xs: np.ndarray, ys: np.ndarray) -> None:
    axes.scatter(xs, ys, s=14, color=BLUE, alpha=0.6 if len(xs) <= 300 else 0.3, linewidths=0)
    axes.grid(alpha=0.3)


def _grid(count: int, *, height: float) -> tuple[Figure, list[Axes]]:
    """Return a figure with a panel per target, three in a row."""
    across = min(count, PER_ROW)
    down = -(-count // PER_ROW)
    figure = Figure(figsize=(4.4 * across, height * down), layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(down, across, squeeze=False).ravel().tolist()
    for axes in panels[count:]:
        axes.set_axis_off()
    return figure, panels[:count]
