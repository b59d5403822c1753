"""What a section of the report is, and the small texts that sections share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from vision_ft.reporting.collect.view import RunView

MAX_NAME = 40  # characters of a class or file name that are shown; the rest is in its tooltip
MAX_TITLE = 400
View = Mapping[str, Any]  # what a section hands to its template, a TypedDict where it is shared


@dataclass(frozen=True)
class ImageIndex:
    """Where each chosen image of a split stands in the page's list of images."""

    position_by_row: Mapping[int, int]

    def positions(self, rows: Sequence[int]) -> list[int]:
        """Positions of those rows that the page holds, in the given order."""
        return [self.position_by_row[row] for row in rows if row in self.position_by_row]


@dataclass(frozen=True)
class Section:
    """A section of a page: adding one is a file with a `SECTION` and a line in the pages that show it, see `pages`.

    Attributes:
        id: anchor in the page, and key of its data for the script.
        title: heading.
        template: below templates/sections; gets `view`, or `views` (split -> view) when `build_split` is set.
        build: `build(run) -> view`, or None where the section does not apply.
        build_split: `build_split(run, split, pictures) -> view` for sections that follow the split switch; `split` is
            what the page's `read_split` made. The key "data" of a view, if any, is
            what the page's script gets.
        pictures: paths, as predictions name them, of images that the section's template shows by itself from
            `thumbnails.uri_by_path`.
    """

    id: str
    title: str
    template: str
    build: Callable[[RunView], View | None] | None = None
    build_split: Callable[[RunView, Any, ImageIndex], View | None] | None = None
    pictures: Callable[[RunView], Sequence[str]] | None = None


def cut(name: str, length: int = MAX_NAME) -> str:
    """Truncate to `length` characters with an ellipsis."""
    return name if len(name) <= length else name[: length - 1] + "…"


def percent(value: float | None, digits: int = 1) -> str:
    """Return 0.893 as "89.3%", None as an em dash, -0.2 (an R2 may be negative) as "−20.0%"."""
    return "—" if value is None else f"{100 * value:.{digits}f}%".replace("-", "−")


def span(ends: Sequence[float | None] | None, digits: int = 1) -> str:
    """Return (0.865, 0.915) as "86.5-91.5%" with an en dash; "" when there is none."""
    if ends is None or ends[0] is None or ends[1] is None:
        return ""
    if ends[0] < 0:
        return f"{percent(ends[0], digits)} to {percent(ends[1], digits)}"
    return f"{100 * ends[0]:.{digits}f}–{100 * ends[1]:.{digits}f}%"


def number(value: float | None, *, sign: bool = False) -> str:
    """Return a plain number with three significant digits: "2.31", "−0.8", "12,346"; None as an em dash."""
    if value is None:
        return "—"
    text = f"{value:,.0f}" if abs(value) >= 999.5 else f"{value:.3g}"
    plus = "+" if sign and value > 0 else ""
    return plus + ("0" if value == 0 else text.replace("-", "−"))


def number_span(ends: Sequence[float | None] | None) -> str:
    """Return (1.9, 2.8) as "1.9 to 2.8"; "" when there is none."""
    if ends is None or ends[0] is None or ends[1] is None:
        return ""
    return f"{number(ends[0])} to {number(ends[1])}"


def points(value: float | None, digits: int = 1, *, sign: bool = True, unit: bool = True) -> str:
    """Return 0.021 as "+2.1 points", -0.005 as "−0.5 points", None as an em dash."""
    if value is None:
        return "—"
    text = f"{100 * value:{'+' if sign else ''}.{digits}f}"
    if not any(character in "123456789" for character in text):
        text = text.lstrip("+-")  # a rounded zero has no direction
    return text.replace("-", "−") + (" points" if unit else "")


def points_span(ends: Sequence[float | None] | None, digits: int = 1) -> str:
    """Return (0.004, 0.038) as "+0.4 to +3.8"; "" when there is none."""
    if ends is None or ends[0] is None or ends[1] is None:
        return ""
    return " to ".join(points(end, digits, unit=False) for end in ends)


def count(number: int, noun: str, plural: str | None = None) -> str:
    """Return "1 image", "2,000 images"."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"
