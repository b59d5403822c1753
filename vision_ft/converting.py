"""Convert a data set from one format to another, and say what the target cannot hold."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from vision_ft.build.names import look_up
from vision_ft.data.formats import FORMATS, WRITERS, detect
from vision_ft.data.placement import Transfer
from vision_ft.data.several_labels import TASKS_OF_SEVERAL
from vision_ft.data.table import SampleTable
from vision_ft.errors import DataError, RecipeError
from vision_ft.types import Finding

Target = Literal["coco", "voc", "yolo", "masks", "csv", "imagefolder"]
TARGETS: tuple[Target, ...] = ("coco", "voc", "yolo", "masks", "csv", "imagefolder")


@dataclass(frozen=True)
class Conversion:
    """A finished conversion.

    Attributes:
        path: the new folder.
        source_format: format that was read.
        target_format: format that was written.
        table: what was read.
        findings: what the reader saw and what the target cannot hold (kind "not-held").
    """

    path: Path
    source_format: str
    target_format: str
    table: SampleTable
    findings: tuple[Finding, ...]


def convert(  # noqa: PLR0913 - one option a column
    source: str | Path,
    out: str | Path,
    *,
    to: Target,
    transfer: Transfer = "copy",
    source_format: str = "auto",
    root: str | Path | None = None,
    class_table: str | Path | None = None,
    task: str | None = None,
    label_columns: Sequence[str] | None = None,
    on_bad: Literal["fail", "drop"] = "fail",
) -> Conversion:
    """Read a data set and write it in another format into a new folder.

    Args:
        source: folder or file in any format that is read.
        out: a new or empty folder.
        to: "coco", "voc", "yolo", "masks", "csv" (of boxes, or of labels) or "imagefolder".
        transfer: "copy" the pictures, or "link" to them.
        source_format: name of the source's format; "auto" looks at it.
        root: folder that the paths of an index file start from.
        class_table: file with the classes of masks.
        task: "multilabel" or "multitask" where an index file holds several labels a picture.
        label_columns: columns of those labels, see `train`.
        on_bad: "drop" leaves out annotations that cannot be read.

    Raises:
        DataError: the source cannot be read, or the target cannot hold boxes, masks or labels at all.
        RecipeError: a format is unknown, or an option is set that it does not take.
    """
    source, out = Path(source), Path(out)
    if to not in TARGETS:
        raise RecipeError(f'--to: "{to}" is no format to convert to; allowed: {", ".join(TARGETS)}.')
    if task not in (None, "classification", *TASKS_OF_SEVERAL):
        raise RecipeError(f'--task: "{task}" is unknown; allowed: classification, {", ".join(TASKS_OF_SEVERAL)}.')
    if on_bad not in ("fail", "drop"):
        raise RecipeError(f'--on-bad: "{on_bad}" is unknown; allowed: fail, drop.')
    if out.absolute() == source.absolute() or source.absolute() in out.absolute().parents:
        raise DataError(f"{out}: lies inside the source {source}, which is only read. Give another folder.")
    name = detect(source) if source_format == "auto" else source_format
    read = look_up(FORMATS, name, key="--from")
    options: dict[str, Any] = {
        "root": None if root is None else Path(root),
        "class_table": None if class_table is None else Path(class_table),
        "task": task,
        "label_columns": label_columns or None,
    }
    for option, value in options.items():
        if value is not None and option not in inspect.signature(read).parameters:
            raise RecipeError(f"{option} is set, but the format {name} does not take it. Remove it.")
    given = {option: value for option, value in options.items() if value is not None}
    table = read(source, on_bad=on_bad, **given)
    target = "boxes_csv" if to == "csv" and table.task == "detection" else to
    losses = WRITERS[target](table, out, transfer=transfer)
    return Conversion(out, name, target, table, (*table.remarks, *losses))
