"""The classes of two cameras' pictures by name, and their masks or boxes in the columns of one table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from vision_ft.data.boxes import BOXES
from vision_ft.data.class_table import ClassTable, Code, describe_codes
from vision_ft.data.images.decode import printable
from vision_ft.data.labels import shorten
from vision_ft.data.table import SampleTable
from vision_ft.errors import DataError
from vision_ft.types import UNLABELLED, ClassSpace, Task
from vision_ft.wiring.answers import ANSWER_COLUMN, count_classes

FLAGS = ("iscrowd", "difficult")


def names_present(table: SampleTable) -> list[str]:
    """Return the names of the classes that a picture, a pixel or a box of the table has."""
    counts = count_classes(table, np.arange(len(table)))
    return [table.classes.names[label] for label in np.flatnonzero(counts)]


def extended_classes(known: ClassSpace, new: SampleTable) -> ClassSpace:
    """Return the model's classes followed by those that only NEW has; of masks and boxes, NEW may have none.

    Raises:
        DataError: no name in common, or masks or boxes of other classes than the model's.
    """
    if new.task in ANSWER_COLUMN:
        refuse_other_classes(known, new)
        return known
    names = names_present(new)
    if names and not set(names) & set(known.names):
        raise DataError(
            f"{printable(new.root)}: its classes {shorten(names)} and those of the model {shorten(list(known.names))} "
            "have no name in common. Rename the folders or labels to the model's names; pictures without a label go "
            'into a folder called "unlabelled"; folders that are cameras or sites need data.group_pattern.'
        )
    return ClassSpace((*known.names, *(name for name in names if name not in known.names)))


def refuse_other_classes(known: ClassSpace, table: SampleTable) -> None:
    """Refuse masks or boxes of other classes than the model's; boxes may be of some of them only.

    Raises:
        DataError: with both lists.
    """
    is_mask = table.task == "segmentation"
    names = list(table.classes.names) if is_mask else names_present(table)
    lacking = [name for name in known.names if name not in names] if is_mask else []
    if is_bare(table) or not (lacking or set(names) - set(known.names)):
        return
    what = "masks" if is_mask else "boxes"
    raise DataError(
        f"{printable(table.root)}: its {what} are of the classes {shorten(names)}, the model knows "
        f"{shorten(list(known.names))}. Masks and boxes are adapted to with the same classes only: rename them in the "
        "annotation, or train a new run."
    )


def as_unlabelled(table: SampleTable, task: Task, classes: ClassSpace) -> SampleTable:
    """Return plain pictures as a table of masks or boxes in which no answer is known."""
    columns = {"segmentation": ("mask", pa.string()), "detection": ("boxes", BOXES)}
    name, kind = columns[task]
    table = table.with_column("label", [UNLABELLED] * len(table))  # folders of pictures may look like classes
    arrow = table.arrow.append_column(name, pa.nulls(len(table), kind))
    if task == "detection":
        arrow = arrow.append_column("box_labels", pa.nulls(len(table), pa.list_(pa.int32())))
    return SampleTable(arrow, root=table.root, classes=classes, task=task, remarks=table.remarks)


def is_bare(table: SampleTable) -> bool:
    """Whether no picture of a table has an answer."""
    column = ANSWER_COLUMN.get(table.task)
    if column is None:
        return bool((table.labels == UNLABELLED).all())
    return table.arrow.column(column).null_count == len(table)


def answer_columns(table: SampleTable, classes: ClassSpace, *, prefix: str) -> dict[str, pa.Array]:
    """Return the columns of masks or boxes with indices of `classes`, and paths below another root.

    Args:
        table: of one camera.
        classes: of the joined table; they hold those of `table` that occur.
        prefix: what the table's paths begin with, escaped; "." for nothing.
    """
    index = {name: position for position, name in enumerate(classes.names)}
    own = [index.get(name, UNLABELLED) for name in table.classes.names]
    if table.task == "segmentation":
        return _mask_columns(table, own, prefix=prefix)
    if table.task == "detection":
        return _box_columns(table, own)
    return {}


def _mask_columns(table: SampleTable, own: Sequence[int], *, prefix: str) -> dict[str, pa.Array]:
    masks = [
        mask if mask is None or prefix == "." else f"{prefix}/{mask}" for mask in table.arrow.column("mask").to_pylist()
    ]
    nothing = [None] * len(table)
    counted = table.arrow.column_names
    pixels = table.arrow.column("class_pixels").to_pylist() if "class_pixels" in counted else nothing
    order = np.argsort(own)  # both tables have the same classes
    moved = [None if one is None else [*(one[position] for position in order), one[-1]] for one in pixels]
    return {"mask": pa.array(masks, pa.string()), "class_pixels": pa.array(moved, pa.list_(pa.int64()))}


def _box_columns(table: SampleTable, own: Sequence[int]) -> dict[str, pa.Array]:
    labels = table.arrow.column("box_labels").to_pylist()
    moved = [None if one is None else [own[label] for label in one] for one in labels]
    columns = {
        "boxes": pa.array(table.arrow.column("boxes").to_pylist(), BOXES),
        "box_labels": pa.array(moved, pa.list_(pa.int32())),
    }
    kind = pa.list_(pa.bool_())
    held = table.arrow.column_names
    return columns | {
        name: pa.array(table.arrow.column(name).to_pylist() if name in held else [None] * len(table), kind)
        for name in FLAGS
    }


def joined_meta(tables: Sequence[SampleTable], classes: ClassSpace) -> Mapping[str, Any]:
    """Return the metadata of one table of both cameras: the codes of their masks.

    Raises:
        DataError: a class has another pixel value or colour on one of the cameras.
    """
    if tables[0].task != "segmentation":
        return tables[-1].meta
    codes: dict[str, Code] = {}
    ignored: list[Code] = []
    thresholds: list[float | None] = []
    for table in tables:
        if "masks" not in table.meta:
            continue
        read = ClassTable.from_meta(table.classes.names, table.meta["masks"])
        found = dict(zip(read.names, read.codes, strict=True))
        _refuse_other_codes(codes, found, table)
        thresholds.append(read.threshold)
        codes, ignored = codes | found, [*ignored, *(code for code in read.ignored if code not in ignored)]
    if not codes:  # there is no mask at all, so any codes will do
        return {"masks": ClassTable(classes.names, tuple(range(len(classes)))).as_meta()}
    if len(set(thresholds)) > 1:
        raise DataError(
            f"data.mask_threshold: the old cameras' masks are read with {thresholds[0]}, the new ones with "
            f"{thresholds[-1]}. Give both the same, or write them anew with 'vision-ft convert'."
        )
    joined = ClassTable(classes.names, tuple(codes[name] for name in classes.names), tuple(ignored), thresholds[0])
    return {"masks": joined.as_meta()}


def _refuse_other_codes(known: Mapping[str, Code], found: Mapping[str, Code], table: SampleTable) -> None:
    if known and known != found:
        raise DataError(
            f"{printable(table.root)}: the masks hold {_say(found)}, those of the old cameras {_say(known)}. Give both "
            "the same values: write them anew with 'vision-ft convert', or mend the class table."
        )


def _say(codes: Mapping[str, Code]) -> str:
    return ", ".join(f"{describe_codes([code])} for {name!r}" for name, code in codes.items())
