"""Charts of predicted values as inline SVG: predicted against true values, and errors against true values."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from markupsafe import Markup, escape

from vision_ft.reporting.charts.base import BOTTOM, LEFT, TOP, Frame, svg, ticks
from vision_ft.reporting.section import cut, number

WIDTH, HEIGHT = 460, 400
RESIDUAL_HEIGHT = 320
MAX_POINTS = 2000  # of a chart; more would only cover each other and slow the page down
WORST_POINTS = 50
MAX_PATH = 80


def thin(true: np.ndarray, predicted: np.ndarray, *, limit: int = MAX_POINTS) -> np.ndarray:
    """Return which of the points (N,) are drawn: spread evenly over the order of the true values, and the worst 50.

    The same points for the same values; all of them up to `limit`.
    """
    if len(true) <= limit:
        return np.arange(len(true))
    order = np.argsort(true, kind="stable")
    worst = np.argsort(-np.abs(predicted - true), kind="stable")[:WORST_POINTS]
    even = order[np.linspace(0, len(true) - 1, limit - len(worst)).round().astype(np.int64)]
    return np.union1d(even, worst)


def scatter_chart(true: np.ndarray, predicted: np.ndarray, paths: Sequence[str], *, name: str) -> Markup | None:
    """Predicted against true values on equal axes; on the diagonal both are equal. None without a point.

    Args:
        true: (N,) known values.
        predicted: (N,) values.
        paths: of the N images, shown where a point is pointed at.
        name: of the target.
    """
    if not len(true):
        return None
    ends = span_of(np.concatenate([true, predicted]))
    frame = Frame(ends, ends, width=WIDTH, height=HEIGHT)
    body = _axes(frame, x_label=f"true {cut(name)}", y_label="predicted")
    body += (
        f'<line class="diagonal" x1="{frame.across(ends[0]):.1f}" y1="{frame.up(ends[0]):.1f}" '
        f'x2="{frame.across(ends[1]):.1f}" y2="{frame.up(ends[1]):.1f}"/>'
    )
    body += _points(frame, true, predicted, _tell(true, predicted, paths))
    return svg(body, f"predicted against true {cut(name)}", width=WIDTH, height=HEIGHT)


def residual_chart(true: np.ndarray, predicted: np.ndarray, paths: Sequence[str], *, name: str) -> Markup | None:
    """Predicted minus true against true values; the line is an error of zero. None without a point; see above."""
    if not len(true):
        return None
    errors = predicted - true
    frame = Frame(span_of(true), span_of(np.append(errors, 0.0)), width=WIDTH, height=RESIDUAL_HEIGHT)
    body = _axes(frame, x_label=f"true {cut(name)}", y_label="predicted − true")
    zero = frame.up(0.0)
    start, end = frame.across(frame.x[0]), frame.across(frame.x[1])
    body += f'<line class="diagonal" x1="{start:.1f}" x2="{end:.1f}" y1="{zero:.1f}" y2="{zero:.1f}"/>'
    body += _points(frame, true, errors, _tell(true, predicted, paths))
    return svg(body, f"errors against true {cut(name)}", width=WIDTH, height=RESIDUAL_HEIGHT)


def span_of(values: np.ndarray) -> tuple[float, float]:
    """Return the ends of an axis that shows all values, with a small margin; of equal values as well."""
    low, high = float(values.min()), float(values.max())
    margin = 0.04 * (high - low) or 0.1 * abs(high) or 0.5
    return low - margin, high + margin


def _axes(frame: Frame, *, x_label: str, y_label: str) -> str:
    body = frame.axes(x_label=x_label, y_ticks=ticks(*frame.y), x_ticks=ticks(*frame.x), is_share=False)
    bottom = frame.height - BOTTOM
    body += f'<line class="grid" x1="{LEFT}" x2="{LEFT}" y1="{TOP}" y2="{bottom}"/>'
    halo = "paint-order:stroke;stroke:var(--panel);stroke-width:5px"  # a grid line may run behind the word
    return body + f'<text style="{halo}" x="{LEFT + 8}" y="{TOP + 12}">{escape(y_label)}</text>'


def _tell(true: np.ndarray, predicted: np.ndarray, paths: Sequence[str]) -> list[str]:
    return [
        f"{cut(path, MAX_PATH)}: true {number(was)}, predicted {number(said)}"
        for path, was, said in zip(paths, true.tolist(), predicted.tolist(), strict=True)
    ]


def _points(frame: Frame, xs: np.ndarray, ys: np.ndarray, titles: Sequence[str]) -> str:
    radius, opacity = (3.4, 0.7) if len(xs) <= 300 else (2.4, 0.45)
    dots = "".join(
        f'<circle cx="{frame.across(x):.1f}" cy="{frame.up(y):.1f}" r="{radius}">'
        f"<title>{escape(title)}</title></circle>"
        for x, y, title in zip(xs.tolist(), ys.tolist(), titles, strict=True)
    )
    return f'<g class="series s0" fill-opacity="{opacity}">{dots}</g>'
