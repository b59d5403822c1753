"""How many images of the new camera to label: the metric by the number of labels."""

from __future__ import annotations

from vision_ft.reporting.charts.budget import budget_chart
from vision_ft.reporting.collect.adapted import ends, mapping, metric_in, number, records
from vision_ft.reporting.collect.view import RunView
from vision_ft.reporting.metric_names import metric_title
from vision_ft.reporting.section import Section, View


def _build(run: RunView) -> View | None:
    budget = mapping(run.adaptation.get("budget"))
    rows = [
        {
            "labels": number(point.get("labels")),
            "mean": number(point.get("mean")),
            "ends": ends(point.get("low"), point.get("high")),
            "draws": point.get("draws"),
        }
        for point in records(budget.get("points"))
    ]
    if not rows:
        return None
    return {
        "sentence": budget.get("sentence") or "",
        "metric": metric_title(metric_in(budget)),
        "source": number(budget.get("source")),
        "rows": rows,
        "chart": budget_chart(budget),
    }


SECTION = Section("label-budget", "How many to label", "budget.html.j2", build=_build)
