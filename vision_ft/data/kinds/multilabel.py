"""A set of labels per image: each applies, does not apply, or is not known."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from vision_ft.data import several_labels
from vision_ft.data.audit.labels import check_label_sets
from vision_ft.data.kinds.base import Joined, Kind, Labels, targets_of
from vision_ft.data.kinds.matching import extended, names_of, positions, refuse_unknown
from vision_ft.data.reading.label_sets import read_label_sets
from vision_ft.data.several_labels import (
    LABELS,
    SEPARATORS,
    FlatLabels,
    count_known,
    free_names,
    label_matrix,
    list_column,
    one_hot,
)
from vision_ft.data.strata import rarest_class
from vision_ft.data.table import SampleTable
from vision_ft.types import ClassSpace, LabelColumn


def is_labelled(table: SampleTable) -> np.ndarray:
    """Return (N,) whether any label of a row is known."""
    return several_labels.is_labelled(label_matrix(table))


def strata(table: SampleTable) -> np.ndarray:
    """Return the label (N,) of each row that the fewest rows have, -1 for none."""
    return rarest_class(one_hot(table) == 1)  # NaN: not known


def write_cells(table: SampleTable) -> tuple[list[str], list[list[str]]]:
    """Return one column of names where all labels are known and have plain names, else columns of 0 and 1.

    Raises:
        DataError: a label is named as another column of the file.
    """
    names, values = np.array(table.classes.names, dtype=object), label_matrix(table)
    is_plain = not any(separator in name for name in names for separator in SEPARATORS)  # the reader looks for all
    if is_plain and not np.isnan(values).any() and (values == 1).any(axis=0).all():
        return [LABELS], [[";".join(names[row == 1])] for row in values]
    flags = [["" if np.isnan(value) else str(int(value)) for value in row] for row in values]
    return free_names(list(names), table), flags


def with_labels(table: SampleTable, labels: np.ndarray) -> SampleTable:
    """Return the table with other labels (N, K)."""
    return table.with_column(LABELS, list_column(labels))


def join(
    tables: Sequence[SampleTable], known: ClassSpace, *, columns: Sequence[LabelColumn] = (), prefixes: Sequence[str]
) -> Joined:
    """Take the union of the labels by name; what a table has no label for is not known (NaN), rather than absent.

    Whoever labelled one camera's images may never have looked for the labels of the other, so that only a label of
    the table itself can say that it does not apply. A label that no image of the new camera has and the model does
    not know is left out: nothing can be learnt of it.

    Raises:
        DataError: a label of an old camera is unknown to the model, or the new table has none in common with it.
    """
    del columns, prefixes
    present = [names_of(table, count_known(table, np.arange(len(table)))) for table in tables]
    for old, names in zip(tables[:-1], present[:-1], strict=True):
        refuse_unknown(known, old, names)
    classes = extended(known, tables[-1], present[-1])
    parts = []
    for table in tables:
        own = np.array(positions(table, classes), dtype=np.int64)
        values = np.full((len(table), len(classes)), np.nan, dtype=np.float32)
        values[:, own[own >= 0]] = label_matrix(table)[:, own >= 0]
        parts.append({LABELS: list_column(values)})
    return Joined(classes, tuple(parts), tables[-1].meta)


def unlabelled(num_rows: int, classes: ClassSpace, columns: Sequence[LabelColumn]) -> Labels:
    """Return labels of which none is known."""
    del columns
    return Labels({LABELS: list_column(np.full((num_rows, len(classes)), np.nan, dtype=np.float32))})


KIND = Kind(
    holds="several labels per image",
    formats=("csv",),
    targets=targets_of(label_matrix),
    labels=label_matrix,
    is_labelled=is_labelled,
    count=count_known,
    strata=strata,
    audit=check_label_sets,
    rows=FlatLabels,
    read=read_label_sets,
    join=join,
    unlabelled=unlabelled,
    columns=(LABELS,),
    write=write_cells,
    with_labels=with_labels,
    needs_recipe=True,
    output=("label", "labels"),
)
