"""Which curves a log holds: the metrics of its task, on the training and on the validation pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from vision_ft.evaluate.names import METRIC_NAMES
from vision_ft.reporting.charts.base import Line

LOSS_LINES = (Line("train_loss", "training"), Line("val_loss", "validation"))
PARTS = {"train": "training", "val": "validation"}


def metric_lines(epochs: Sequence[Mapping[str, Any]]) -> tuple[Line, ...]:
    """A line for each metric of `METRIC_NAMES` that any epoch has a value of, in that order, training first."""
    lines = (
        Line(f"{part}_{metric}", f"{label} {name}")
        for metric, name in METRIC_NAMES.items()
        for part, label in PARTS.items()
    )
    return tuple(line for line in lines if any(isinstance(record.get(line.key), int | float) for record in epochs))


def title_of(lines: Sequence[Line]) -> str:
    """Name the metrics of some lines: "Accuracy and macro-F1", "mIoU, Dice and pixel accuracy"."""
    names = list(dict.fromkeys(METRIC_NAMES[line.key.partition("_")[2]] for line in lines))
    if not names:
        return ""
    first = names[0].capitalize() if names[0].islower() else names[0]
    names = [first, *names[1:]]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
