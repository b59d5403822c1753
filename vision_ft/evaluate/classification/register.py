"""Add a metric of classification to metrics.json and to the report."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from vision_ft.errors import RecipeError
from vision_ft.evaluate.classification.metrics import METRICS, Metric, MetricInputs, summarise


def register_metric(
    name: str,
    compute: Callable[[MetricInputs], float],
    *,
    meaning: str,
    higher_is_better: bool = True,
    needs_scores: bool = False,
    is_share: bool = True,
) -> None:
    """Make a metric of classification part of metrics.json and of the report's headline numbers.

    Args:
        name: its key in metrics.json.
        compute: gives the number of `MetricInputs`, NaN where it is not defined.
        meaning: a few words for the report.
        higher_is_better: False for losses and errors.
        needs_scores: whether it reads probabilities; it is left out where there are none.
        is_share: whether it lies in [0, 1] and is shown in percent.

    Raises:
        RecipeError: the name is taken, by a metric or by another key of the summary.
    """
    if name in _keys_of_summary() - set(METRICS) or name.endswith("_interval"):
        raise RecipeError(f'metric "{name}": metrics.json holds something else under this name. Choose another.')
    METRICS.register(name, Metric(compute, higher_is_better, needs_scores, meaning, is_share))


def _keys_of_summary() -> set[str]:
    truth = np.array([0, 1, 2])
    return set(summarise(truth, np.eye(3), truth, classes=("a", "b", "c"), groups=["g"] * 3))
