"""Errors against true values, one chart per target, and the errors in each range of the true value."""

from __future__ import annotations

from vision_ft.evaluate.regression.slices import is_biased
from vision_ft.reporting.charts.values import residual_chart
from vision_ft.reporting.collect.values import ValueSplit
from vision_ft.reporting.collect.view import RunView
from vision_ft.reporting.section import ImageIndex, Section, View, cut, number_span
from vision_ft.reporting.sections.values.scatter import charted, left_out, points_of


def _build(run: RunView, split: ValueSplit, pictures: ImageIndex) -> View | None:
    del run, pictures
    shown = charted(split)
    if not shown:
        return None
    return {"charts": [_chart(split, k) for k in shown], "left_out": left_out(split)}


def _chart(split: ValueSplit, k: int) -> View:
    points, name = points_of(split, k), split.targets[k]
    ranges = [
        row | {"range": number_span((row["from"], row["to"])), "differs": is_biased(row)}
        for row in split.range_biases
        if row["target"] == k
    ]
    return {
        "title": cut(name),
        "svg": residual_chart(points["true"], points["predicted"], points["paths"], name=name),
        "ranges": ranges,
        "shown": points["shown"],
        "of": points["of"],
    }


SECTION = Section("residuals", "Errors by true value", "values_residuals.html.j2", build_split=_build)
