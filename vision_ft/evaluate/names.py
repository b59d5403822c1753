"""What people call the metrics, and the line about a split that opens with them; all from the scorings of the tasks."""

from __future__ import annotations

from collections.abc import Mapping
from math import isnan
from typing import Any

from vision_ft.evaluate.scoring import SCORINGS, MetricInfo

METRICS: dict[str, MetricInfo] = {
    metric.name: metric for scoring in SCORINGS.values() for metric in (*scoring.metrics, *scoring.also)
}
METRIC_NAMES: dict[str, str] = {name: metric.title for name, metric in METRICS.items()}
HEADLINES: dict[str, tuple[str, ...]] = {task: scoring.names for task, scoring in SCORINGS.items()}


def metric_info(metric: str) -> MetricInfo:
    """Return what is known of a metric of any task; an unknown one goes by its own name."""
    return METRICS.get(metric, MetricInfo(metric, metric))


def metric_title(metric: str) -> str:
    """Return a metric's name as a heading: "Accuracy", "Macro-F1", "mIoU"."""
    return metric_info(metric).heading


def describe_split(task: str, numbers: Mapping[str, Any]) -> str:
    """Return the headline numbers of a split's summary in a line: "accuracy 89.3% (86.5% to 91.5%), ..."."""
    first, *others = SCORINGS[task].metrics
    parts = [f"{first.title} {first.show(numbers[first.name])}{_ends(first, numbers.get(f'{first.name}_interval'))}"]
    parts += [f"{metric.title} {metric.show(numbers[metric.name])}" for metric in others]
    return ", ".join([*parts, f"{numbers['n']} images"])


def share(value: float | None) -> str:
    """Return 0.893 as "89.3%", None and NaN as "-"."""
    return "-" if value is None or isnan(value) else f"{value:.1%}"


def _ends(metric: MetricInfo, interval: Any) -> str:
    if interval is None or interval[0] is None or interval[1] is None:
        return ""
    return f" ({metric.show(interval[0])} to {metric.show(interval[1])})"
