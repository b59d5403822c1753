"""The learning curves, what they say, and the epoch whose weights were chosen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vision_ft.reporting.caveats.base import judge_run
from vision_ft.reporting.charts.base import curves_chart
from vision_ft.reporting.collect.log_lines import panels
from vision_ft.reporting.collect.view import RunView
from vision_ft.reporting.metric_names import is_share, leading_metric, metric_name
from vision_ft.reporting.section import Section, View, number, percent


def _build(run: RunView) -> View | None:
    verdicts = judge_run(run)
    if not run.epochs and not run.plan:
        return None
    chosen = _chosen(run)
    epoch = chosen["epoch"] if chosen else None
    charts = [
        {
            "title": panel.title,
            "lines": panel.lines,
            "svg": curves_chart(run.epochs, panel.lines, is_share=panel.is_share, chosen=epoch),
        }
        for panel in panels(run.epochs, run.task)
        if len(run.epochs) > 1
    ]
    convex = any(phase.get("solver") == "convex" for phase in run.plan.get("phases") or [])
    return {
        "verdicts": verdicts,
        "charts": charts,
        "convex": convex,
        "num_epochs": len(run.epochs),
        "chosen": chosen and _say_chosen(run, chosen),
    }


def _chosen(run: RunView) -> Mapping[str, Any] | None:
    """The line of the epoch that metrics.json names: of equal epochs the one whose weights were taken."""
    return next((record for record in run.epochs if record["epoch"] == run.selection.get("epoch")), None)


def _say_chosen(run: RunView, chosen: Mapping[str, Any]) -> str:
    """Name the epoch and what it reached, and the mixture of weights that was kept where there were several."""
    metric = str(run.selection.get("metric") or leading_metric(run.task))
    value = chosen.get(f"val_{metric}")
    show = percent if is_share(metric) else number
    reached = f" ({metric_name(metric)} {show(value)})" if isinstance(value, int | float) else ""
    alpha = run.selection.get("alpha")
    mixed = ""
    if isinstance(alpha, int | float) and alpha != 1:
        mixed = f" Of its mixtures with the head-only weights, alpha {alpha:g} was kept (0: head-only, 1: tuned)."
    return f"Epoch {chosen['epoch']} was chosen on validation{reached}.{mixed}"


SECTION = Section("curves", "Learning curves", "curves.html.j2", build=_build)
