"""Gain on the new camera against loss on the old one, of candidates and of weights in between, as inline SVG."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from vision_ft.reporting.charts.base import BOTTOM, LEFT, RIGHT, TOP, Frame, svg, ticks
from vision_ft.reporting.collect.adapted import SOURCE, Candidate, number, records
from vision_ft.reporting.section import cut, points, points_span

WIDTH, HEIGHT = 500, 350
PIXELS_PER_CHARACTER, PIXELS_PER_BOLD = 7.3, 8.6  # a little wide: the fonts of readers differ, phones get 13 px
LINE_PX = 16
MAX_LABEL = 24
NUM_LOOKS = 5  # of lines; the page names them in a legend in the same order
MIN_SPAN = 0.02  # axes never zoom into less than two points: that is noise
CENTRE = LEFT + (WIDTH - LEFT - RIGHT) / 2

Ends = tuple[float, float]
Box = tuple[float, float, float, float]  # left, top, right, bottom in pixels


@dataclass(frozen=True)
class Dot:
    """A model in the plane of changes (fractions): loss on the old camera across, gain on the new one up.

    Attributes:
        label: beside the dot.
        old: change on the old camera.
        new: change on the new camera.
        old_ends: interval of `old`, or None.
        new_ends: interval of `new`, or None.
        look: "source", "recommended", "allowed" or "refused".
    """

    label: str
    old: float
    new: float
    old_ends: Ends | None = None
    new_ends: Ends | None = None
    look: str = "allowed"


@dataclass(frozen=True)
class Path:
    """Models between the source's weights and the tuned ones.

    Attributes:
        title: of the candidate.
        dots: one an alpha, alpha rising.
        chosen: place of the alpha that was taken, or None.
    """

    title: str
    dots: tuple[Dot, ...]
    chosen: int | None


def change_dots(candidates: Sequence[Candidate], *, recommended: str) -> list[Dot]:
    """Return a dot for each candidate that was measured on both cameras, the source at (0, 0)."""
    dots = []
    for candidate in candidates:
        old, new = candidate.old, candidate.new
        if candidate.name == SOURCE:
            dots.append(Dot(cut(candidate.title, MAX_LABEL), 0.0, 0.0, look="source"))
        elif old.change is not None and new.change is not None:
            look = "recommended" if candidate.name == recommended else _look(candidate)
            dots.append(
                Dot(cut(candidate.title, MAX_LABEL), old.change, new.change, old.change_ends, new.change_ends, look)
            )
    return dots if any(dot.look != "source" for dot in dots) else []


def _look(candidate: Candidate) -> str:
    return "refused" if candidate.level == "bad" else "allowed"


def changes_chart(candidates: Sequence[Candidate], *, limit: float | None, recommended: str) -> Markup | None:
    """Each candidate by its change on both cameras, the limit as a line; None without images of both."""
    dots = change_dots(candidates, recommended=recommended)
    if not dots:
        return None
    frame = _plane(dots, limit)
    body = _backdrop(frame, limit, measured_on="test")
    body += "".join(_cross(dot, frame) for dot in dots)
    body += "".join(_mark(dot, frame) for dot in dots) + _labels(dots, frame, limit)
    return svg(body, _told(dots), width=WIDTH, height=HEIGHT)


def alpha_paths(candidates: Sequence[Candidate]) -> list[Path]:
    """Return the sweeps between source and tuned weights as changes from alpha = 0, on validation images."""
    paths = []
    for candidate in candidates:
        known = [
            (alpha, old, new, point.get("allowed") is not False)
            for point in records(candidate.record.get("alphas"))
            for alpha, old, new in [(number(point.get("alpha")), number(point.get("old")), number(point.get("new")))]
            if alpha is not None and old is not None and new is not None
        ]
        known.sort(key=lambda point: point[0])
        if len(known) < 2 or known[0][0] != 0:
            continue
        _, old_before, new_before, _ = known[0]
        dots = tuple(
            Dot(f"{alpha:g}", old - old_before, new - new_before, look="allowed" if is_allowed else "refused")
            for alpha, old, new, is_allowed in known
        )
        taken = number(candidate.record.get("alpha"))
        chosen = next((place for place, point in enumerate(known) if point[0] == taken), None)
        paths.append(Path(candidate.title, dots, chosen))
    return paths


def alphas_chart(paths: Sequence[Path], *, limit: float | None) -> Markup | None:
    """The sweeps as lines, their chosen alpha marked; None when there is none."""
    if not paths:
        return None
    frame = _plane([dot for path in paths for dot in path.dots], limit)
    body = _backdrop(frame, limit, measured_on="validation")
    for place, path in enumerate(paths):
        line = " ".join(f"{frame.across(dot.old):.1f},{frame.up(dot.new):.1f}" for dot in path.dots)
        marks = "".join(_alpha_mark(path, at, frame) for at in range(len(path.dots)))
        body += f'<g class="series s{place % NUM_LOOKS}"><polyline points="{line}"/>{marks}</g>'
    titles = ", ".join(path.title for path in paths)
    return svg(body, f"weights between source and tuned, for {titles}", width=WIDTH, height=HEIGHT)


def _alpha_mark(path: Path, at: int, frame: Frame) -> str:
    dot, is_chosen = path.dots[at], at == path.chosen
    x, y = frame.across(dot.old), frame.up(dot.new)
    told = f"{path.title}, alpha {dot.label}: old {points(dot.old)}, new {points(dot.new)}"
    ring = f'<circle class="ring" cx="{x:.1f}" cy="{y:.1f}" r="8"/>' if is_chosen else ""
    title = f"{told}{', chosen' if is_chosen else ''}"
    return f'{ring}<circle cx="{x:.1f}" cy="{y:.1f}" r="3.4"><title>{escape(title)}</title></circle>'


def _plane(dots: Sequence[Dot], limit: float | None) -> Frame:
    across = [value for dot in dots for value in (dot.old, *(dot.old_ends or ()))]
    up = [value for dot in dots for value in (dot.new, *(dot.new_ends or ()))]
    marks = [0.0] if limit is None else [0.0, -1.25 * limit]
    return Frame(_range([*across, *marks]), _range([*up, 0.0]), width=WIDTH, height=HEIGHT)


def _range(values: Sequence[float]) -> Ends:
    low, high = min(values), max(values)
    missing = max(0.0, MIN_SPAN - (high - low)) / 2
    margin = 0.07 * max(high - low, MIN_SPAN)
    return low - margin - missing, high + margin + missing


def _backdrop(frame: Frame, limit: float | None, *, measured_on: str) -> str:
    """Grid, zero lines, and the zone where more is forgotten than is allowed."""
    body = ""
    bottom = HEIGHT - BOTTOM
    if limit is not None:
        x = frame.across(-limit)
        body += f'<rect class="zone" x="{LEFT}" y="{TOP}" width="{max(0.0, x - LEFT):.1f}" height="{bottom - TOP}"/>'
    for tick in ticks(*frame.y):
        y = frame.up(tick)
        kind = "zero" if tick == 0 else "grid"
        body += f'<line class="{kind}" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
        body += f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{_points(tick)}</text>'
    for tick in ticks(*frame.x, 8):
        x = frame.across(tick)
        if tick == 0:
            body += f'<line class="zero" x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{bottom}"/>'
        body += f'<text x="{x:.1f}" y="{bottom + 16}" text-anchor="middle">{_points(tick)}</text>'
    body += (
        f'<text x="{CENTRE}" y="{HEIGHT - 6}" text-anchor="middle">old camera: change in points, {measured_on}</text>'
    )
    middle = (TOP + bottom) / 2
    body += (
        f'<text transform="translate(12 {middle}) rotate(-90)" text-anchor="middle">new camera: change in points</text>'
    )
    return body + _limit_line(frame, limit, bottom)


def _limit_line(frame: Frame, limit: float | None, bottom: float) -> str:
    if limit is None:
        return ""
    x, (left, _, _, low) = frame.across(-limit), _limit_box(frame, limit)
    return (
        f'<line class="limit" x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{bottom}"/>'
        f'<text class="limit" x="{left:.1f}" y="{low - 4:.1f}">{_limit_text(limit)}</text>'
    )


def _limit_text(limit: float) -> str:
    return f"limit {points(-limit)}"


def _limit_box(frame: Frame, limit: float) -> Box:
    """Where the limit's text stands: at the foot of its line, on the side that has room."""
    x, width = frame.across(-limit), len(_limit_text(limit)) * PIXELS_PER_CHARACTER
    left = x - 5 - width if x - LEFT > width else x + 5
    bottom = frame.height - BOTTOM - 3
    return left, bottom - LINE_PX, left + width, bottom


def _points(value: float) -> str:
    return f"{100 * value:+.3g}".replace("-", "−") if value else "0"


def _cross(dot: Dot, frame: Frame) -> str:
    x, y = frame.across(dot.old), frame.up(dot.new)
    parts = ""
    if dot.old_ends:
        low, high = map(frame.across, dot.old_ends)
        parts += f'<line x1="{low:.1f}" x2="{high:.1f}" y1="{y:.1f}" y2="{y:.1f}"/>'
    if dot.new_ends:
        low, high = map(frame.up, dot.new_ends)
        parts += f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{low:.1f}" y2="{high:.1f}"/>'
    return f'<g class="model {dot.look}">{parts}</g>'


def _mark(dot: Dot, frame: Frame) -> str:
    """The dot: its shape tells what its colour tells."""
    x, y = frame.across(dot.old), frame.up(dot.new)
    title = f"<title>{escape(_told_one(dot))}</title>"
    if dot.look == "refused":
        arms = f"M{x - 5:.1f} {y - 5:.1f}l10 10m0 -10l-10 10"
        return f'<g class="model refused"><path d="{arms}">{title}</path></g>'
    ring = f'<circle class="ring" cx="{x:.1f}" cy="{y:.1f}" r="10"/>' if dot.look == "recommended" else ""
    return f'<g class="model {dot.look}">{ring}<circle cx="{x:.1f}" cy="{y:.1f}" r="5.5">{title}</circle></g>'


def _told_one(dot: Dot) -> str:
    old = f" ({points_span(dot.old_ends)})" if dot.old_ends else ""
    new = f" ({points_span(dot.new_ends)})" if dot.new_ends else ""
    return f"{dot.label}: old camera {points(dot.old)}{old}, new camera {points(dot.new)}{new}"


def _told(dots: Sequence[Dot]) -> str:
    return "change on the old and on the new camera. " + "; ".join(_told_one(dot) for dot in dots)


def _labels(dots: Sequence[Dot], frame: Frame, limit: float | None) -> str:
    """Names beside their dots, where they cover neither a dot nor another name if there is such a place."""
    centres = [(frame.across(dot.old), frame.up(dot.new)) for dot in dots]
    taken: list[Box] = [(x - 8, y - 8, x + 8, y + 8) for x, y in centres]
    if limit is not None:
        taken.append(_limit_box(frame, limit))
    body = ""
    order = sorted(range(len(dots)), key=lambda place: dots[place].look != "recommended")
    for place in order:
        is_bold = dots[place].look == "recommended"
        width = len(dots[place].label) * (PIXELS_PER_BOLD if is_bold else PIXELS_PER_CHARACTER)
        boxes = [box for box in _places(*centres[place], width) if _is_inside(box)]
        free = [box for box in boxes if not any(_overlap(box, other) for other in taken)]
        if not free:
            continue  # its tooltip and the table name it
        left, _, _, bottom = free[0]
        taken.append(free[0])
        bold = " strong" if is_bold else ""
        body += f'<text class="label{bold}" x="{left:.1f}" y="{bottom - 4:.1f}">{escape(dots[place].label)}</text>'
    return body


def _places(x: float, y: float, width: float) -> Iterator[Box]:
    half = LINE_PX / 2
    beside = 0.75 * LINE_PX  # clear of the dot's own interval, which lies at its height
    for lift in (-beside, beside, -2 * LINE_PX, 2 * LINE_PX):
        for left in (x + 12, x - 12 - width, x - width / 2):
            if abs(lift) > LINE_PX or left != x - width / 2:  # centred names stand farther above or below their dot
                yield left, y + lift - half, left + width, y + lift + half


def _is_inside(box: Box) -> bool:
    return box[0] >= LEFT and box[2] <= WIDTH - 2 and box[1] >= 0 and box[3] <= HEIGHT - BOTTOM


def _overlap(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
