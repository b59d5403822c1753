"""One label in each of several columns per image; a label may be missing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from vision_ft.data import several_labels
from vision_ft.data.audit.labels import check_label_columns
from vision_ft.data.images.decode import printable
from vision_ft.data.kinds.base import Joined, Kind, Labels, targets_of
from vision_ft.data.kinds.matching import unlabelled_indices
from vision_ft.data.labels import shorten
from vision_ft.data.reading.label_columns import read_label_columns
from vision_ft.data.several_labels import (
    PREFIX,
    FlatLabels,
    columns_meta,
    count_known,
    flat_names,
    free_names,
    label_columns,
    label_matrix,
    one_hot,
)
from vision_ft.data.strata import rarest_class
from vision_ft.data.table import SampleTable
from vision_ft.errors import DataError
from vision_ft.types import UNLABELLED, ClassSpace, LabelColumn


def is_labelled(table: SampleTable) -> np.ndarray:
    """Return (N,) whether the label of any column is known."""
    return several_labels.is_labelled(label_matrix(table))


def count(table: SampleTable, rows: np.ndarray) -> np.ndarray:
    """Return how many of the rows each class has (K,), column after column."""
    return count_known(table, rows)[1]


def strata(table: SampleTable) -> np.ndarray:
    """Return the class (N,) of each row, of any column, that the fewest rows have, -1 for none."""
    return rarest_class(one_hot(table) == 1)  # NaN: not known


def write_cells(table: SampleTable) -> tuple[list[str], list[list[str]]]:
    """Return the names of the columns and the class names of each row.

    Raises:
        DataError: a column is named as another one of the file.
    """
    columns, labels = label_columns(table), label_matrix(table)
    parts = [[*column.classes, ""] for column in columns]  # index -1 is the empty cell
    cells = [[part[label] for part, label in zip(parts, row, strict=True)] for row in labels]
    return free_names([column.name for column in columns], table), cells


def with_labels(table: SampleTable, labels: np.ndarray) -> SampleTable:
    """Return the table with other labels (N, T)."""
    for column, values in zip(label_columns(table), labels.T, strict=True):
        table = table.with_column(PREFIX + column.name, pa.array(values.astype(np.int32)))
    return table


def join(
    tables: Sequence[SampleTable], known: ClassSpace, *, columns: Sequence[LabelColumn] = (), prefixes: Sequence[str]
) -> Joined:
    """Match columns and their classes by name; a column that a table lacks is missing in each of its rows.

    The model's outputs stay as they are: each column is a softmax of its own, so a class or a column that the model
    does not know would need other outputs, and is refused.

    Raises:
        DataError: a table has a column, or in one of them a class, that the model lacks.
    """
    del prefixes
    if flat_names(columns) != known:
        raise ValueError(f"the label columns {columns} do not make the classes {known.names}")
    parts = tuple(_in_terms_of(table, columns) for table in tables)
    return Joined(known, parts, columns_meta(columns))


def _in_terms_of(table: SampleTable, columns: Sequence[LabelColumn]) -> dict[str, pa.Array]:
    """Return the labels of a table as indices of the model's columns."""
    wanted = {column.name: column for column in columns}
    own = label_columns(table)
    if {column.name for column in own} - set(wanted):
        raise DataError(
            f"{printable(table.root)}: its label columns are {shorten([column.name for column in own])}, the model "
            f"knows {shorten(list(wanted))}. Rename them, leave others out of data.label_columns, or train a new run."
        )
    found = {PREFIX + name: unlabelled_indices(len(table)) for name in wanted}
    for column, labels in zip(own, label_matrix(table).T, strict=True):
        names = wanted[column.name].classes
        present = [column.classes[label] for label in np.unique(labels[labels != UNLABELLED])]
        if set(present) - set(names):
            raise DataError(
                f"{printable(table.root)}: the column {column.name!r} has the classes {shorten(present)}, the model "
                f"knows {shorten(list(names))}. Rename them, or train a new run."
            )
        index = {name: position for position, name in enumerate(names)}
        moved = np.array([*(index.get(name, UNLABELLED) for name in column.classes), UNLABELLED], dtype=np.int32)
        found[PREFIX + column.name] = pa.array(moved[labels])
    return found


def unlabelled(num_rows: int, classes: ClassSpace, columns: Sequence[LabelColumn]) -> Labels:
    """Return labels of which none is known."""
    del classes
    return Labels({PREFIX + column.name: unlabelled_indices(num_rows) for column in columns}, columns_meta(columns))


KIND = Kind(
    holds="several columns of labels",
    formats=("csv",),
    targets=targets_of(label_matrix),
    labels=label_matrix,
    is_labelled=is_labelled,
    count=count,
    strata=strata,
    audit=check_label_columns,
    rows=FlatLabels,
    read=read_label_columns,
    join=join,
    unlabelled=unlabelled,
    write=write_cells,
    with_labels=with_labels,
    needs_recipe=True,
)
