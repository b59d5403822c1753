"""The learning curves, what they say, and the epoch whose weights were chosen."""

from __future__ import annotations

from typing import Any

from vision_ft.reporting.caveats.base import judge_run
from vision_ft.reporting.charts.base import curves_chart
from vision_ft.reporting.collect.log_lines import panels
from vision_ft.reporting.collect.view import RunView
from vision_ft.reporting.section import Section


def _build(run: RunView) -> dict[str, Any] | None:
    verdicts = judge_run(run)
    if not run.epochs and not run.plan:
        return None
    charts = [
        {
            "title": panel.title,
            "lines": panel.lines,
            "svg": curves_chart(run.epochs, panel.lines, is_share=panel.is_share),
        }
        for panel in panels(run.epochs)
        if len(run.epochs) > 1
    ]
    convex = any(phase.get("solver") == "convex" for phase in run.plan.get("phases") or [])
    return {"verdicts": verdicts, "charts": charts, "convex": convex, "num_epochs": len(run.epochs)}


SECTION = Section("curves", "Learning curves", "curves.html.j2", build=_build)
