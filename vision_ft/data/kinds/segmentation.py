"""A class for each pixel: masks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from vision_ft.data.audit.masks import check_masks, scan_masks
from vision_ft.data.class_table import ClassTable, Code, describe_codes
from vision_ft.data.images.decode import printable
from vision_ft.data.kinds import one_label
from vision_ft.data.kinds.base import Joined, Kind, Labels
from vision_ft.data.kinds.matching import positions, refuse_others
from vision_ft.data.reading.labels import read_one
from vision_ft.data.strata import count_pixels, rarest_class
from vision_ft.data.table import SampleTable
from vision_ft.errors import DataError
from vision_ft.types import ClassSpace, LabelColumn

if TYPE_CHECKING:
    from vision_ft.data.loading.targets import PlainMovement, Truth

COUNTED = "class_pixels"  # of the audit: pixels of each class, and of ignored ones last


def build_targets(table: SampleTable, movement: PlainMovement, *, keep_bytes: int = 0) -> Truth:
    """Return the masks of a table; those that are decoded stay in memory up to `keep_bytes`."""
    from vision_ft.data.loading.targets import MaskTruth  # noqa: PLC0415 - torch, which reading data does without

    return MaskTruth(table, movement, keep_bytes=keep_bytes)


def is_labelled(table: SampleTable) -> np.ndarray:
    """Return (N,) whether an image has a mask."""
    return np.asarray(pc.is_valid(table.arrow.column("mask")).to_numpy(), dtype=bool)


def count(table: SampleTable, rows: np.ndarray) -> np.ndarray:
    """Return the pixels of each class (K,) in the masks of the rows, once the audit has counted them."""
    if COUNTED not in table.arrow.column_names:
        return one_label.count(table, rows)
    size, pixels = len(table.classes), table.arrow.column(COUNTED).to_pylist()
    counts = np.array([pixels[row] or [0] * (size + 1) for row in rows], dtype=np.int64)
    return counts.reshape(-1, size + 1)[:, :size].sum(axis=0)


def strata(table: SampleTable) -> np.ndarray:
    """Return the class (N,) of each mask that the fewest masks hold, once the audit has read them; else -1."""
    if COUNTED not in table.arrow.column_names:
        return table.labels.astype(np.int64)
    return rarest_class(count_pixels(table)[:, :-1] > 0)


def join(
    tables: Sequence[SampleTable], known: ClassSpace, *, columns: Sequence[LabelColumn] = (), prefixes: Sequence[str]
) -> Joined:
    """Take the masks of all tables, which must have the model's classes and the same codes.

    Raises:
        DataError: the classes are others, or one has another pixel value or colour on one of the cameras.
    """
    del columns
    for table in tables:
        if is_labelled(table).any():
            refuse_others(known, table, list(table.classes.names), what="masks", whole=True)
    parts = tuple(_columns_of(table, known, prefix) for table, prefix in zip(tables, prefixes, strict=True))
    return Joined(known, parts, _joined_codes(tables, known))


def _columns_of(table: SampleTable, classes: ClassSpace, prefix: str) -> dict[str, pa.Array]:
    masks = [
        mask if mask is None or prefix == "." else f"{prefix}/{mask}" for mask in table.arrow.column("mask").to_pylist()
    ]
    pixels = table.arrow.column(COUNTED).to_pylist() if COUNTED in table.arrow.column_names else [None] * len(table)
    order = np.argsort(positions(table, classes))  # both tables have the same classes
    moved = [None if one is None else [*(one[position] for position in order), one[-1]] for one in pixels]
    return {"mask": pa.array(masks, pa.string()), COUNTED: pa.array(moved, pa.list_(pa.int64()))}


def _joined_codes(tables: Sequence[SampleTable], classes: ClassSpace) -> Mapping[str, Any]:
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


def unlabelled(num_rows: int, classes: ClassSpace, columns: Sequence[LabelColumn]) -> Labels:
    """Return images without a mask."""
    del classes, columns
    return Labels({"mask": pa.nulls(num_rows, pa.string())})


KIND = Kind(
    holds="masks",
    formats=("masks",),
    targets=build_targets,
    labels=one_label.labels_of,
    is_labelled=is_labelled,
    count=count,
    strata=strata,
    audit=check_masks,
    rows=one_label.RowLabels,
    read=read_one,  # an index file has no masks; its images may still be wanted, or the error tell what it holds
    join=join,
    unlabelled=unlabelled,
    columns=("mask", COUNTED),
    spatial=True,
    scan=scan_masks,
)
