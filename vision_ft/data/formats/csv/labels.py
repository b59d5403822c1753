"""Read a CSV file with a path and its labels[,split][,group] a row into a SampleTable."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from vision_ft.data.images.decode import printable
from vision_ft.data.kinds import KINDS
from vision_ft.data.names import escape_name
from vision_ft.data.placement import Transfer, find_losses, open_target, place_pictures, require_format, short_names
from vision_ft.data.reading.csv_text import read_csv_text
from vision_ft.data.reading.index import Index, checked_splits, is_regular, relative_paths
from vision_ft.data.reading.labels import LABEL_COLUMN, LabelOptions
from vision_ft.data.reading.patterns import compile_pattern
from vision_ft.data.table import SampleTable
from vision_ft.files import write_atomic
from vision_ft.types import DEFAULT_TASK, Finding, Task


def read(  # noqa: PLR0913 - one option a column
    file: Path,
    *,
    group_pattern: str | None = None,
    group_by: Sequence[str] | None = None,
    root: Path | None = None,
    path_column: str = "path",
    label_column: str = LABEL_COLUMN,
    split_column: str | None = None,
    group_column: str | None = None,
    on_bad: Literal["fail", "drop"] = "fail",
    unlabelled: bool = False,
    task: Task = DEFAULT_TASK,
    label_columns: Sequence[str] | None = None,
    label_separator: str = "auto",
) -> SampleTable:
    """Read an index of images; every error names the lines.

    Args:
        file: the CSV file: UTF-8 or UTF-16, separated by comma, semicolon or tab.
        group_pattern: takes the group of each image from its path instead of a column.
        group_by: fields of the pattern that make the group; all but {label} when absent.
        root: folder that the paths start from; the folder of the file when absent. No path may leave it.
        path_column: name of the column with the paths.
        label_column: name of the column with the class names.
        split_column: name of the column with train, val or test; "split" is used when it exists.
        group_column: name of the column with the groups; "group" is used when it exists.
        on_bad: "drop" leaves out rows whose file does not exist and remarks on each, "fail" refuses.
        unlabelled: rows with an empty label, and a file without a label column, are images without a label.
        task: multilabel reads a set of labels per image, multitask one label in each of several columns.
        label_columns: columns of 0 and 1 named as the labels (multilabel), or of class names (multitask).
        label_separator: what stands between the labels of one cell: ";", "|", "," or " "; "auto" looks at the cells.

    Raises:
        DataError: anything in the file that cannot be meant.
        RecipeError: the task needs label_columns, or they name a column twice.
    """
    file = Path(file)
    index = Index(file, Path(root) if root is not None else file.absolute().parent, read_csv_text(file))
    paths = relative_paths(index, index.column(index.find("path_column", path_column)) or [])
    wanted = LabelOptions(label_column, label_columns, separator=label_separator, unlabelled=unlabelled)
    labels = KINDS[task].read(index, wanted)
    splits = checked_splits(index, index.column(index.find("split_column", split_column)))
    group_cells = index.column(index.find("group_column", group_column)) or []
    groups: list[str | None] | None = [escape_name(value) or None for value in group_cells] or None
    _refuse_repeated(index, paths, labels=labels.texts, splits=splits)
    kept, remarks = _existing(index, paths, on_bad=on_bad)
    kept_splits = [splits[row] for row in kept] if splits else None
    # with images that may be unlabelled, the classes are those of a model: train need not hold each of them
    known = labels.columns(kept, None if unlabelled else kept_splits, where=printable(file))
    if group_pattern is not None:
        groups, _ = compile_pattern(group_pattern, group_by=group_by).match([escape_name(path) for path in paths])
    return SampleTable.build(
        root=index.root,
        paths=[paths[row] for row in kept],
        splits=kept_splits,
        groups=[groups[row] for row in kept] if groups else None,
        remarks=[*labels.remarks, *remarks],
        **known,
    )


def _refuse_repeated(
    index: Index, paths: Sequence[str], *, labels: Sequence[str], splits: Sequence[str | None] | None
) -> None:
    """Refuse a file that is listed twice, and say whether that is a conflict of labels or a leak between splits."""
    first_row: dict[str, int] = {}
    repeated: list[tuple[int, str]] = []
    for row, path in enumerate(paths):
        first = first_row.setdefault(path, row)
        if first == row:
            continue
        what = f"{path} was already listed on line {index.text.lines[first]}"
        if labels[first] != labels[row]:
            what += f" with another label: {labels[first]!r} there, {labels[row]!r} here (label conflict)"
        if splits is not None and splits[first] != splits[row]:
            what += f" in another split: {splits[first]} there, {splits[row]} here (leak between splits)"
        repeated.append((row, what))
    if repeated:
        raise index.fail(repeated, "An image may be listed once, in one spelling.")


def _existing(
    index: Index, paths: Sequence[str], *, on_bad: Literal["fail", "drop"]
) -> tuple[list[int], list[Finding]]:
    """Return the rows whose file exists, and a remark on each that was dropped."""
    root = os.fspath(index.root)
    missing = [(row, path) for row, path in enumerate(paths) if not is_regular(root + "/" + path)]
    if not missing:
        return list(range(len(paths))), []
    if on_bad == "fail" or len(missing) == len(paths):
        raise index.fail(
            [(row, f"{path}: no such file, or not a regular one") for row, path in missing],
            f"{len(missing)} of {len(paths)} files are missing under {printable(root)}. "
            "Correct the paths, or leave them out with data.on_bad=drop.",
        )
    absent = {row for row, _ in missing}
    remarks = [
        Finding("warning", "missing-file", escape_name(path), f"line {index.text.lines[row]}: no such file, left out.")
        for row, path in missing
    ]
    return [row for row in range(len(paths)) if row not in absent], remarks


def write(table: SampleTable, root: Path, *, transfer: Transfer = "copy") -> list[Finding]:
    """Write images/ and labels.csv into a new folder.

    Several labels per image are written as one cell with semicolons where all are known, else as columns of 0 and 1.

    Raises:
        DataError: the table holds boxes or masks, or the folder holds something.
    """
    require_format(table, "csv", name="a CSV of labels")
    write_cells = KINDS[table.task].write
    assert write_cells is not None, f"{table.task} lists csv among its formats, but cannot write its cells"
    root, names = open_target(root), short_names(table)
    place_pictures(table, root / "images", names, transfer=transfer)
    groups = table.arrow.column("group").to_pylist()
    header, cells = write_cells(table)
    sink = io.StringIO()
    writer = csv.writer(sink, lineterminator="\n")
    writer.writerow(["path", *header, "split", "group"])
    for row, name in enumerate(names):
        writer.writerow([f"images/{name}", *cells[row], table.splits[row] or "", groups[row] or ""])
    write_atomic(root / "labels.csv", os.fsencode(sink.getvalue()))
    return find_losses(table, held=("groups", "open-splits"))
