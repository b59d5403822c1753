"""What people call the metrics, and which ones a line about a split opens with."""

from __future__ import annotations

from collections.abc import Mapping
from math import isnan
from typing import Any

METRIC_NAMES: dict[str, str] = {
    "accuracy": "accuracy",
    "macro_f1": "macro-F1",
    "miou": "mIoU",
    "dice": "Dice",
    "pixel_accuracy": "pixel accuracy",
    "boundary_f": "boundary F",
    "map": "mAP",
    "map50": "mAP50",
}
HEADLINES: dict[str, tuple[str, ...]] = {
    "classification": ("accuracy", "macro_f1"),
    "multilabel": ("macro_f1", "map"),
    "multitask": ("macro_f1", "accuracy"),
    "segmentation": ("miou", "dice", "pixel_accuracy"),
    "detection": ("map50", "map"),
}


def metric_title(metric: str) -> str:
    """Return a metric's name as a heading: "Accuracy", "Macro-F1", "mIoU"."""
    name = METRIC_NAMES.get(metric, metric)
    return name[:1].upper() + name[1:] if name.split("-")[0].islower() else name


def describe_split(task: str, numbers: Mapping[str, Any]) -> str:
    """Return the headline numbers of a split's summary in a line: "accuracy 89.3% (86.5% to 91.5%), ..."."""
    first, *others = HEADLINES[task]
    parts = [f"{METRIC_NAMES[first]} {share(numbers[first])}{_ends(numbers.get(f'{first}_interval'))}"]
    parts += [f"{METRIC_NAMES[name]} {share(numbers[name])}" for name in others]
    return ", ".join([*parts, f"{numbers['n']} pictures"])


def share(value: float | None) -> str:
    """Return 0.893 as "89.3%", None and NaN as "-"."""
    return "-" if value is None or isnan(value) else f"{value:.1%}"


def _ends(interval: Any) -> str:
    if interval is None or interval[0] is None or interval[1] is None:
        return ""
    return f" ({interval[0]:.1%} to {interval[1]:.1%})"
