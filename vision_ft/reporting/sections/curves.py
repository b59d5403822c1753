"""The learning curves and what they say."""

from __future__ import annotations

from typing import Any

from vision_ft.evaluate.curves import judge_curves
from vision_ft.reporting.charts import Line, curves_chart
from vision_ft.reporting.collect import RunView
from vision_ft.reporting.section import Section

CHARTS = (
    ("Loss", (Line("train_loss", "training"), Line("val_loss", "validation")), False),
    (
        "Accuracy and macro-F1",
        (
            Line("train_accuracy", "training accuracy"),
            Line("val_accuracy", "validation accuracy"),
            Line("val_macro_f1", "validation macro-F1"),
        ),
        True,
    ),
)
LABEL_LINES = (Line("val_macro_f1", "validation macro-F1"), Line("val_map", "validation mAP"))
CHARTS_BY_TASK = {"multilabel": (CHARTS[0], ("Macro-F1 and mAP", LABEL_LINES, True))}


def _build(run: RunView) -> dict[str, Any] | None:
    verdicts = judge_curves(run.log, num_val=run.counts.get("val"))
    epochs = [record for record in run.log if isinstance(record.get("epoch"), int)]
    if not epochs and not run.plan:
        return None
    charts = [
        {"title": title, "lines": lines, "svg": curves_chart(epochs, lines, is_share=is_share)}
        for title, lines, is_share in CHARTS_BY_TASK.get(run.task, CHARTS)
        if len(epochs) > 1
    ]
    convex = any(phase.get("solver") == "convex" for phase in run.plan.get("phases") or [])
    return {"verdicts": verdicts, "charts": charts, "convex": convex, "num_epochs": len(epochs)}


SECTION = Section("curves", "Learning curves", "curves.html.j2", build=_build)
