"""The charts of predicted values: where dots lie, which are drawn of many, and what they say."""

from __future__ import annotations

import re

import numpy as np
import pytest

from vision_ft.reporting.charts.base import BOTTOM, LEFT, RIGHT, TOP, ticks
from vision_ft.reporting.charts.values import (
    HEIGHT,
    WIDTH,
    WORST_POINTS,
    residual_chart,
    scatter_chart,
    span_of,
    thin,
)

TRUE, PREDICTED = np.array([1.0, 4.0, 9.0]), np.array([1.0, 6.0, 9.0])
PATHS = ["a.png", "<b>.png", "c.png"]


def dots(chart: str) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in re.findall(r'<circle cx="([\d.]+)" cy="([\d.]+)"', chart)]


def diagonal(chart: str) -> list[float]:
    line = re.search(r'<line class="diagonal"([^>]*)', chart)[1]
    ends = dict(re.findall(r'(\w+)="([\d.]+)"', line))
    return [float(ends[key]) for key in ("x1", "y1", "x2", "y2")]


def test_a_dot_lies_on_the_diagonal_where_the_prediction_is_right_and_above_it_where_too_high():
    chart = scatter_chart(TRUE, PREDICTED, PATHS, name="cells")
    x1, y1, x2, y2 = diagonal(chart)
    assert (x1, y1, x2, y2) == (LEFT, HEIGHT - BOTTOM, WIDTH - RIGHT, TOP)
    above = [y1 + (x - x1) * (y2 - y1) / (x2 - x1) - y for x, y in dots(chart)]  # pixels grow downwards
    assert above[0] == pytest.approx(0, abs=0.2)
    assert above[1] > 30
    assert above[2] == pytest.approx(0, abs=0.2)


def test_a_residual_lies_on_the_line_of_zero_where_the_prediction_is_right():
    chart = residual_chart(TRUE, PREDICTED, PATHS, name="cells")
    zero = float(re.search(r'class="diagonal"[^>]* y1="([\d.]+)"', chart)[1])
    assert [y for _, y in dots(chart)] == [zero, pytest.approx(TOP, abs=15), zero]


def test_a_dot_says_its_path_and_values_with_nothing_that_html_reads():
    for chart in (
        scatter_chart(TRUE, PREDICTED, PATHS, name="<i>"),
        residual_chart(TRUE, PREDICTED, PATHS, name="<i>"),
    ):
        assert "<title>&lt;b&gt;.png: true 4, predicted 6</title>" in chart
        assert "true &lt;i&gt;</text>" in chart
        assert "<b>" not in chart
        assert "%" not in chart


def test_equal_values_and_no_values_make_no_broken_chart():
    same = np.full(4, 7.0)
    assert dots(scatter_chart(same, same, ["x"] * 4, name="cells")) == [(245.0, 184.0)] * 4  # the middle
    assert "nan" not in residual_chart(same, same, ["x"] * 4, name="cells")
    assert span_of(np.zeros(3)) == (-0.5, 0.5)
    assert scatter_chart(same[:0], same[:0], [], name="cells") is None
    assert residual_chart(same[:0], same[:0], [], name="cells") is None


def test_many_points_are_thinned_the_same_way_each_time_and_keep_the_ends_and_the_worst():
    true = np.random.default_rng(0).normal(size=10_000)
    predicted = true + np.random.default_rng(1).normal(size=10_000)
    rows = thin(true, predicted, limit=500)
    assert np.array_equal(rows, thin(true, predicted, limit=500))
    assert 480 <= len(rows) <= 500
    assert len(set(rows.tolist())) == len(rows)
    worst = np.argsort(-np.abs(predicted - true))[:WORST_POINTS]
    assert {int(true.argmin()), int(true.argmax()), *worst.tolist()} <= set(rows.tolist())
    assert np.median(true[rows]) == pytest.approx(np.median(true), abs=0.1)
    assert thin(true[:500], predicted[:500], limit=500).tolist() == list(range(500))


def test_no_axis_shows_minus_zero():
    assert [f"{tick:g}" for tick in ticks(-1.1, 12)][:2] == ["0", "2"]
