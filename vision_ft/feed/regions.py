"""Regions of a camera's frame: named polygons in pixels, checked before anything is predicted."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from vision_ft.errors import DataError
from vision_ft.files import write_json

Point = tuple[float, float]

MIN_POINTS = 4  # a space has four corners; three leave its perspective open
MAX_POINTS = 1000  # the test for crossing edges compares all pairs
MIN_SIDE_PX = 2.0  # real lots have spaces of 3 to 4 pixels in their far rows; less is a slip of the mouse
BORDER_PX = 1.0  # tools round a corner on the border outwards
SHOWN = 5  # names listed in a message


@dataclass(frozen=True)
class Region:
    """One place of the frame that has a state, such as a parking space.

    Attributes:
        name: what the tables call it; unique within a camera.
        points: 4 or more (x, y) in pixels of the frame, in order around the region; x to the right, y down, (0, 0) the
            upper left corner of the frame.
        state: state that the file of regions states, where it does (PKLot, COCO); never used to predict.
    """

    name: str
    points: tuple[Point, ...]
    state: str | None = None


@dataclass(frozen=True)
class RegionSet:
    """All regions of one camera.

    Attributes:
        regions: at least one.
        frame_size: (width, height) in pixels of the frame that they were drawn on; None when the file does not say.
        source: where they come from, for messages.
    """

    regions: tuple[Region, ...]
    frame_size: tuple[int, int] | None = None
    source: str = "regions"

    def __len__(self) -> int:
        return len(self.regions)


def check_regions(found: RegionSet) -> RegionSet:
    """Return the regions when each is a usable polygon of its own.

    Raises:
        DataError: there is none, two share a name or a place, or a polygon has too few points, crosses itself, bends
            inwards (4 points) or is too small.
    """
    if not found.regions:
        raise DataError(f"{found.source}: holds no region. Give at least one polygon of {MIN_POINTS} points.")
    for region in found.regions:
        _check_polygon(region, found.source)
    names = Counter(region.name for region in found.regions)
    doubled = [name for name, count in names.items() if count > 1]
    if doubled:
        raise DataError(f"{found.source}: {_listed(doubled)} named more than once. Give each region a name of its own.")
    name_by_place: dict[frozenset[Point], str] = {}
    for region in found.regions:
        other = name_by_place.setdefault(frozenset(region.points), region.name)
        if other != region.name:
            raise DataError(
                f'{found.source}: regions "{other}" and "{region.name}" have the same corners. Remove one of them.'
            )
    return found


def check_frame(found: RegionSet, size: tuple[int, int]) -> None:
    """Make sure that the regions belong to frames of this (width, height) in pixels.

    Raises:
        DataError: the regions were drawn on frames of another size, or a region leaves the frame.
    """
    width, height = size
    if found.frame_size is not None and found.frame_size != size:
        raise DataError(
            f"{found.source}: the regions were drawn on frames of {_size(found.frame_size)} pixels, these frames have "
            f"{_size(size)}. If the camera did not move, scale them: vision_ft.feed.regions.scale_regions(regions, "
            f"({width}, {height})), then write_regions."
        )
    outside = [region for region in found.regions if not _fits(region, size)]
    if outside:
        corner = next(point for point in outside[0].points if not _is_inside(point, size))
        raise DataError(
            f"{found.source}: {_listed([region.name for region in outside])} outside the frame of {_size(size)} "
            f'pixels: "{outside[0].name}" has a corner at ({corner[0]:g}, {corner[1]:g}). Draw it again, or '
            "scale all regions if they were drawn on frames of another size (vision_ft.feed.regions.scale_regions)."
        )


def scale_regions(found: RegionSet, size: tuple[int, int], *, drawn_on: tuple[int, int] | None = None) -> RegionSet:
    """Return the regions for frames of another size from the same camera.

    Args:
        found: the regions.
        size: (width, height) in pixels of the new frames.
        drawn_on: (width, height) of the frames that they were drawn on, where the file does not say.

    Raises:
        DataError: that size is not known, or the two sizes have other proportions (another crop, not another scale).
    """
    old = found.frame_size or drawn_on
    if old is None:
        raise DataError(
            f"{found.source}: does not say which frame size its regions were drawn on. Give drawn_on=(width, height)."
        )
    ratio_x, ratio_y = size[0] / old[0], size[1] / old[1]
    if abs(ratio_x / ratio_y - 1) > 0.01:
        raise DataError(
            f"{found.source}: {_size(old)} and {_size(size)} pixels have other proportions: the image was cropped or "
            "stretched, not only scaled. Draw the regions again."
        )
    moved = [
        replace(region, points=tuple((x * ratio_x, y * ratio_y) for x, y in region.points)) for region in found.regions
    ]
    return replace(found, regions=tuple(moved), frame_size=size)


def write_regions(path: str | Path, found: RegionSet) -> None:
    """Write regions as JSON: {"frame_size": [w, h], "regions": [{"name": ..., "points": [[x, y], ...]}]}."""
    rows = []
    for region in found.regions:
        row: dict[str, object] = {"name": region.name, "points": [[x, y] for x, y in region.points]}
        rows.append(row if region.state is None else row | {"state": region.state})
    size = {} if found.frame_size is None else {"frame_size": list(found.frame_size)}
    write_json(path, {**size, "regions": rows})


def _check_polygon(region: Region, source: str) -> None:
    where, points = f'{source}: region "{region.name}"', region.points
    if not MIN_POINTS <= len(points) <= MAX_POINTS:
        raise DataError(f"{where} has {len(points)} points; allowed are {MIN_POINTS} to {MAX_POINTS}.")
    if not all(math.isfinite(value) for point in points for value in point):
        raise DataError(f"{where} has a corner that is not a number. Give finite pixel positions.")
    if len(set(points)) < len(points):
        raise DataError(f"{where} names a corner twice. List each corner once; the last joins the first by itself.")
    if _crosses_itself(points):
        raise DataError(f"{where} crosses itself. List its corners in order around the region.")
    if len(points) == 4 and not _is_convex(points):
        raise DataError(f"{where} bends inwards, so no perspective straightens it. Move the corner that lies inside.")
    area = abs(sum(_cross((0.0, 0.0), a, b) for a, b in _edges(points))) / 2
    shortest = min(math.dist(a, b) for a, b in _edges(points))
    if area < MIN_SIDE_PX**2 or (len(points) == 4 and shortest < MIN_SIDE_PX):
        raise DataError(
            f"{where} covers {area:.3g} square pixels and has a side of {shortest:.3g} pixels, which is too small. "
            f"Allowed are sides of {MIN_SIDE_PX:g} pixels and more."
        )


def _edges(points: Sequence[Point]) -> list[tuple[Point, Point]]:
    return list(zip(points, [*points[1:], points[0]], strict=True))


def _cross(origin: Point, a: Point, b: Point) -> float:
    """Twice the signed area of a triangle; positive when b is clockwise of a (y points down)."""
    return (a[0] - origin[0]) * (b[1] - origin[1]) - (a[1] - origin[1]) * (b[0] - origin[0])


def _is_convex(points: Sequence[Point]) -> bool:
    following = [*points[1:], *points[:2]]
    turns = [_cross(point, following[i], following[i + 1]) for i, point in enumerate(points)]
    return all(turn > 0 for turn in turns) or all(turn < 0 for turn in turns)


def _crosses_itself(points: Sequence[Point]) -> bool:
    edges = _edges(points)
    for i, (a, b) in enumerate(edges):
        for c, d in edges[i + 2 : len(edges) - (i == 0)]:  # neighbours share a corner, which is no crossing
            if _cross(a, b, c) * _cross(a, b, d) < 0 and _cross(c, d, a) * _cross(c, d, b) < 0:
                return True
    return False


def _is_inside(point: Point, size: tuple[int, int]) -> bool:
    return all(-BORDER_PX <= value <= side + BORDER_PX for value, side in zip(point, size, strict=True))


def _fits(region: Region, size: tuple[int, int]) -> bool:
    return all(_is_inside(point, size) for point in region.points)


def _size(size: tuple[int, int]) -> str:
    return f"{size[0]} x {size[1]}"


def _listed(names: Sequence[str]) -> str:
    """Return 'region "a" is' or '7 regions ("a", "b", ...) are'."""
    if len(names) == 1:
        return f'region "{names[0]}" is'
    shown = ", ".join(f'"{name}"' for name in names[:SHOWN])
    return f"{len(names)} regions ({shown}{', ...' if len(names) > SHOWN else ''}) are"
