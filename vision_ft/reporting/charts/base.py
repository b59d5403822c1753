"""Charts of the page as inline SVG: colours come from the page's style, so that they follow light and dark."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np
from markupsafe import Markup, escape

WIDTH, HEIGHT = 520, 300
LEFT, RIGHT, TOP, BOTTOM = 52, 22, 12, 44


@dataclass(frozen=True)
class Line:
    """A curve: the key of its values in the log, and its name in the legend."""

    key: str
    label: str


@dataclass(frozen=True)
class Frame:
    """Linear axes from data to pixels: `x` and `y` are the ends of the data's range."""

    x: tuple[float, float]
    y: tuple[float, float]
    width: int = WIDTH
    height: int = HEIGHT

    def across(self, value: float) -> float:
        """Return the horizontal pixel of a value."""
        return LEFT + (value - self.x[0]) / (self.x[1] - self.x[0]) * (self.width - LEFT - RIGHT)

    def up(self, value: float) -> float:
        """Return the vertical pixel of a value."""
        share = (value - self.y[0]) / (self.y[1] - self.y[0])
        return self.height - BOTTOM - share * (self.height - TOP - BOTTOM)

    def axes(self, *, x_label: str, y_ticks: Sequence[float], x_ticks: Sequence[float], is_share: bool) -> str:
        """Grid lines with their numbers."""
        parts = []
        for tick in y_ticks:
            y = self.up(tick)
            parts.append(f'<line class="grid" x1="{LEFT}" x2="{self.width - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
            parts.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{_number(tick, is_share)}</text>')
        for tick in x_ticks:
            x = self.across(tick)
            text = _number(tick, is_share and self.x == self.y)
            parts.append(f'<text x="{x:.1f}" y="{self.height - BOTTOM + 16}" text-anchor="middle">{text}</text>')
        middle = (LEFT + self.width - RIGHT) / 2
        parts.append(f'<text x="{middle}" y="{self.height - 6}" text-anchor="middle">{escape(x_label)}</text>')
        return "".join(parts)


def _number(value: float, is_share: bool) -> str:
    return f"{value:.0%}" if is_share else f"{value:g}"


def ticks(low: float, high: float, count: int = 7) -> list[float]:
    """Round numbers within low..high."""
    step = 10 ** np.floor(np.log10(max(high - low, 1e-9) / count))
    step *= next(factor for factor in (1, 2, 5, 10) if (high - low) / (step * factor) <= count)
    first = np.ceil(low / step - 1e-9)
    return [round(float(k * step), 10) + 0.0 for k in np.arange(first, np.floor(high / step + 1e-9) + 1)]


def svg(body: str, label: str, *, width: int = WIDTH, height: int = HEIGHT) -> Markup:
    """Return the drawing; every text in `body` must be escaped already."""
    return Markup(  # noqa: S704 - every text in `body` was escaped where it was added
        f'<svg class="chart" viewBox="0 0 {width} {height}" role="img" aria-label="{escape(label)}">{body}</svg>'
    )


def curves_chart(
    epochs: Sequence[Mapping[str, Any]], lines: Sequence[Line], *, is_share: bool = False, chosen: int | None = None
) -> Markup | None:
    """Curves over epochs, the phases as bands behind them; None when no value is known.

    Args:
        epochs: lines of the log.
        lines: what is drawn of them.
        is_share: whether values are fractions of 1.
        chosen: epoch whose weights were taken, marked by a line.
    """
    xs = [int(record["epoch"]) for record in epochs]
    values = {line: _values(epochs, line.key) for line in lines}
    known = np.concatenate(list(values.values()))
    known = known[np.isfinite(known)]
    if not known.size:
        return None
    low, high = float(known.min()), float(known.max())
    margin = 0.05 * (high - low) or 0.05
    low = max(0.0, low - margin) if low >= 0 else low - margin  # an R2 may be negative
    high = min(1.0, high + margin) if is_share else high + margin
    frame = Frame((min(xs) - 0.5, max(xs) + 0.5), (low, high))
    x_ticks = sorted({round(tick) for tick in ticks(min(xs), max(xs), 8)})
    body = _bands(epochs, frame)
    body += frame.axes(x_label="epoch", y_ticks=ticks(low, high), x_ticks=x_ticks, is_share=is_share)
    if chosen is not None:
        x = frame.across(chosen)
        told = f"epoch {chosen}, chosen on validation"
        body += f'<line class="diagonal" x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{frame.height - BOTTOM}">'
        body += f"<title>{told}</title></line>"
    for number, line in enumerate(lines):
        body += _curve(xs, values[line], frame, line.label, number=number, is_share=is_share)
    return svg(body, ", ".join(line.label for line in lines) + " by epoch")


def _values(epochs: Sequence[Mapping[str, Any]], key: str) -> np.ndarray:
    return np.array([record[key] if isinstance(record.get(key), int | float) else np.nan for record in epochs], float)


def _bands(epochs: Sequence[Mapping[str, Any]], frame: Frame) -> str:
    parts = []
    for number, (phase, records) in enumerate(groupby(epochs, key=lambda record: str(record.get("phase", "")))):
        numbers = [int(record["epoch"]) for record in records]
        x, end = frame.across(numbers[0] - 0.5), frame.across(numbers[-1] + 0.5)
        height = frame.height - TOP - BOTTOM
        parts.append(
            f'<rect class="band b{number % 2}" x="{x:.1f}" y="{TOP}" width="{end - x:.1f}" height="{height}">'
            f"<title>{escape(phase)}</title></rect>"
        )
        room = int((end - x) / 6)  # about six pixels a character
        if phase and room >= 4:
            shown = phase if len(phase) <= room else phase[: room - 1] + "…"
            parts.append(
                f'<text class="faint" x="{(x + end) / 2:.1f}" y="{frame.height - BOTTOM - 6}" text-anchor="middle">'
                f"{escape(shown)}</text>"
            )
    return "".join(parts)


def _curve(xs: Sequence[int], ys: np.ndarray, frame: Frame, label: str, *, number: int, is_share: bool) -> str:
    points = [(frame.across(x), frame.up(y), x, y) for x, y in zip(xs, ys.tolist(), strict=True) if np.isfinite(y)]
    path = " ".join(f"{px:.1f},{py:.1f}" for px, py, _, _ in points)
    dots = "".join(
        f'<circle cx="{px:.1f}" cy="{py:.1f}" r="2.6"><title>epoch {x}, {escape(label)} '
        f"{f'{y:.1%}' if is_share else f'{y:.4g}'}</title></circle>"
        for px, py, x, y in points
    )
    return f'<g class="series s{number}"><polyline points="{path}"/>{dots}</g>'


def reliability_chart(points: Sequence[Mapping[str, Any]]) -> Markup:
    """Accuracy with its interval against confidence; the diagonal is perfect calibration."""
    size = 340
    frame = Frame((0.0, 1.0), (0.0, 1.0), width=size + LEFT + RIGHT, height=size)
    ticks = [0.0, 0.25, 0.5, 0.75, 1.0]
    body = frame.axes(x_label="confidence", y_ticks=ticks, x_ticks=ticks, is_share=True)
    body += (
        f'<line class="diagonal" x1="{frame.across(0):.1f}" y1="{frame.up(0):.1f}" '
        f'x2="{frame.across(1):.1f}" y2="{frame.up(1):.1f}"/>'
    )
    for point in points:
        x = frame.across(point["confidence"])
        body += (
            f'<g class="series s0"><line x1="{x:.1f}" x2="{x:.1f}" y1="{frame.up(point["low"]):.1f}" '
            f'y2="{frame.up(point["high"]):.1f}"/><circle cx="{x:.1f}" cy="{frame.up(point["accuracy"]):.1f}" r="4">'
            f"<title>{point['count']} images: confidence {point['confidence']:.1%}, accuracy "
            f"{point['accuracy']:.1%} [{point['low']:.1%}–{point['high']:.1%}]</title></circle></g>"
        )
    path = " ".join(f"{frame.across(p['confidence']):.1f},{frame.up(p['accuracy']):.1f}" for p in points)
    body += f'<g class="series s0 thin"><polyline points="{path}"/></g>'
    return svg(body, "reliability diagram", width=frame.width, height=frame.height)
