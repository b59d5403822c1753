"""Charts of a detection run as inline SVG."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

from vision_ft.reporting.charts.base import Frame, svg

WIDTH, HEIGHT = 330, 250
TICKS = [0.0, 0.25, 0.5, 0.75, 1.0]


def precision_recall_chart(curve: Mapping[str, Any], row: Mapping[str, Any]) -> Markup:
    """Draw interpolated precision against recall at IoU 0.5, with the point of the class's threshold.

    Args:
        curve: "class", "recall" and "precision", as in a detection summary.
        row: of the same class in "per_class": threshold, precision and recall there.
    """
    frame = Frame((0.0, 1.0), (0.0, 1.0), width=WIDTH, height=HEIGHT)
    body = frame.axes(x_label="recall", y_ticks=TICKS, x_ticks=TICKS, is_share=True)
    ends = [
        f"{frame.across(recall):.1f},{frame.up(precision):.1f}"
        for recall, precision in zip(curve["recall"], curve["precision"], strict=True)
    ]
    body += f'<g class="series s0"><polyline points="{" ".join(ends)}"/></g>'
    if row["precision"] is not None and row["recall"] is not None:
        told = f"threshold {row['threshold']:.2f}: precision {row['precision']:.0%}, recall {row['recall']:.0%}"
        body += (
            f'<g class="series s1"><circle class="chosen" cx="{frame.across(row["recall"]):.1f}" '
            f'cy="{frame.up(row["precision"]):.1f}" r="5"><title>{told}</title></circle></g>'
        )
    return svg(body, f"precision against recall of {curve['class']}", width=WIDTH, height=HEIGHT)
