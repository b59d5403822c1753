"""The figures beside the report, as matplotlib Figures made without pyplot."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from vision_ft.files import atomic_path
from vision_ft.reporting.collect.log_lines import panels
from vision_ft.reporting.section import cut

MAX_LABELLED = 60  # classes whose names still fit beside a matrix
MAX_NUMBERED = 25  # classes whose counts still fit into the cells
MAX_BARS = 60
MAX_PLOTTED_CLASSES = 1000  # of a matrix as a figure
COLOURS = BLUE, ORANGE, GREEN, GREY = "#1f5fbf", "#b8500b", "#1c7c54", "#5a6675"


def new_figure(width: float, height: float) -> tuple[Figure, Axes]:
    """Return a figure of that many inches, made without pyplot, and its axes."""
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure, figure.add_subplot()


def plain(name: str, length: int = 24) -> str:
    """A name as matplotlib shows it: never read as mathematics, never many lines."""
    printable = "".join(character if character.isprintable() else " " for character in name)
    return cut(printable, length).replace("$", r"\$")


def draw_confusion(
    matrix: np.ndarray, names: Sequence[str], *, order: Sequence[int] | None = None, as_shares: bool = False
) -> Figure:
    """Heat map of row shares with counts in the cells when they fit.

    Args:
        matrix: (K, K) counts, row = true class.
        names: K class names.
        order: class indices in the order of display.
        as_shares: the cells hold percentages of their row, for counts of pixels, which no cell has room for.
    """
    places = list(range(len(names)) if order is None else order)
    counts = matrix[np.ix_(places, places)]
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    size = float(np.clip(3.2 + 0.32 * len(places), 4, 12))
    figure, axes = new_figure(size + 1, size)
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1, interpolation="nearest")
    figure.colorbar(image, ax=axes, shrink=0.6, format=PercentFormatter(1.0), label="share of the true class")
    axes.set_xlabel("predicted")
    axes.set_ylabel("true")
    if len(places) <= MAX_LABELLED:
        labels = [plain(names[place]) for place in places]
        small = 8 if len(places) <= MAX_NUMBERED else 6
        axes.set_xticks(range(len(places)), labels, rotation=90, fontsize=small)
        axes.set_yticks(range(len(places)), labels, fontsize=small)
    if len(places) <= MAX_NUMBERED:
        for row, column in np.argwhere(counts > 0):
            colour = "white" if shares[row, column] > 0.5 else "black"
            text = f"{shares[row, column]:.0%}" if as_shares else str(counts[row, column])
            axes.text(column, row, text, ha="center", va="center", fontsize=8, color=colour)
    return figure


def draw_reliability(points: Sequence[Mapping[str, Any]]) -> Figure:
    """Accuracy with its interval against confidence, from `evaluate.calibration.reliability`."""
    figure, axes = new_figure(4.6, 4.6)
    axes.plot([0, 1], [0, 1], color=GREY, linestyle="--", linewidth=1, label="perfect calibration")
    confidence = [point["confidence"] for point in points]
    accuracy = np.array([point["accuracy"] for point in points])
    ends = np.array([[point["low"] for point in points], [point["high"] for point in points]]).reshape(2, -1)
    axes.errorbar(
        confidence, accuracy, yerr=np.abs(ends - accuracy), color=BLUE, marker="o", capsize=2, label="95% interval"
    )
    axes.set(xlim=(0, 1.02), ylim=(0, 1.02), xlabel="confidence", ylabel="accuracy", aspect="equal")
    axes.legend(loc="upper left", frameon=False)
    return figure


def draw_curves(records: Sequence[Mapping[str, Any]], task: str) -> Figure:
    """Loss, and the metrics of the task, over epochs, from the lines of log.jsonl."""
    shown = panels(records, task)
    figure = Figure(figsize=(4.5 * len(shown), 3.6), layout="constrained")
    FigureCanvasAgg(figure)
    epochs = [record["epoch"] for record in records]
    for axes, panel in zip(figure.subplots(1, len(shown), squeeze=False)[0], shown, strict=True):
        for line, colour in zip(panel.lines, COLOURS * len(panel.lines), strict=False):
            values = [np.nan if record.get(line.key) is None else record[line.key] for record in records]
            axes.plot(epochs, values, marker="o", markersize=3, label=line.label, color=colour)
        axes.set(xlabel="epoch", ylabel=panel.title)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid(alpha=0.3)
        if axes.has_data():
            axes.legend(frameon=False, fontsize=8)
        if panel.is_share:
            axes.yaxis.set_major_formatter(PercentFormatter(1.0))
    return figure


def draw_per_class(rows: Sequence[Mapping[str, Any]], *, metric: str = "f1", title: str = "F1") -> Figure:
    """A metric of each class with its interval where there is one, worst on top; the worst 60 of more."""
    known = sorted((row for row in rows if row[metric] is not None), key=lambda row: row[metric])[:MAX_BARS]
    figure, axes = new_figure(7, float(np.clip(0.8 + 0.24 * len(known), 2, 16)))
    values = np.array([row[metric] for row in known], float)
    ends = np.array([row[f"{metric}_interval"] for row in known], float).reshape(-1, 2).T
    ends = np.where(np.isnan(ends), values, ends)  # with few images there is no interval
    places = np.arange(len(known))
    axes.errorbar(values, places, xerr=np.abs(ends - values), fmt="o", color=BLUE, capsize=2, markersize=4)
    axes.set_yticks(places, [plain(row["class"]) for row in known], fontsize=8)
    axes.invert_yaxis()
    shown = f"{title} with 95% interval" + ("" if len(known) == len(rows) else f", worst {len(known)}")
    axes.set(xlim=(-0.02, 1.02), xlabel=shown)
    axes.xaxis.set_major_formatter(PercentFormatter(1.0))
    axes.grid(axis="x", alpha=0.3)
    return figure


def save_figure(figure: Figure, file: Path) -> Path:
    """Write a figure as PNG, whole or not at all."""
    with atomic_path(file) as temporary, warnings.catch_warnings():
        # A class name in a script that the font lacks is drawn as boxes; the HTML report shows it.
        warnings.filterwarnings("ignore", message=r"Glyph .* missing from font")
        warnings.filterwarnings("ignore", message="Matplotlib currently does not support")
        figure.savefig(temporary, format="png", dpi=130)
    return file
