"""Which metrics a task has, in their one order, and what people call them: the only place of the report that asks."""

from __future__ import annotations

from collections.abc import Sequence

from vision_ft.evaluate.names import HEADLINES, METRIC_NAMES, metric_info
from vision_ft.evaluate.names import metric_title as metric_title


def metrics_of(task: str) -> tuple[str, ...]:
    """Return the metrics of a task in their order: the first leads the page. () for a task without any."""
    return HEADLINES.get(task, ())


def leading_metric(task: str) -> str:
    """Return the metric that a task's page leads with."""
    return metrics_of(task)[0]


def metric_name(metric: str) -> str:
    """Return what people call a metric within a sentence: "accuracy", "mIoU"; its own key where it has no name."""
    return METRIC_NAMES.get(metric, metric)


def is_share(metric: str) -> bool:
    """Whether a metric is a fraction of 1, shown in percent; others are plain numbers."""
    return metric_info(metric).scale == "share"


def in_order(metrics: Sequence[str], task: str) -> list[str]:
    """Sort metrics as the task has them; others, which a log may hold too, keep their order and come last."""
    known = metrics_of(task)
    return sorted(metrics, key=lambda metric: known.index(metric) if metric in known else len(known))
