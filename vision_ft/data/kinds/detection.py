"""Boxes with a class each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from vision_ft.data.audit.boxes import check_boxes, scan_boxes
from vision_ft.data.boxes import BOXES
from vision_ft.data.kinds import one_label
from vision_ft.data.kinds.base import Joined, Kind, Labels
from vision_ft.data.kinds.matching import names_of, positions, refuse_others
from vision_ft.data.reading.labels import read_one
from vision_ft.data.strata import holds_boxes, rarest_class
from vision_ft.data.table import SampleTable
from vision_ft.types import ClassSpace, LabelColumn

if TYPE_CHECKING:
    from vision_ft.data.loading.targets import PlainMovement, Truth

FLAGS = ("iscrowd", "difficult")


def build_targets(table: SampleTable, movement: PlainMovement, *, keep_bytes: int = 0) -> Truth:
    """Return the boxes of a table."""
    from vision_ft.data.loading.targets import BoxTruth  # noqa: PLC0415 - torch, which reading data does without

    del keep_bytes
    return BoxTruth(table, movement)


def is_labelled(table: SampleTable) -> np.ndarray:
    """Return (N,) whether the boxes of an image are known; an image with an empty list of them shows nothing."""
    return np.asarray(pc.is_valid(table.arrow.column("boxes")).to_numpy(), dtype=bool)


def count(table: SampleTable, rows: np.ndarray) -> np.ndarray:
    """Return the boxes of each class (K,) in the rows."""
    labels = table.arrow.column("box_labels").to_pylist()
    flat = np.array([label for row in rows for label in labels[row] or []], dtype=np.int64)
    return np.bincount(flat[flat >= 0], minlength=len(table.classes))


def strata(table: SampleTable) -> np.ndarray:
    """Return the class (N,) of each image's boxes that the fewest images hold, -1 for none."""
    return rarest_class(holds_boxes(table))


def count_objects(table: SampleTable) -> np.ndarray:
    """Return the boxes in each image (N,)."""
    return np.asarray(pc.fill_null(pc.list_value_length(table.arrow.column("boxes")), 0).to_numpy())


def join(
    tables: Sequence[SampleTable], known: ClassSpace, *, columns: Sequence[LabelColumn] = (), prefixes: Sequence[str]
) -> Joined:
    """Take the boxes of all tables, which may be of some of the model's classes only.

    Raises:
        DataError: boxes of other classes than the model's.
    """
    del columns, prefixes
    for table in tables:
        if is_labelled(table).any():
            names = names_of(table, count(table, np.arange(len(table))))
            refuse_others(known, table, names, what="boxes", whole=False)
    return Joined(known, tuple(_columns_of(table, known) for table in tables), tables[-1].meta)


def _columns_of(table: SampleTable, classes: ClassSpace) -> dict[str, pa.Array]:
    own, labels = positions(table, classes), table.arrow.column("box_labels").to_pylist()
    moved = [None if one is None else [own[label] for label in one] for one in labels]
    columns = {
        "boxes": pa.array(table.arrow.column("boxes").to_pylist(), BOXES),
        "box_labels": pa.array(moved, pa.list_(pa.int32())),
    }
    held, kind = table.arrow.column_names, pa.list_(pa.bool_())
    return columns | {
        name: pa.array(table.arrow.column(name).to_pylist() if name in held else [None] * len(table), kind)
        for name in FLAGS
    }


def unlabelled(num_rows: int, classes: ClassSpace, columns: Sequence[LabelColumn]) -> Labels:
    """Return images whose boxes are not known."""
    del classes, columns
    return Labels({"boxes": pa.nulls(num_rows, BOXES), "box_labels": pa.nulls(num_rows, pa.list_(pa.int32()))})


KIND = Kind(
    holds="boxes",
    formats=("coco", "voc", "yolo", "boxes_csv"),
    targets=build_targets,
    labels=one_label.labels_of,
    is_labelled=is_labelled,
    count=count,
    strata=strata,
    audit=check_boxes,
    rows=one_label.RowLabels,
    read=read_one,  # a file of boxes has a reader of its own; the images of another one may still be wanted
    join=join,
    unlabelled=unlabelled,
    columns=("boxes", "box_labels", "polygons", *FLAGS),
    spatial=True,
    carrier="a box",
    scan=scan_boxes,
    count_objects=count_objects,
)
