"""The audit of boxes: outside, crossed, without area, doubled, of the wrong size; and twins without labels.

A bad box is an error that stops training; with `on_bad=drop` the box goes and its image stays. What can be mended
without a guess is mended and said: boxes are clipped to the image, the second of two equal boxes is left out.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa

from vision_ft.data.audit.presence import check_presence
from vision_ft.data.boxes import BOXES, POLYGONS, Box, Picture, pictures_of
from vision_ft.data.strata import holds_boxes
from vision_ft.data.table import SampleTable
from vision_ft.types import Finding

BOX_ERRORS = frozenset({"box-crossed", "box-degenerate", "box-outside"})  # the box goes, not the image
ROUNDING_PX = 1.0  # a box that leaves the image by less was rounded, or counted from 1
FRACTION_PX = 1.5  # when no side of any box is longer, the values are fractions of the image's size
MAX_POINTS = 1500  # of an outline; every pair of its edges is looked at


def scan_boxes(table: SampleTable, *, workers: int = 1) -> tuple[SampleTable, list[Finding]]:
    """Look at every box, and return the table with only usable boxes, clipped to their images, and the findings.

    The table needs the columns `width` and `height` of the scan; boxes of images that could not be read stay.
    """
    del workers  # boxes are in the table already: there is no file to wait for
    findings: list[Finding] = []
    pictures = pictures_of(table)
    widths, heights = (table.arrow.column(name).to_pylist() for name in ("width", "height"))
    findings += _find_fractions(pictures)
    for picture, width, height in zip(pictures, widths, heights, strict=True):
        if width is not None and height is not None:
            findings += _mend(picture, (width, height))
    known = table.arrow.column("boxes").is_valid().to_pylist()
    empty = sum(not picture.boxes for picture, is_known in zip(pictures, known, strict=True) if is_known)
    if empty:
        findings.append(Finding("info", "no-boxes", "", f"{empty} images have no boxes and count as background."))
    findings += _find_missing_outlines(pictures)
    columns = {"boxes": BOXES, "box_labels": pa.list_(pa.int32()), "polygons": POLYGONS}
    columns |= {"iscrowd": pa.list_(pa.bool_()), "difficult": pa.list_(pa.bool_())}
    for name, kind in columns.items():
        if name in table.arrow.column_names:
            attribute = "labels" if name == "box_labels" else name
            values = [
                getattr(one, attribute) if is_known else None for one, is_known in zip(pictures, known, strict=True)
            ]
            table = table.with_column(name, pa.array(values, kind))
    return table, findings


def check_boxes(table: SampleTable) -> Iterator[Finding]:
    """Find classes without boxes, and images without boxes that look like images with some."""
    labels = table.arrow.column("box_labels").to_pylist()
    yield from check_presence(table, holds_boxes(table), what="box")
    for name in ("hash", "cluster"):
        if name in table.arrow.column_names:
            yield from _unlabelled_twins(table, table.arrow.column(name).to_pylist(), labels, exact=name == "hash")


def _unlabelled_twins(
    table: SampleTable, keys: Sequence[object], labels: Sequence[Sequence[int] | None], *, exact: bool
) -> Iterator[Finding]:
    """Yield a warning for each image without boxes that equals, or resembles, one with boxes.

    An image whose boxes are not known (None) is no such image.
    """
    rows_by_key: dict[object, list[int]] = defaultdict(list)
    for row, key in enumerate(keys):
        if key not in (None, ""):
            rows_by_key[key].append(row)
    hashes = table.arrow.column("hash").to_pylist() if "hash" in table.arrow.column_names else keys
    for rows in rows_by_key.values():
        full = next((row for row in rows if labels[row]), None)
        for row in rows if full is not None else ():
            if labels[row] is None or labels[row] or full is None or (not exact and hashes[row] == hashes[full]):
                continue
            how = "has the same content" if exact else "looks nearly the same"
            twin, count = table.relative_path(full), len(labels[full] or ())
            detail = f"has no boxes, but {twin} {how} and has {count}: not labelled yet?"
            yield Finding("warning", "unlabelled-twin", table.relative_path(row), detail)


def _find_missing_outlines(pictures: Sequence[Picture]) -> list[Finding]:
    """Say that some boxes have an outline and others none; crowds need none."""
    pairs = [pair for one in pictures for pair in zip(one.polygons, one.iscrowd, strict=True)]
    missing = sum(not outlines and not crowd for outlines, crowd in pairs)
    if not missing or not any(outlines for outlines, _ in pairs):
        return []
    detail = f"{missing} of {len(pairs)} boxes have no outline, the others have; masks cannot be drawn of them."
    return [Finding("warning", "missing-outline", "", detail)]


def _find_fractions(pictures: Sequence[Picture]) -> list[Finding]:
    """Say that all boxes look like fractions of the image's size."""
    boxes = np.array([box for picture in pictures for box in picture.boxes], dtype=np.float64).reshape(-1, 4)
    if not len(boxes) or np.abs(boxes).max() > FRACTION_PX:
        return []
    detail = f"all {len(boxes)} boxes lie within {FRACTION_PX} px of the corner: normalised? Pixels are expected."
    return [Finding("warning", "boxes-normalised", "", detail)]


def _mend(picture: Picture, size: tuple[int, int]) -> list[Finding]:
    """Remove the bad and doubled boxes of an image, clip the others, and return what was found."""
    found: list[Finding] = []
    if picture.stated is not None and picture.stated != size:
        found.append(_describe_size(picture, size))
    keep: list[int] = []
    clipped: list[float] = []
    seen: Counter[tuple[Box, int]] = Counter()
    for row, (box, label) in enumerate(zip(picture.boxes, picture.labels, strict=True)):
        kind, detail = _judge(box, size)
        if kind:
            found.append(Finding("error", kind, picture.path, f"box {row + 1} {_say(box)} {detail}"))
            continue
        seen[box, label] += 1
        if seen[box, label] > 1:
            continue
        overhang = max(-box[0], -box[1], box[2] - size[0], box[3] - size[1])
        if overhang > 0:
            clipped.append(overhang)
        keep.append(row)
        picture.boxes[row] = (max(box[0], 0.0), max(box[1], 0.0), min(box[2], size[0]), min(box[3], size[1]))
    found += _describe_mended(picture, clipped, doubled=sum(seen.values()) - len(seen))
    crossed = sum(crosses_itself(outline) for row in keep for outline in picture.polygons[row])
    if crossed:
        found.append(Finding("warning", "polygon-crossed", picture.path, f"{crossed} outlines cross themselves."))
    for name in ("boxes", "labels", "polygons", "iscrowd", "difficult"):
        values = getattr(picture, name)
        setattr(picture, name, [values[row] for row in keep])
    return found


def _judge(box: Box, size: tuple[int, int]) -> tuple[str, str]:
    """Return (kind, sentence) of what makes a box unusable, or two empty texts."""
    x1, y1, x2, y2 = box
    if x1 > x2 or y1 > y2:
        return "box-crossed", "has its corners crossed: x2 must exceed x1, and y2 y1."
    if x1 == x2 or y1 == y2:
        return "box-degenerate", "has no area."
    if x2 <= 0 or y2 <= 0 or x1 >= size[0] or y1 >= size[1]:
        return "box-outside", f"lies outside the image of {size[0]} x {size[1]} px."
    return "", ""


def _describe_size(picture: Picture, size: tuple[int, int]) -> Finding:
    """Return the finding that the annotation states another size than the file's."""
    assert picture.stated is not None, picture
    turned = " The sides are swapped: was the image turned (EXIF)?" if picture.stated == size[::-1] else ""
    detail = (
        f"the annotation is for {picture.stated[0]} x {picture.stated[1]} px, the file has {size[0]} x {size[1]}; "
        f"boxes may be misplaced.{turned}"
    )
    return Finding("warning", "size-mismatch", picture.path, detail)


def _describe_mended(picture: Picture, clipped: Sequence[float], *, doubled: int) -> Iterator[Finding]:
    """Yield what was clipped and left out."""
    if clipped:
        level = "warning" if max(clipped) > ROUNDING_PX else "info"
        detail = f"{len(clipped)} boxes leave the image by up to {max(clipped):.3g} px; clipped."
        yield Finding("warning" if level == "warning" else "info", "box-partly-outside", picture.path, detail)
    if doubled:
        detail = f"{doubled} boxes repeat another one with its class; left out."
        yield Finding("warning", "box-duplicate", picture.path, detail)


def _say(box: Box) -> str:
    return "(" + ", ".join(f"{value:g}" for value in box) + ")"


def crosses_itself(outline: Sequence[float]) -> bool:
    """Whether two edges of an outline x y x y ... cross at a point inside both."""
    points = np.asarray(outline, dtype=np.float64).reshape(-1, 2)
    if not 4 <= len(points) <= MAX_POINTS:
        return False
    start, end = points, np.roll(points, -1, axis=0)

    def side(of: np.ndarray) -> np.ndarray:
        """Return on which side of edge i (rows) point j of `of` (columns) lies."""
        along, to = (end - start)[:, None], of[None] - start[:, None]
        return np.sign(along[..., 0] * to[..., 1] - along[..., 1] * to[..., 0])

    apart = side(start) * side(end) < 0  # the ends of edge j lie on both sides of edge i
    return bool((apart & apart.T).any())
