"""Predicted against true values, one chart per target."""

from __future__ import annotations

from typing import Any

from vision_ft.reporting.caveats.values import slope_of
from vision_ft.reporting.charts.values import MAX_POINTS, scatter_chart, thin
from vision_ft.reporting.collect.values import ValueSplit
from vision_ft.reporting.collect.view import RunView
from vision_ft.reporting.section import PictureIndex, Section, View, cut, number, number_span

MAX_CHARTS = 12  # the targets of the lowest R2 where there are more
MANY_POINTS = 3 * MAX_POINTS  # of all charts of a section, so that a page of many targets stays small
MIN_POINTS = 300


def _build(run: RunView, split: ValueSplit, pictures: PictureIndex) -> View | None:
    del run, pictures
    shown = charted(split)
    if not shown:
        return None
    return {"charts": [_chart(split, k) for k in shown], "left_out": left_out(split)}


def charted(split: ValueSplit) -> list[int]:
    """Return the targets that are drawn, in their order: all with a value, or the 12 of the lowest R2."""
    rows = split.summary["per_target"]
    known = [k for k, row in enumerate(rows) if row["n"]]
    worst = sorted(known, key=lambda k: (rows[k]["r2"] is None, rows[k]["r2"] or 0.0))
    return sorted(worst[:MAX_CHARTS])


def left_out(split: ValueSplit) -> int:
    """Return how many targets with a value are not drawn."""
    found: int = max(0, sum(row["n"] > 0 for row in split.summary["per_target"]) - MAX_CHARTS)
    return found


def points_of(split: ValueSplit, k: int) -> dict[str, Any]:
    """Return the points of a target's chart, thinned where there are many, and how many there are of how many."""
    true, predicted = split.known(k)
    limit = max(MIN_POINTS, min(MAX_POINTS, MANY_POINTS // len(charted(split))))
    chosen = thin(true, predicted, limit=limit)
    rows = split.known_rows(k)[chosen]
    return {
        "true": true[chosen],
        "predicted": predicted[chosen],
        "paths": [split.predictions.paths[row] for row in rows],
        "shown": len(chosen),
        "of": len(true),
    }


def _chart(split: ValueSplit, k: int) -> View:
    points, row = points_of(split, k), split.summary["per_target"][k]
    true, predicted = split.known(k)
    slope = slope_of(true, predicted)
    facts = [
        ("R2", number(row["r2"])),
        ("Slope", number(slope)),
        ("True values", number_span((row["low"], row["high"]))),
        ("Predictions", number_span((float(predicted.min()), float(predicted.max())))),
        ("Mean of the true values", number(row["mean"])),
        ("Mean of the predictions", number(float(predicted.mean()))),
    ]
    return {
        "title": cut(split.targets[k]),
        "svg": scatter_chart(points["true"], points["predicted"], points["paths"], name=split.targets[k]),
        "facts": facts,
        "shown": points["shown"],
        "of": points["of"],
    }


SECTION = Section("scatter", "Predicted against true", "values_scatter.html.j2", build_split=_build)
