"""A CSV of boxes: path,x1,y1,x2,y2,label[,split][,group], a row a box; an empty box is an image without any."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from vision_ft.data.boxes import Complaints, Picture, build_box_table, find_flaw, pictures_of, read_stated, shortest
from vision_ft.data.images.decode import printable
from vision_ft.data.labels import build_class_space, shorten
from vision_ft.data.names import escape_name
from vision_ft.data.placement import Transfer, find_losses, open_target, place_pictures, require_format, short_names
from vision_ft.data.reading.csv_text import read_csv_text
from vision_ft.data.reading.index import Index, checked_splits, is_regular, relative_paths
from vision_ft.data.reading.labels import check_names
from vision_ft.data.table import SampleTable
from vision_ft.errors import DataError, did_you_mean
from vision_ft.files import write_atomic
from vision_ft.types import Finding

SIDES = ("x1", "y1", "x2", "y2")
# column -> the names that other programs write
ALIASES = {
    "path": ("filename", "file_name", "image", "image_path", "file"),
    "label": ("class", "class_name", "category", "name"),
    "x1": ("xmin",),
    "y1": ("ymin",),
    "x2": ("xmax",),
    "y2": ("ymax",),
    "width": (),
    "height": (),
    "split": (),
    "group": (),
    "difficult": (),
    "iscrowd": (),
}
NEEDED = ("path", *SIDES, "label")


def has_box_columns(header: Sequence[str]) -> bool:
    """Whether the columns of a CSV file hold boxes."""
    names = {name.strip().lower() for name in header}
    return all(names & {column, *ALIASES[column]} for column in SIDES)


def read(
    source: Path,
    *,
    root: Path | None = None,
    group_pattern: str | None = None,
    group_by: Sequence[str] | None = None,
    on_bad: Literal["fail", "drop"] = "fail",
) -> SampleTable:
    """Read a CSV of boxes into a detection table; every error names the lines.

    Columns are path, x1, y1, x2, y2 (pixels) and label, or filename, xmin, ymin, xmax, ymax and class; width and height
    (of the image), split, group, difficult and iscrowd may be there. Classes are ordered as text.

    Args:
        source: the file: UTF-8 or UTF-16, separated by comma, semicolon or tab.
        root: folder that the paths start from, which none may leave; the folder of the file when absent.
        group_pattern: takes the group of each image from its path instead of a column.
        group_by: fields of the pattern that make the group.
        on_bad: "drop" leaves out rows that cannot be read, "fail" refuses.

    Raises:
        DataError: anything in the file that cannot be meant.
    """
    file = Path(source)
    index = Index(file, Path(root).absolute() if root is not None else file.absolute().parent, read_csv_text(file))
    columns = _find_columns(index)
    paths = relative_paths(index, columns["path"] or [])
    splits = checked_splits(index, columns["split"])
    check_names(index, list(enumerate(columns["label"] or [])))
    complaints = Complaints(file, on_bad)
    pictures: dict[str, Picture] = {}
    absent: set[str] = set()
    for row, path in enumerate(paths):
        where = f"line {index.text.lines[row]}"
        if path not in pictures and path not in absent and not is_regular(f"{index.root}/{path}"):
            absent.add(path)
            complaints.add(path, where, f"{printable(path)}: no such file, or not a regular one")
        if path in absent:
            continue
        cells = {name: values[row] if values else "" for name, values in columns.items()}
        _read_row(cells, splits[row] if splits else None, pictures, path, where, complaints)
    remarks = complaints.settle("Mend the rows")
    found = list(pictures.values())
    objects = [(name, one.split) for one in found for name in one.labels]
    classes, _ = build_class_space(
        [name for name, _ in objects], [split for _, split in objects] if splits else None, where=printable(file)
    )
    for one in found:
        one.labels = classes.index_of(one.labels, where=printable(file))
    return build_box_table(index.root, found, classes, group_pattern=group_pattern, group_by=group_by, remarks=remarks)


def _find_columns(index: Index) -> dict[str, list[str] | None]:
    """Return column -> its cells, None for one that is absent."""
    by_lower = {name.lower(): name for name in index.text.header}
    found = {}
    for column, aliases in ALIASES.items():
        name = next((by_lower[one] for one in (column, *aliases) if one in by_lower), None)
        if name is None and column in NEEDED:
            raise DataError(
                f"{printable(index.file)} line 1: no column {column!r}; found are {index.text.header}."
                f"{did_you_mean(column, index.text.header)} Expected are path,x1,y1,x2,y2,label[,split][,group]."
            )
        found[column] = index.column(name)
    return found


def _read_row(
    cells: dict[str, str],
    split: str | None,
    pictures: dict[str, Picture],
    path: str,
    where: str,
    complaints: Complaints,
) -> None:
    """Add the box of a row to its image."""
    stated = read_stated(cells["width"], cells["height"])
    known = pictures.setdefault(path, Picture(path, split, escape_name(cells["group"]) or None, stated))
    if known.split != split:
        names = known.split, split
        raise DataError(
            f"{printable(complaints.source)} {where}: {printable(path)} is in {names[1]}, on an earlier line in "
            f"{names[0]} (leak between splits)."
        )
    texts = [cells[side] for side in SIDES]
    if not any(texts) and not cells["label"]:
        return
    try:
        values: Any = [float(text) for text in texts]
    except ValueError:
        complaints.add(path, where, f"box {shorten(texts)}: expected 4 numbers")
        return
    flaw = find_flaw(values)
    if flaw or not cells["label"]:
        complaints.add(path, where, f"box {shorten(texts)}: {flaw}" if flaw else "no label")
        return
    iscrowd, difficult = (cells[name].lower() in ("1", "true") for name in ("iscrowd", "difficult"))
    box = (values[0], values[1], values[2], values[3])
    known.add(box, cells["label"], iscrowd=iscrowd, difficult=difficult)


def write(table: SampleTable, root: Path, *, transfer: Transfer = "copy") -> list[Finding]:
    """Write images/ and boxes.csv into a new folder; return what could not be held.

    Raises:
        DataError: the table holds no boxes, or the folder holds something.
    """
    require_format(table, "boxes_csv", name="a CSV of boxes")
    root, names = open_target(root), short_names(table)
    place_pictures(table, root / "images", names, transfer=transfer)
    marks = [name for name in ("difficult", "iscrowd") if name in table.arrow.column_names]
    pictures = pictures_of(table)
    sized = ["width", "height"] if any(one.stated for one in pictures) else []
    sink = io.StringIO()
    writer = csv.writer(sink, lineterminator="\n")
    writer.writerow(["path", *SIDES, "label", "split", "group", *sized, *marks])
    for picture, name in zip(pictures, names, strict=True):
        about = [picture.split or "", picture.group or "", *((picture.stated or ("", "")) if sized else ())]
        rows = [
            [
                *map(shortest, box),
                table.classes.names[label],
                *about,
                *(int(getattr(picture, one)[row]) for one in marks),
            ]
            for row, (box, label) in enumerate(zip(picture.boxes, picture.labels, strict=True))
        ]
        for cells in rows or [[*[""] * 5, *about, *([""] * len(marks))]]:
            writer.writerow([f"images/{name}", *cells])
    write_atomic(root / "boxes.csv", os.fsencode(sink.getvalue()))
    return find_losses(table, held=("iscrowd", "difficult", "groups", "open-splits"))
