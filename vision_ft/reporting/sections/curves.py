"""The learning curves and what they say."""

from __future__ import annotations

from typing import Any

from vision_ft.reporting.caveats.base import judge_run
from vision_ft.reporting.charts.base import curves_chart
from vision_ft.reporting.collect.log_lines import LOSS_LINES, metric_lines, title_of
from vision_ft.reporting.collect.run import RunView
from vision_ft.reporting.section import Section


def _build(run: RunView) -> dict[str, Any] | None:
    verdicts = judge_run(run)
    epochs = [record for record in run.log if isinstance(record.get("epoch"), int)]
    if not epochs and not run.plan:
        return None
    shares = metric_lines(epochs)
    wanted = [("Loss", LOSS_LINES, False), *([(title_of(shares), shares, True)] if shares else [])]
    charts = [
        {"title": title, "lines": lines, "svg": curves_chart(epochs, lines, is_share=is_share)}
        for title, lines, is_share in wanted
        if len(epochs) > 1
    ]
    convex = any(phase.get("solver") == "convex" for phase in run.plan.get("phases") or [])
    return {"verdicts": verdicts, "charts": charts, "convex": convex, "num_epochs": len(epochs)}


SECTION = Section("curves", "Learning curves", "curves.html.j2", build=_build)
