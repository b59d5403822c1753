"""Read regions from a file: our JSON, a list of rectangles, PKLot's XML or COCO's JSON, told apart by content."""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

from vision_ft.data.formats.coco.files import OUTLINES
from vision_ft.data.reading.safe_xml import parse_xml
from vision_ft.errors import DataError
from vision_ft.feed.regions import MIN_POINTS, Point, Region, RegionSet, check_regions

MAX_BYTES = 64 * 2**20  # far above any real list; guards the memory
PKLOT_STATES = {"0": "empty", "1": "occupied"}


def read_regions(path: str | Path, *, picture: str | None = None) -> RegionSet:
    """Read and check the regions of a file.

    Four kinds are known by what they hold: {"frame_size": [w, h], "regions": [{"name", "points"}]};
    {"frame_size", "space_size": [w, h], "spaces_xy": [[x, y], ...]} (rectangles by their upper left corner);
    PKLot's XML (Almeida et al. 2015, doi:10.1016/j.eswa.2015.02.009) with a contour for each space; COCO's JSON with
    polygons.

    Args:
        path: the file.
        picture: file name of the image whose regions are wanted, for COCO files of several images.

    Raises:
        DataError: the file cannot be read, is of no known kind, or a region in it cannot be used.
    """
    path = Path(path)
    try:
        if path.stat().st_size > MAX_BYTES:
            raise DataError(f"{path}: larger than {MAX_BYTES >> 20} MiB, which no list of regions is.")
        data = path.read_bytes()
    except OSError as err:
        raise DataError(f"{path}: the regions cannot be read ({err.strerror or err}).") from err
    if data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        return check_regions(_read_pklot(data, str(path)))
    try:
        content = json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError) as err:
        raise DataError(f"{path}: neither XML nor JSON ({err}). Give a file of regions, see docs/feed.md.") from err
    return check_regions(_read_json(content, str(path), picture))


def _read_json(content: Any, source: str, picture: str | None) -> RegionSet:
    keys = set(content) if isinstance(content, dict) else set()
    try:
        if "regions" in keys:
            return _read_own(content, source)
        if "spaces_xy" in keys:
            return _read_rectangles(content, source)
        if {"images", "annotations"} <= keys:
            return _read_coco(content, source, picture)
    except (KeyError, TypeError, ValueError, IndexError, OverflowError) as err:
        raise DataError(f"{source}: an entry is not as expected ({type(err).__name__}: {err}).") from err
    raise DataError(
        f'{source}: holds no known kind of regions, but the keys {sorted(map(str, keys))}. Allowed: "regions", '
        '"spaces_xy" with "space_size", or COCO\'s "images" and "annotations".'
    )


def _read_own(content: Mapping[str, Any], source: str) -> RegionSet:
    regions = []
    for number, row in enumerate(content["regions"], start=1):
        if not isinstance(row, dict) or "points" not in row:
            raise DataError(
                f'{source}: region {number} has no "points". Write {{"name": "A1", "points": [[x, y], ...]}}.'
            )
        state = row.get("state")
        points = tuple(_point(pair, f"{source}: region {number}") for pair in row["points"])
        regions.append(Region(str(row.get("name", number)), points, None if state is None else str(state)))
    return RegionSet(tuple(regions), _frame_size(content, source), source)


def _read_rectangles(content: Mapping[str, Any], source: str) -> RegionSet:
    if "space_size" not in content:
        raise DataError(f'{source}: "spaces_xy" without "space_size": [width, height].')
    width, height = _point(content["space_size"], f"{source}: space_size")
    regions = []
    for number, pair in enumerate(content["spaces_xy"], start=1):
        x, y = _point(pair, f"{source}: space {number}")
        regions.append(Region(str(number), ((x, y), (x + width, y), (x + width, y + height), (x, y + height))))
    return RegionSet(tuple(regions), _frame_size(content, source), source)


def _read_coco(content: Mapping[str, Any], source: str, picture: str | None) -> RegionSet:
    image = _coco_image(content["images"], source, picture)
    states = {row["id"]: str(row["name"]) for row in content.get("categories", ())}
    regions: list[Region] = []
    for row in content["annotations"]:
        if row["image_id"] != image["id"]:
            continue
        outline = row.get(OUTLINES)
        if not isinstance(outline, list) or len(outline) != 1:
            raise DataError(
                f"{source}: annotation {row.get('id')} has no single polygon as its segmentation. Masks and polygons "
                "of several parts are not regions."
            )
        values = [float(value) for value in outline[0]]
        points = tuple(zip(values[::2], values[1::2], strict=True))
        regions.append(Region(str(len(regions) + 1), points, states.get(row.get("category_id"))))
    return RegionSet(tuple(regions), (int(image["width"]), int(image["height"])), f"{source}, {image['file_name']}")


def _coco_image(images: list[dict[str, Any]], source: str, picture: str | None) -> dict[str, Any]:
    named = [image for image in images if picture is None or Path(image["file_name"]).name == Path(picture).name]
    if len(images) == 1 and not named:
        named = images  # regions of one image serve the whole camera
    if len(named) == 1:
        return named[0]
    wanted = "and none was asked for" if picture is None else f'of which {len(named)} are named "{Path(picture).name}"'
    raise DataError(
        f"{source}: holds the regions of {len(images)} images, {wanted}. Give a file with the regions of this "
        "camera, or an image whose name is in it."
    )


def _frame_size(content: Mapping[str, Any], source: str) -> tuple[int, int] | None:
    if content.get("frame_size") is None:
        return None
    width, height = _point(content["frame_size"], f"{source}: frame_size")
    if min(width, height) < 1:
        raise DataError(f"{source}: frame_size is {width:g} x {height:g}; both must be at least 1 pixel.")
    return int(width), int(height)


def _point(pair: Any, where: str) -> Point:
    good = isinstance(pair, list | tuple) and len(pair) == 2
    if not good or any(isinstance(value, bool) or not isinstance(value, int | float) for value in pair):
        raise DataError(f"{where}: expected a pair of numbers, got {str(pair)[:60]!r}.")
    return float(pair[0]), float(pair[1])


def _read_pklot(data: bytes, source: str) -> RegionSet:
    root = parse_xml(data, source)
    regions = []
    for number, space in enumerate(root.iter("space"), start=1):
        name = space.get("id", str(number))
        contour = [(node.get("x"), node.get("y")) for node in space.iterfind("contour/point")]
        contour = contour or [(node.get("x"), node.get("y")) for node in space.iterfind("contour/Point")]
        try:
            points = tuple((float(x or "?"), float(y or "?")) for x, y in contour)
        except ValueError as err:
            raise DataError(f'{source}: space "{name}" has a corner without numbers x and y ({err}).') from err
        points = _without_repeats(points)
        if len(points) < MIN_POINTS:
            raise DataError(f'{source}: space "{name}" has {len(contour)} corners; at least {MIN_POINTS} are needed.')
        regions.append(Region(name, points, PKLOT_STATES.get(space.get("occupied", ""))))
    return RegionSet(tuple(regions), None, source)


def _without_repeats(points: tuple[Point, ...]) -> tuple[Point, ...]:
    """Drop a corner that repeats the one before it, as hand-drawn contours do at their end."""
    kept = [second for first, second in pairwise([*points[-1:], *points]) if first != second]
    return tuple(kept)
