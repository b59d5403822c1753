"""One label per image."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from vision_ft.data.audit.one_label import check_one_label
from vision_ft.data.kinds.base import Joined, Kind, Labels, targets_of
from vision_ft.data.kinds.matching import extended, names_of, positions, refuse_unknown, unlabelled_indices
from vision_ft.data.kinds.one_label import RowLabels, count, is_labelled, labels_of
from vision_ft.data.reading.labels import LABEL_COLUMN, read_one
from vision_ft.data.table import SampleTable
from vision_ft.types import UNLABELLED, ClassSpace, LabelColumn


def strata(table: SampleTable) -> np.ndarray:
    """Return the class of each row (N,), -1 for none."""
    return table.labels.astype(np.int64)


def write_cells(table: SampleTable) -> tuple[list[str], list[list[str]]]:
    """Return the header and the class name of each row."""
    names = table.classes.names
    return [LABEL_COLUMN], [[names[label] if label >= 0 else ""] for label in table.labels]


def with_labels(table: SampleTable, labels: np.ndarray) -> SampleTable:
    """Return the table with other labels (N,)."""
    return table.with_column("label", labels.astype(np.int32))


def join(
    tables: Sequence[SampleTable], known: ClassSpace, *, columns: Sequence[LabelColumn] = (), prefixes: Sequence[str]
) -> Joined:
    """Match the classes by name; names that only the new table has come last.

    Raises:
        DataError: a class of an old camera is unknown to the model, or the new table has no class in common with it.
    """
    del columns, prefixes
    present = [names_of(table, count(table, np.arange(len(table)))) for table in tables]
    for old, names in zip(tables[:-1], present[:-1], strict=True):
        refuse_unknown(known, old, names)
    classes = extended(known, tables[-1], present[-1])
    moved = [np.array([*positions(one, classes), UNLABELLED], dtype=np.int32)[one.labels] for one in tables]
    return Joined(classes, tuple({"label": pa.array(labels, pa.int32())} for labels in moved), tables[-1].meta)


def unlabelled(num_rows: int, classes: ClassSpace, columns: Sequence[LabelColumn]) -> Labels:
    """Return labels of which none is known."""
    del classes, columns
    return Labels({"label": unlabelled_indices(num_rows)})


KIND = Kind(
    holds="one label per image",
    formats=("imagefolder", "csv"),
    targets=targets_of(labels_of),
    labels=labels_of,
    is_labelled=is_labelled,
    count=count,
    strata=strata,
    audit=check_one_label,
    rows=RowLabels,
    read=read_one,
    join=join,
    unlabelled=unlabelled,
    write=write_cells,
    with_labels=with_labels,
    carrier="an image",
)
