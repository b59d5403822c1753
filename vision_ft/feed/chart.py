"""The occupancy chart: how many regions had each state or label, over time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter, date2num
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from vision_ft.feed.palette import colours_of
from vision_ft.feed.smooth import GAP_INTERVALS
from vision_ft.feed.states import Panel
from vision_ft.files import atomic_path

MAX_STATES = 8  # more colours than this cannot be told apart; the rarest are drawn as one
HEIGHT_OF_ONE, HEIGHT_OF_MORE = 3.6, 2.4  # inches of a panel, by itself and among others
UNITS = ((7200.0, 3600.0, "hours"), (300.0, 60.0, "minutes"), (0.0, 1.0, "seconds"))


def draw_occupancy(
    seconds: Sequence[float],
    counts: np.ndarray,
    *,
    panels: Sequence[Panel],
    clock: Sequence[datetime | None] = (),
    interval_s: float,
) -> Figure:
    """Show the numbers of regions with each state over time; silences of more than 3 intervals stay blank.

    States that exclude each other are stacked; labels that do not are lines.

    Args:
        seconds: (T,) times in the order of time.
        counts: (T, K) regions with each of the K outputs.
        panels: which outputs are shown together.
        clock: T dates and times of day; the seconds are shown when one is unknown.
        interval_s: expected seconds between frames, and how long the last frame is drawn.
    """
    figure = Figure(figsize=(9, HEIGHT_OF_ONE if len(panels) == 1 else HEIGHT_OF_MORE * len(panels)),
                    layout="constrained")  # fmt: skip
    FigureCanvasAgg(figure)
    for row, panel in enumerate(panels):
        axes = figure.add_subplot(len(panels), 1, row + 1)
        own = np.asarray(counts)[:, panel.first : panel.first + len(panel.names)]
        _draw_panel(axes, seconds, own, panel, clock=clock, interval_s=interval_s)
        if len(panels) == 1:
            figure.legend(loc="outside upper left", ncols=4, frameon=False)
        else:
            axes.set_title(_plain(panel.title), loc="left")
            axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False)
    return figure


def _draw_panel(
    axes: Axes,
    seconds: Sequence[float],
    counts: np.ndarray,
    panel: Panel,
    *,
    clock: Sequence[datetime | None],
    interval_s: float,
) -> None:
    names, numbers, colours = (_merge_rare if panel.excluding else _keep_frequent)(panel.names, counts)
    times, stacked = _steps(np.asarray(seconds, dtype=float), numbers, interval_s)
    places = _place_times(axes, times, clock, seconds)
    base = np.zeros(len(times))
    for name, colour, values, last in zip(names, colours, stacked.T, numbers[-1], strict=True):
        label = f"{_plain(name)} (now {last:g})"
        if panel.excluding:
            axes.fill_between(places, base, base + values, step="post", color=colour, linewidth=0, label=label)
            base = base + np.nan_to_num(values)
        else:
            axes.step(places, values, where="post", color=colour, linewidth=1.8, alpha=0.85, label=label)
    highest = numbers.sum(axis=1).max() if panel.excluding else numbers.max()
    axes.set(ylabel="regions", ylim=(0, max(1, int(highest))), xlim=(places[0], places[-1]))
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def save_chart(figure: Figure, path: Path) -> None:
    """Write a figure as PNG in one step."""
    with atomic_path(path) as temporary:
        figure.savefig(temporary, format="png", dpi=120)


def _merge_rare(classes: Sequence[str], counts: np.ndarray) -> tuple[list[str], np.ndarray, list[str]]:
    """Keep the most frequent states and add up the rest, in the classes' own order."""
    colours = colours_of(classes)
    if len(classes) <= MAX_STATES:
        return list(classes), counts, colours
    kept = sorted(np.argsort(-counts.sum(axis=0), kind="stable")[: MAX_STATES - 1].tolist())
    rest = [place for place in range(len(classes)) if place not in kept]
    merged = np.column_stack([counts[:, kept], counts[:, rest].sum(axis=1)])
    return (
        [*(classes[k] for k in kept), f"{len(rest)} others"],
        merged,
        [*colours_of([classes[k] for k in kept]), "#B0B0B0"],
    )


def _keep_frequent(names: Sequence[str], counts: np.ndarray) -> tuple[list[str], np.ndarray, list[str]]:
    """Keep the most frequent labels, in the model's own order; a sum of the others would count regions twice."""
    kept = sorted(np.argsort(-counts.sum(axis=0), kind="stable")[:MAX_STATES].tolist())
    shown = [names[k] for k in kept]
    return shown, counts[:, kept], colours_of(shown)


def _steps(seconds: np.ndarray, counts: np.ndarray, interval_s: float) -> tuple[np.ndarray, np.ndarray]:
    """Hold each count until the next frame, or for one interval before a silence and at the end."""
    times: list[float] = []
    rows: list[np.ndarray] = []
    following = [*seconds[1:].tolist(), np.inf]
    for time_s, row, after in zip(seconds.tolist(), counts.astype(float), following, strict=True):
        times.append(time_s)
        rows.append(row)
        if after - time_s > GAP_INTERVALS * interval_s:
            is_end = np.isinf(after)
            times.append(time_s + interval_s)
            rows.append(row if is_end else np.full_like(row, np.nan))
    return np.array(times), np.stack(rows)


def _place_times(
    axes: Axes, times: np.ndarray, clock: Sequence[datetime | None], seconds: Sequence[float]
) -> np.ndarray:
    """Label the time axis and return the positions on it."""
    start = clock[0] if clock and all(moment is not None for moment in clock) else None
    if start is not None:
        locator = AutoDateLocator()
        axes.xaxis.set_major_locator(locator)
        axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))
        return np.asarray(date2num(start) + (times - seconds[0]) / 86400)
    _, length, unit = next(row for row in UNITS if times[-1] >= row[0])
    axes.set_xlabel(f"{unit} since the first frame")
    return times / length


def _plain(name: str) -> str:
    """A name as matplotlib shows it: never read as mathematics, never many lines."""
    printable = "".join(character if character.isprintable() else " " for character in name)[:24]
    return printable.replace("$", r"\$").lstrip("_") or "?"
