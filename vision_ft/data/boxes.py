"""Boxes while a format is read: gathered image by image, then a SampleTable of task detection."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa

from vision_ft.data.images.decode import printable
from vision_ft.data.names import escape_name
from vision_ft.data.reading.patterns import compile_pattern
from vision_ft.data.table import SampleTable
from vision_ft.errors import DataError
from vision_ft.types import DETECTION, UNLABELLED, ClassSpace, Finding

BOXES = pa.list_(pa.list_(pa.float32()))
POLYGONS = pa.list_(pa.list_(pa.list_(pa.float32())))
MAX_SHOWN = 10
MAX_FLOAT32 = float(np.finfo(np.float32).max)
MAX_DIGITS = 10  # of a stated size; Python refuses to read whole numbers of some thousand digits
Box = tuple[float, float, float, float]


@dataclass
class Picture:
    """One image and its boxes while they are gathered.

    Attributes:
        path: relative to the root, as the os module gives it.
        split: train, val, test or None.
        group: or None.
        stated: (width, height) in pixels that the annotation gives, None when it gives none.
        boxes: x1 y1 x2 y2 in pixels, as the annotation has them.
        labels: class index, or class name until the classes are known, of each box.
        polygons: outlines of each box, each x y x y ... in pixels; [] for a box without one.
        iscrowd: whether the box holds a crowd that is not told apart.
        difficult: whether the box is marked as difficult.
    """

    path: str
    split: str | None = None
    group: str | None = None
    stated: tuple[int, int] | None = None
    boxes: list[Box] = field(default_factory=list)
    labels: list[Any] = field(default_factory=list)
    polygons: list[list[list[float]]] = field(default_factory=list)
    iscrowd: list[bool] = field(default_factory=list)
    difficult: list[bool] = field(default_factory=list)

    def add(
        self,
        box: Box,
        label: Any,
        *,
        polygons: Sequence[Sequence[float]] = (),
        iscrowd: bool = False,
        difficult: bool = False,
    ) -> None:
        """Add a box."""
        self.boxes.append(box)
        self.labels.append(label)
        self.polygons.append([list(outline) for outline in polygons])
        self.iscrowd.append(iscrowd)
        self.difficult.append(difficult)


class Complaints:
    """What is wrong with single annotations: refused together at the end, or each left out and remarked on.

    Args:
        source: the file or folder that is read.
        on_bad: "fail" refuses, "drop" leaves the annotation out, and its image stays.
    """

    def __init__(self, source: Path, on_bad: Literal["fail", "drop"]) -> None:
        self.source, self.on_bad = source, on_bad
        self.found: list[tuple[str, str, str]] = []

    def add(self, path: str, where: str, reason: str) -> None:
        """Note that the annotation at `where`, of the image `path`, cannot be used."""
        self.found.append((path, where, reason))

    def settle(self, fix: str) -> list[Finding]:
        """Refuse what was noted, or return it as findings.

        Raises:
            DataError: something was noted and on_bad is "fail"; the first ten and their number.
        """
        if self.found and self.on_bad == "fail":
            shown = "; ".join(f"{where}: {reason}" for _, where, reason in self.found[:MAX_SHOWN])
            more = f"; and {len(self.found) - MAX_SHOWN} more" if len(self.found) > MAX_SHOWN else ""
            raise DataError(
                f"{printable(self.source)}: {shown}{more}. {fix} (or leave these annotations out with data.on_bad=drop)"
            )
        return [
            Finding("error", "bad-annotation", escape_name(path), f"{where}: {reason}; left out.")
            for path, where, reason in self.found
        ]


def find_flaw(values: Any, *, count: int | None = 4) -> str:
    """Return what is wrong with a list of `count` numbers (None: any even count), or ''."""
    if not isinstance(values, list | tuple):
        return f"expected a list of numbers, got {str(values)[:40]!r}"
    if count is not None and len(values) != count:
        return f"expected {count} numbers, got {len(values)}"
    if count is None and len(values) % 2:
        return f"expected pairs of numbers, got {len(values)} numbers"
    for value in values:
        if isinstance(value, bool) or not isinstance(value, int | float):
            return f"expected numbers, got {str(value)[:40]!r} ({type(value).__name__})"
        if not _is_float32(value):
            digits = str(value)
            return f"{digits if len(digits) <= 40 else f'{digits[:40]} ({len(digits)} digits)'} is not a finite number"
    return ""


def _is_float32(value: float) -> bool:
    """Whether a number has a finite float32; JSON also holds whole numbers that are beyond every float."""
    try:
        return math.isfinite(value) and abs(value) <= MAX_FLOAT32
    except OverflowError:
        return False


def read_stated(width: str, height: str) -> tuple[int, int] | None:
    """Return the size in pixels that two texts state, or None when they state none."""
    if not all(text.isascii() and text.isdecimal() and len(text) <= MAX_DIGITS for text in (width, height)):
        return None
    size = int(width), int(height)
    return size if all(0 < side < 2**31 for side in size) else None


def build_box_table(
    root: Path,
    pictures: Sequence[Picture],
    classes: ClassSpace,
    *,
    group_pattern: str | None = None,
    group_by: Sequence[str] | None = None,
    remarks: Sequence[Finding] = (),
    meta: Mapping[str, Any] | None = None,
) -> SampleTable:
    """Return the table of the images in path order; the labels of their boxes are class indices.

    The columns are `boxes` and `box_labels`, and `polygons`, `iscrowd`, `difficult`, `stated_width` and
    `stated_height` where there is such a thing. The image's own `label` is -1.

    Raises:
        DataError: no image, or a group pattern that does not fit.
    """
    if not pictures:
        raise DataError(f"{printable(root)}: no annotated images found.")
    pictures = sorted(pictures, key=lambda one: one.path)
    groups: Sequence[str | None] = [one.group for one in pictures]
    if group_pattern is not None:
        groups, _ = compile_pattern(group_pattern, group_by=group_by).match([escape_name(one.path) for one in pictures])
    extra = {
        "boxes": pa.array([one.boxes for one in pictures], BOXES),
        "box_labels": pa.array([one.labels for one in pictures], pa.list_(pa.int32())),
    }
    if any(outlines for one in pictures for outlines in one.polygons):
        extra["polygons"] = pa.array([one.polygons for one in pictures], POLYGONS)
    for name in ("iscrowd", "difficult"):
        if any(any(getattr(one, name)) for one in pictures):
            extra[name] = pa.array([getattr(one, name) for one in pictures], pa.list_(pa.bool_()))
    if any(one.stated for one in pictures):
        for axis, name in enumerate(("stated_width", "stated_height")):
            extra[name] = pa.array([one.stated[axis] if one.stated else None for one in pictures], pa.int32())
    return SampleTable.build(
        root=root,
        paths=[one.path for one in pictures],
        labels=[UNLABELLED] * len(pictures),
        classes=classes,
        splits=[one.split for one in pictures],
        groups=groups,
        task=DETECTION,
        extra=extra,
        remarks=remarks,
        meta=meta,
    )


def pictures_of(table: SampleTable) -> list[Picture]:
    """Return the rows of a detection table as images; boxes are plain floats that hold float32 values.

    An image whose boxes are not known (null) comes without any.
    """
    names = ("boxes", "box_labels", "polygons", "iscrowd", "difficult", "stated_width", "stated_height")
    nothing = [None] * len(table)
    given = [table.arrow.column(name).to_pylist() if name in table.arrow.column_names else nothing for name in names]
    pictures = []
    for row, (boxes, labels, polygons, iscrowd, difficult, width, height) in enumerate(zip(*given, strict=True)):
        count = len(boxes or ())
        pictures.append(
            Picture(
                path=table.relative_path(row),
                split=table.splits[row],
                group=table.arrow.column("group")[row].as_py(),
                stated=None if width is None or height is None else (width, height),
                boxes=[tuple(box) for box in boxes or ()],
                labels=labels or [],
                polygons=polygons or [[] for _ in range(count)],
                iscrowd=iscrowd or [False] * count,
                difficult=difficult or [False] * count,
            )
        )
    return pictures


def bounding_box(outlines: Sequence[Sequence[float]]) -> Box:
    """Return x1 y1 x2 y2 around outlines of the form x y x y ..."""
    x = [value for outline in outlines for value in outline[::2]]
    y = [value for outline in outlines for value in outline[1::2]]
    return min(x), min(y), max(x), max(y)


def shortest(value: float) -> float | int:
    """Return the number with the fewest digits that is the same float32; an int where it is whole."""
    short = float(str(np.float32(value)))
    return int(short) if short.is_integer() else short
