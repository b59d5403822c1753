"""Numbers and intervals of the metrics that others registered, whatever those raise."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from vision_ft.evaluate.resampling import MIN_IMAGES, Groups, draw_weights
from vision_ft.plugins.registry import Registry

if TYPE_CHECKING:  # it asks this module for its own summary
    from vision_ft.evaluate.classification.metrics import Metric, MetricInputs

log = logging.getLogger(__name__)
DRAWN_IMAGES = 2_000_000  # that a bootstrap may hand to a metric; what a mean costs for so many takes a second or two
MIN_REPLICATES, MAX_REPLICATES = 100, 500  # fewer give no 95% interval worth its name


def own_numbers(metrics: Registry[Metric], inputs: MetricInputs, *, groups: Groups = None, seed: int) -> dict[str, Any]:
    """Return value and interval of each added metric; one that raises is named in the log and has neither."""
    found: dict[str, Any] = {}
    for name in metrics.added:
        metric = metrics[name]
        if metric.needs_scores and inputs.scores is None:
            found |= {name: None, f"{name}_interval": None}
            continue
        try:
            value, ends = float(metric.compute(inputs)), _interval(metric, inputs, groups=groups, seed=seed)
            found |= {name: value, f"{name}_interval": ends}
        except Exception as err:  # noqa: BLE001 - a finished training must not be lost to somebody's formula
            log.exception("metric %s: %s: %s; it is left out", name, type(err).__name__, err)
            found |= {name: None, f"{name}_interval": None}
    return found


def _interval(metric: Metric, inputs: MetricInputs, *, groups: Groups, seed: int) -> tuple[float, float] | None:
    """95% interval over images or groups drawn anew; None for few images, or too many for it to be cheap."""
    count = len(inputs.targets)
    replicates = min(DRAWN_IMAGES // max(count, 1), MAX_REPLICATES)
    if count < MIN_IMAGES or replicates < MIN_REPLICATES:
        return None
    parts = draw_weights(count, groups=groups, replicates=replicates, seed=seed)
    values = np.array([metric.compute(_drawn(inputs, times)) for part in parts for times in part.astype(np.int64)])
    values = values[np.isfinite(values)]  # a draw may miss what the metric needs, such as a class
    if len(values) < MIN_REPLICATES:
        return None
    low, high = np.percentile(values, [2.5, 97.5])
    return float(low), float(high)


def _drawn(inputs: MetricInputs, times: np.ndarray) -> MetricInputs:
    rows = np.repeat(np.arange(len(times)), times)
    scores = None if inputs.scores is None else inputs.scores[rows]
    return replace(inputs, targets=inputs.targets[rows], predicted=inputs.predicted[rows], scores=scores)
