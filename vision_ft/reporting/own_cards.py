"""Cards of the metrics that others registered, on page one of the report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vision_ft.evaluate.classification.metrics import METRICS
from vision_ft.reporting.page_one import Card, card


def own_cards(numbers: Mapping[str, Any]) -> list[Card]:
    """Return a card for each added metric that a split's summary holds; those that are no share bring their text."""
    return [_card(name, numbers) for name in METRICS.added if numbers.get(name) is not None]


def _card(name: str, numbers: Mapping[str, Any]) -> Card:
    metric, value, interval = METRICS[name], numbers[name], numbers.get(f"{name}_interval")
    if metric.is_share:
        return card(name, value, interval, metric.meaning)
    ends = "" if interval is None else f" ({interval[0]:.3g} to {interval[1]:.3g})"
    return {**card(name, value, None, metric.meaning), "text": f"{value:.3g}{ends}"}
