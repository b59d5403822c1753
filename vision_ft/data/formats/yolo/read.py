"""YOLO: a text file per image, a row a box 'class cx cy w h' or an outline 'class x y x y ...', and data.yaml."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import yaml

from vision_ft.data.boxes import Complaints, Picture, bounding_box, build_box_table, pictures_of
from vision_ft.data.formats.yolo.data_yaml import YoloSet, find_yaml, load_yaml
from vision_ft.data.images.decode import printable
from vision_ft.data.images.size import read_size
from vision_ft.data.labels import shorten
from vision_ft.data.names import escape_name
from vision_ft.data.placement import (
    Transfer,
    find_losses,
    not_held,
    open_target,
    place_pictures,
    require_format,
    short_names,
)
from vision_ft.data.table import SampleTable
from vision_ft.errors import DataError
from vision_ft.files import write_atomic
from vision_ft.types import ClassSpace, Finding

TOLERANCE = 0.01  # of the image's side; rounding of hand-made exports, which the audit then clips
DIGITS = 10  # written after the point; half a unit is far below a float32 pixel
HULL_PX = 0.5  # an outline stands for its box when it reaches the box's sides up to this
MAX_LABEL_BYTES = 16 * 2**20


def read(
    source: Path,
    *,
    group_pattern: str | None = None,
    group_by: Sequence[str] | None = None,
    on_bad: Literal["fail", "drop"] = "fail",
) -> SampleTable:
    """Read a folder with a data.yaml (or the file itself) into a detection table.

    The labels of images/x/a.jpg are in labels/x/a.txt, or beside the image; an image without a file has no boxes.
    Rows of five values are boxes, longer ones outlines whose bounding box is the box; where data.yaml has a
    `kpt_shape`, they are boxes and keypoints, which are dropped.

    Args:
        source: the folder or its data.yaml; it is only read.
        group_pattern: takes the group of each image from its path.
        group_by: fields of the pattern that make the group.
        on_bad: "drop" leaves out rows that cannot be read, "fail" refuses.

    Raises:
        DataError: data.yaml or a row that cannot be meant.
    """
    source = Path(source)
    file = find_yaml(source) if source.is_dir() else source
    if file is None:
        raise DataError(f"{printable(source)}: no data.yaml with names, train and val found.")
    listed = load_yaml(file)
    root = file.absolute().parent
    complaints = Complaints(source, on_bad)
    pictures, used, num_poses = [], set(), 0
    for split, paths in listed.pictures.items():
        for path in paths:
            labels = label_path(root, path)
            used.add(labels)
            picture = Picture(path, split)
            if (root / labels).is_file():
                num_poses += _read_labels(root, labels, picture, listed, complaints)
            pictures.append(picture)
    remarks = [*listed.remarks, *complaints.settle("Mend the rows"), *_orphans(root, used)]
    if listed.keypoints and num_poses:
        shape = list(listed.keypoints)
        detail = f"{file.name}: the keypoints (kpt_shape {shape}) of {num_poses} rows are dropped, not their boxes."
        remarks.append(Finding("info", "keypoints", "", detail))
    return build_box_table(
        root,
        pictures,
        ClassSpace(listed.names),
        group_pattern=group_pattern,
        group_by=group_by,
        remarks=remarks,
    )


def label_path(root: Path, picture: str) -> str:
    """Return the path of an image's labels: images/ becomes labels/ where such a folder is, else beside it."""
    stem = os.path.splitext(picture)[0]  # noqa: PTH122 - names are kept as plain text
    parts = stem.split("/")
    for position in range(len(parts) - 2, -1, -1):
        if parts[position] == "images":
            swapped = "/".join([*parts[:position], "labels", *parts[position + 1 :]]) + ".txt"
            beside = stem + ".txt"
            return beside if not (root / swapped).is_file() and (root / beside).is_file() else swapped
    return stem + ".txt"


def _read_labels(root: Path, labels: str, picture: Picture, listed: YoloSet, complaints: Complaints) -> int:
    """Add the rows of one label file to its image, and return how many of them have keypoints."""
    file = root / labels
    if file.stat().st_size > MAX_LABEL_BYTES:
        raise DataError(f"{printable(file)}: larger than {MAX_LABEL_BYTES >> 20} MiB, which no label file is.")
    text = file.read_bytes().decode("utf-8-sig", "replace")
    rows = [(number, line) for number, line in enumerate(text.splitlines(), start=1) if line.strip()]
    size = read_size(root / picture.path) if rows else None
    if size is None:
        return 0  # nothing to read, or the audit says why the image cannot be
    num_poses = 0
    for number, line in rows:
        where = f"{printable(labels)} line {number}"
        try:
            label, values = parse_row(line, num_classes=len(listed.names), keypoints=listed.keypoints)
        except ValueError as err:
            complaints.add(picture.path, where, str(err))
            continue
        width, height = size
        if len(values) == 4:
            cx, cy, w, h = values[0] * width, values[1] * height, values[2] * width, values[3] * height
            picture.add((cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2), label)
        else:
            outline = [value * (height if index % 2 else width) for index, value in enumerate(values)]
            picture.add(bounding_box([outline]), label, polygons=[outline])
        num_poses += listed.keypoints is not None and len(line.split()) > 5
    return num_poses


def parse_row(line: str, *, num_classes: int, keypoints: tuple[int, int] | None = None) -> tuple[int, list[float]]:
    """Read a row: the class, and 4 fractions cx cy w h or at least 6 of an outline.

    With the shape of `keypoints`, a longer row is a box and as many values, which are left out.

    Raises:
        ValueError: what is wrong with the row.
    """
    parts = line.split()
    if len(parts) == 1 and "," in line:
        raise ValueError(f"values are separated by commas in {line.strip()!r:.60}; YOLO rows have spaces")
    if keypoints:
        number, each = keypoints
        if len(parts) not in (5, 5 + number * each):
            raise ValueError(
                f"expected 'class cx cy w h' and {number} x {each} values of keypoints, got {len(parts)} values"
            )
        parts = parts[:5]  # keypoints may lie anywhere, and the 2 of a visible one is no fraction
    if len(parts) != 5 and (len(parts) < 7 or len(parts) % 2 == 0):
        raise ValueError(f"expected 'class cx cy w h' or 'class' and at least 3 pairs x y, got {len(parts)} values")
    try:
        label, values = float(parts[0]), [float(part) for part in parts[1:]]
    except ValueError as err:
        raise ValueError(f"expected numbers, got {line.strip()!r:.60}") from err
    if not 0 <= label < num_classes or label != int(label):
        raise ValueError(f"class {parts[0]:.40}, but data.yaml names 0..{num_classes - 1}")
    wrong = [part for part, value in zip(parts[1:], values, strict=True) if not -TOLERANCE <= value <= 1 + TOLERANCE]
    if wrong:
        large = any(value > 2 for value in values)
        hint = " (pixels? expected are fractions 0..1 of the image's size)" if large else ""
        raise ValueError(f"the values {shorten(wrong)} are outside 0..1{hint}")
    return int(label), values


def _orphans(root: Path, used: set[str]) -> list[Finding]:
    """Return a warning about label files whose image is absent, in the folders that hold labels."""
    folders = sorted({path.rpartition("/")[0] for path in used} or {"labels"})
    orphans: set[str] = set()
    for folder in folders:
        inside = sorted((root / folder).glob("*.txt")) if (root / folder).is_dir() else []
        orphans |= {os.path.relpath(file, root) for file in inside if file.name != "classes.txt"} - used
    lists = {path for path in orphans if "/" not in path}  # train.txt and the like beside data.yaml
    orphans -= lists if any("/" in path for path in used) else set()
    if not orphans:
        return []
    shown = shorten([escape_name(path) for path in sorted(orphans)])
    return [Finding("warning", "orphan-labels", "", f"{len(orphans)} label files have no image: {shown}.")]


def write(table: SampleTable, root: Path, *, transfer: Transfer = "copy") -> list[Finding]:
    """Write images/<split>/, labels/<split>/ and data.yaml into a new folder; return what could not be held.

    Outlines are written where every object has one of its own, since programs that read YOLO take all rows alike.

    Raises:
        DataError: the table holds no boxes, an image cannot be read, or the folder holds something.
    """
    require_format(table, "yolo", name="YOLO")
    root = open_target(root)
    pictures = pictures_of(table)
    outlined = _all_outlined(pictures)
    names = [f"{one.split or 'train'}/{name}" for one, name in zip(pictures, short_names(table), strict=True)]
    place_pictures(table, root / "images", names, transfer=transfer)
    outside = resized = 0
    for row, (picture, name) in enumerate(zip(pictures, names, strict=True)):
        size = read_size(table.path(row))
        if size is None:
            raise DataError(f"{printable(table.path(row))}: its size cannot be read. Run vision-ft audit.")
        stem = os.path.splitext(name)[0]  # noqa: PTH122 - names are kept as plain text
        resized += picture.stated not in (None, size)
        outside += sum(min(box[:2]) < 0 or box[2] > size[0] or box[3] > size[1] for box in picture.boxes)
        lines = _rows(picture, size, outlined=outlined)
        write_atomic(root / "labels" / f"{stem}.txt", "".join(lines).encode())
    splits = [split for split in ("train", "val", "test") if any(name.startswith(f"{split}/") for name in names)]
    content = {split: f"images/{split}" for split in splits} | {"names": dict(enumerate(table.classes.names))}
    write_atomic(root / "data.yaml", yaml.safe_dump(content, sort_keys=False, allow_unicode=True).encode())
    held = ("classes", *(["polygons"] if outlined else []))
    losses = [not_held(f"boxes that leave their image: {outside} are clipped")] if outside else []
    losses += [not_held(f"image sizes that are not those of the files: {resized}")] if resized else []
    return [*find_losses(table, held=held), *_moved_boxes(pictures, outlined=outlined), *losses]


def _all_outlined(pictures: Sequence[Picture]) -> bool:
    """Whether every object has one outline that spans its box."""
    objects = [pair for one in pictures for pair in zip(one.boxes, one.polygons, strict=True)]
    return bool(objects) and all(
        len(outlines) == 1 and all(abs(a - b) <= HULL_PX for a, b in zip(bounding_box(outlines), box, strict=True))
        for box, outlines in objects
    )


def _moved_boxes(pictures: Sequence[Picture], *, outlined: bool) -> list[Finding]:
    """Say how far boxes move because their outline stands for them."""
    if not outlined:
        return []
    objects = [pair for one in pictures for pair in zip(one.boxes, one.polygons, strict=True)]
    moved = max(abs(a - b) for box, outlines in objects for a, b in zip(bounding_box(outlines), box, strict=True))
    return [not_held(f"boxes apart from their outlines: they move by up to {moved:.2g} px")] if moved > 1e-3 else []


def _rows(picture: Picture, size: tuple[int, int], *, outlined: bool) -> list[str]:
    """Return the lines of an image's label file."""
    width, height = size
    lines = []
    for box, label, outlines in zip(picture.boxes, picture.labels, picture.polygons, strict=True):
        if outlined:
            values = [_clip(value, size[index % 2]) / size[index % 2] for index, value in enumerate(outlines[0])]
        else:
            x1, y1, x2, y2 = (_clip(value, size[index % 2]) for index, value in enumerate(box))
            values = [(x1 + x2) / 2 / width, (y1 + y2) / 2 / height, (x2 - x1) / width, (y2 - y1) / height]
        lines.append(f"{label} {' '.join(f'{value:.{DIGITS}f}'.rstrip('0').rstrip('.') for value in values)}\n")
    return lines


def _clip(value: float, limit: int) -> float:
    return min(max(value, 0.0), float(limit))
