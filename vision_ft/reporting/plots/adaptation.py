"""The figures of an adaptation beside the report: changes on both cameras, mixtures of weights, label budget."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path as File
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator, PercentFormatter

from vision_ft.reporting.charts.adaptation import Dot, Path, alpha_paths, change_dots
from vision_ft.reporting.charts.budget import budget_points
from vision_ft.reporting.collect.adapted import limit_of, mapping, metric_in, number, read_candidates, recommended_of
from vision_ft.reporting.metric_names import metric_name
from vision_ft.reporting.plots.base import BLUE, GREEN, GREY, ORANGE, new_figure, plain, save_figure

RED = "#b3261e"
COLOURS = {"source": GREY, "allowed": BLUE, "recommended": GREEN, "refused": RED}
MARKERS = {"source": "o", "allowed": "o", "recommended": "*", "refused": "x"}


def draw_changes(dots: Sequence[Dot], *, limit: float | None) -> Figure:
    """Gain on the new camera against loss on the old one, with intervals and the limit; in points."""
    figure, axes = new_figure(8, 4.6)
    for place, dot in enumerate(dots, 1):
        ends = [_half(dot.old, dot.old_ends), _half(dot.new, dot.new_ends)]
        axes.errorbar(
            100 * dot.old,
            100 * dot.new,
            xerr=ends[0],
            yerr=ends[1],
            fmt=MARKERS[dot.look],
            color=COLOURS[dot.look],
            markersize=11 if dot.look == "recommended" else 7,
            elinewidth=1,
            label=f"{place}  {plain(dot.label)}",
        )
        axes.annotate(str(place), (100 * dot.old, 100 * dot.new), xytext=(7, 5), textcoords="offset points", fontsize=8)
    _frame(axes, limit, measured_on="test")
    figure.legend(loc="outside right upper", frameon=False, fontsize=8)
    return figure


def draw_alphas(paths: Sequence[Path], *, limit: float | None) -> Figure:
    """The mixtures of source and tuned weights in the same plane, on validation images; a ring marks the choice."""
    figure, axes = new_figure(7, 4.6)
    for path, colour in zip(paths, (BLUE, ORANGE, GREEN, GREY) * len(paths), strict=False):
        old, new = (100 * np.array([getattr(dot, camera) for dot in path.dots]) for camera in ("old", "new"))
        axes.plot(old, new, marker="o", markersize=4, color=colour, label=plain(path.title))
        if path.chosen is not None:
            axes.plot(
                old[path.chosen],
                new[path.chosen],
                marker="o",
                markersize=12,
                markerfacecolor="none",
                markeredgecolor=colour,
                linestyle="none",
            )
    _frame(axes, limit, measured_on="validation")
    axes.legend(frameon=False, fontsize=8)
    return figure


def draw_budget(budget: Mapping[str, Any]) -> Figure:
    """The metric on the new camera by the number of labels, with the spread of the draws."""
    figure, axes = new_figure(6, 4)
    known = np.array(budget_points(budget), float).reshape(-1, 4)
    labels, mean, low, high = known.T
    spread = np.abs(np.stack([mean - low, high - mean]))
    axes.errorbar(labels, mean, yerr=spread, color=BLUE, marker="o", capsize=2, label="mean of the draws")
    source = number(budget.get("source"))
    if source is not None:
        axes.axhline(source, color=GREY, linestyle="--", linewidth=1, label="source model, no labels")
    axes.set_xscale("log")
    axes.set_xticks(labels, [f"{int(value):,}" for value in labels])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set(xlabel="labelled images of the new camera", ylabel=metric_name(metric_in(budget)))
    axes.yaxis.set_major_formatter(PercentFormatter(1.0))
    axes.grid(alpha=0.3)
    axes.legend(frameon=False, fontsize=8)
    return figure


def write_adaptation_figures(adaptation: Mapping[str, Any], folder: File) -> list[File]:
    """Write the figures that the adaptation has numbers for; returns the files."""
    candidates, limit = read_candidates(adaptation), limit_of(adaptation)
    dots = change_dots(candidates, recommended=recommended_of(adaptation))
    paths = alpha_paths(candidates)
    budget = mapping(adaptation.get("budget"))
    files = []
    if dots:
        files.append(save_figure(draw_changes(dots, limit=limit), folder / "candidates.png"))
    if paths:
        files.append(save_figure(draw_alphas(paths, limit=limit), folder / "mixtures.png"))
    if budget_points(budget):
        files.append(save_figure(draw_budget(budget), folder / "label_budget.png"))
    return files


def _half(value: float, ends: tuple[float, float] | None) -> np.ndarray | None:
    """Return the (2, 1) lengths below and above a value, in points."""
    if ends is None:
        return None
    lengths: np.ndarray = np.array([[value - ends[0]], [ends[1] - value]])
    return 100 * lengths.clip(min=0.0)


def _frame(axes: Axes, limit: float | None, *, measured_on: str) -> None:
    axes.axhline(0, color=GREY, linewidth=0.8)
    axes.axvline(0, color=GREY, linewidth=0.8)
    if limit is not None:
        axes.axvline(-100 * limit, color=RED, linestyle="--", linewidth=1.2, label=f"limit −{100 * limit:.1f} points")
        left = min(axes.get_xlim()[0], -125 * limit)
        axes.axvspan(left, -100 * limit, color=RED, alpha=0.08)
        axes.set_xlim(left=left)
    axes.set(xlabel=f"old camera: change in points, {measured_on}", ylabel="new camera: change in points")
    axes.grid(alpha=0.3)
