"""Numbers per image, such as a count, an age or a share: one per target, any of them may be missing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from vision_ft.data.audit.values import check_values
from vision_ft.data.images.decode import printable
from vision_ft.data.kinds.base import Joined, Kind, Labels, targets_of
from vision_ft.data.labels import shorten
from vision_ft.data.reading.values import read_values
from vision_ft.data.several_labels import free_names
from vision_ft.data.table import SampleTable
from vision_ft.data.values import VALUES, ValueRows, value_column, value_matrix
from vision_ft.errors import DataError
from vision_ft.types import UNLABELLED, ClassSpace, LabelColumn

MAX_STRATA = 10  # quantiles that a split is stratified by
ROWS_PER_STRATUM = 7  # at 15% each, a stratum of seven has an image for val and for test


def is_labelled(table: SampleTable) -> np.ndarray:
    """Return (N,) whether any value of a row is known."""
    return np.asarray(~np.isnan(value_matrix(table)).all(axis=1), dtype=bool)


def count(table: SampleTable, rows: np.ndarray) -> np.ndarray:
    """Return (3, T): mean, standard deviation and number of the known values of each target in the rows."""
    values = value_matrix(table)[rows].astype(np.float64)
    known = ~np.isnan(values)
    number = known.sum(axis=0)
    divisor = np.maximum(number, 1)
    mean = np.where(known, values, 0).sum(axis=0) / divisor
    spread = np.sqrt(np.where(known, (values - mean) ** 2, 0).sum(axis=0) / divisor)
    return np.stack([mean, spread, number.astype(np.float64)])


def strata(table: SampleTable) -> np.ndarray:
    """Return the quantile (N,) of each row's value, of several targets of the mean rank; -1 where none is known."""
    values = value_matrix(table)
    ranks = np.full(values.shape, np.nan)
    for place, column in enumerate(values.T):
        known = np.flatnonzero(~np.isnan(column))
        if len(known):
            _, order = np.unique(column[known], return_inverse=True)
            ranks[known, place] = order / max(order.max(), 1)
    known = np.flatnonzero(is_labelled(table))
    found = np.full(len(table), UNLABELLED, dtype=np.int64)
    if not len(known):
        return found
    mean = np.nanmean(ranks[known], axis=1)
    bins = int(np.clip(len(known) // ROWS_PER_STRATUM, 1, MAX_STRATA))
    edges = np.unique(np.quantile(mean, np.arange(1, bins) / bins)) if bins > 1 else np.empty(0)
    found[known] = np.searchsorted(edges, mean, side="right")
    return found


def write_cells(table: SampleTable) -> tuple[list[str], list[list[str]]]:
    """Return the names of the targets and the values of each row.

    Raises:
        DataError: a target is named as another column of the file.
    """
    cells = [["" if np.isnan(value) else f"{value:.10g}" for value in row] for row in value_matrix(table)]
    return free_names(list(table.classes.names), table), cells


def with_labels(table: SampleTable, labels: np.ndarray) -> SampleTable:
    """Return the table with other values (N, T)."""
    return table.with_column(VALUES, value_column(labels))


def join(
    tables: Sequence[SampleTable], known: ClassSpace, *, columns: Sequence[LabelColumn] = (), prefixes: Sequence[str]
) -> Joined:
    """Match the targets by name; a target that a table lacks is missing in each of its rows.

    Raises:
        DataError: a table has a target that the model does not predict.
    """
    del columns, prefixes
    parts = []
    for table in tables:
        others = [name for name in table.classes.names if name not in known.names]
        if others and is_labelled(table).any():
            raise DataError(
                f"{printable(table.root)}: its targets are {shorten(list(table.classes.names))}, the model predicts "
                f"{shorten(list(known.names))}. Name the columns with data.label_columns, or train a new run."
            )
        values = np.full((len(table), len(known)), np.nan)
        own = {name: place for place, name in enumerate(table.classes.names)}
        for place, name in enumerate(known.names):
            if name in own:
                values[:, place] = value_matrix(table)[:, own[name]]
        parts.append({VALUES: value_column(values)})
    return Joined(known, tuple(parts), tables[-1].meta)


def unlabelled(num_rows: int, classes: ClassSpace, columns: Sequence[LabelColumn]) -> Labels:
    """Return values of which none is known."""
    del columns
    return Labels({VALUES: value_column(np.full((num_rows, len(classes)), np.nan))})


KIND = Kind(
    holds="numbers",
    formats=("csv",),
    targets=targets_of(value_matrix),
    labels=value_matrix,
    is_labelled=is_labelled,
    count=count,
    strata=strata,
    audit=check_values,
    rows=ValueRows,
    read=read_values,
    join=join,
    unlabelled=unlabelled,
    columns=(VALUES,),
    write=write_cells,
    with_labels=with_labels,
    needs_recipe=True,
    output=("target", "targets"),
)
