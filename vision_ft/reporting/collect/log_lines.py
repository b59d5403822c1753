"""Which curves a log holds: the metrics of its task, on the training and on the validation images."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from vision_ft.reporting.charts.base import Line
from vision_ft.reporting.metric_names import in_order, is_share, metric_name

LOSS_LINES = (Line("train_loss", "training"), Line("val_loss", "validation"))
PARTS = {"train": "training", "val": "validation"}


@dataclass(frozen=True)
class Panel:
    """Curves that share their axes.

    Attributes:
        title: heading.
        lines: the curves.
        is_share: whether the values are fractions of 1, shown as percentages.
    """

    title: str
    lines: tuple[Line, ...]
    is_share: bool


def panels(epochs: Sequence[Mapping[str, Any]], task: str) -> list[Panel]:
    """The loss, the metrics that are fractions of 1 together, and each other metric by itself.

    A metric is a fraction where it is meant as one and all of its values are: errors in a unit and an R2 are not.
    """
    lines = metric_lines(epochs, task)
    shares = tuple(
        line for line in lines if is_share(_metric(line)) and all(0 <= value <= 1 for value in _known(epochs, line))
    )
    found = [Panel("Loss", LOSS_LINES, False)]
    if shares:
        found.append(Panel(title_of(shares), shares, True))
    others: dict[str, list[Line]] = {}
    for line in lines:
        if line not in shares:
            others.setdefault(_metric(line), []).append(line)
    return found + [Panel(title_of(group), tuple(group), False) for group in others.values()]


def metric_lines(epochs: Sequence[Mapping[str, Any]], task: str) -> tuple[Line, ...]:
    """A line for each metric that any epoch has a value of, in the order of the task, training first."""
    keys = dict.fromkeys(key for record in epochs for key in record)
    metrics = dict.fromkeys(name for key in keys for part, _, name in [key.partition("_")] if part in PARTS and name)
    lines = [
        Line(f"{part}_{metric}", f"{label} {metric_name(metric)}")
        for metric in in_order([metric for metric in metrics if metric != "loss"], task)
        for part, label in PARTS.items()
    ]
    return tuple(line for line in lines if _known(epochs, line))


def title_of(lines: Sequence[Line]) -> str:
    """Name the metrics of some lines: "Accuracy and macro-F1", "mIoU, Dice and pixel accuracy"."""
    names = list(dict.fromkeys(metric_name(_metric(line)) for line in lines))
    if not names:
        return ""
    first = names[0].capitalize() if names[0].islower() else names[0]
    names = [first, *names[1:]]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _metric(line: Line) -> str:
    return line.key.partition("_")[2]


def _known(epochs: Sequence[Mapping[str, Any]], line: Line) -> list[float]:
    values = [record.get(line.key) for record in epochs]
    return [float(value) for value in values if isinstance(value, int | float) and math.isfinite(value)]
