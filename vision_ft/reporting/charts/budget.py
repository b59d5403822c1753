"""A metric on the new camera by the number of labelled images, as inline SVG."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from vision_ft.reporting.charts.base import BOTTOM, LEFT, RIGHT, Frame, svg, ticks
from vision_ft.reporting.collect.adapted import metric_in, number, records
from vision_ft.reporting.metric_names import metric_name
from vision_ft.reporting.section import percent, span

WIDTH, HEIGHT = 500, 300
CENTRE = LEFT + (WIDTH - LEFT - RIGHT) / 2
MIN_SPAN = 0.02  # the axis never zooms into less than two points: that is noise


def budget_chart(budget: Mapping[str, Any]) -> Markup | None:
    """The metric on the new camera by number of labelled images, on a logarithmic axis; None without a point."""
    known = budget_points(budget)
    if not known:
        return None
    source = number(budget.get("source"))
    values = [value for point in known for value in point[1:]] + ([] if source is None else [source])
    low, high = min(values), max(values)
    margin = 0.06 * max(high - low, MIN_SPAN)
    floor = 0.0 if low >= 0 else low - margin  # of an R2 that is worse than the mean
    logs = [math.log10(labels) for labels, *_ in known]
    room = 0.08 * max(logs[-1] - logs[0], 0.5)
    frame = Frame((logs[0] - room, logs[-1] + room), (max(floor, low - margin), min(1.0, high + margin)), WIDTH, HEIGHT)
    body = _budget_axes(known, frame)
    if source is not None:
        y = frame.up(source)
        body += f'<line class="diagonal" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
        text = f"source model, no labels: {percent(source)}"
        body += f'<text class="label" x="{WIDTH - RIGHT - 4}" y="{y - 6:.1f}" text-anchor="end">{text}</text>'
    return svg(
        body + _budget_curve(known, frame),
        f"{metric_name(metric_in(budget))} on the new camera by labels",
        width=WIDTH,
        height=HEIGHT,
    )


def budget_points(budget: Mapping[str, Any]) -> list[tuple[int, float, float, float]]:
    """Return (labels, mean, low, high) of each point that is known, labels rising."""
    found = []
    for point in records(budget.get("points")):
        labels, mean = number(point.get("labels")), number(point.get("mean"))
        if labels and labels > 0 and mean is not None:
            low, high = number(point.get("low")), number(point.get("high"))
            found.append((int(labels), mean, mean if low is None else low, mean if high is None else high))
    return sorted(found)


def _budget_axes(known: Sequence[tuple[int, float, float, float]], frame: Frame) -> str:
    body = ""
    bottom = frame.height - BOTTOM
    for tick in ticks(*frame.y):
        y = frame.up(tick)
        body += f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
        body += f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{_share(tick)}</text>'
    for labels, *_ in known:
        x = frame.across(math.log10(labels))
        body += f'<text x="{x:.1f}" y="{bottom + 16}" text-anchor="middle">{labels:,}</text>'
    text = "labelled images of the new camera (logarithmic)"
    return body + f'<text x="{CENTRE}" y="{frame.height - 6}" text-anchor="middle">{text}</text>'


def _share(value: float) -> str:
    return f"{100 * value:.3g}%".replace("-", "−")


def _budget_curve(known: Sequence[tuple[int, float, float, float]], frame: Frame) -> str:
    path = " ".join(f"{frame.across(math.log10(labels)):.1f},{frame.up(mean):.1f}" for labels, mean, *_ in known)
    body = f'<polyline points="{path}"/>'
    for labels, mean, low, high in known:
        x = frame.across(math.log10(labels))
        body += f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{frame.up(low):.1f}" y2="{frame.up(high):.1f}"/>'
        title = f"{labels:,} labels: {percent(mean)} ({span((low, high))})"
        body += f'<circle cx="{x:.1f}" cy="{frame.up(mean):.1f}" r="4"><title>{title}</title></circle>'
    return f'<g class="series s0">{body}</g>'
