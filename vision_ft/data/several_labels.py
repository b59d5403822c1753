"""Several labels per image in a sample table: sets of labels (multilabel), or one label in each column (multitask)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from vision_ft.data.table import SampleTable
from vision_ft.errors import DataError
from vision_ft.types import UNLABELLED, ClassSpace, LabelColumn

LABELS = "labels"  # list of K float32: 1 = applies, 0 = does not, null = not known
SEPARATORS = (";", "|", ",", " ")  # of the names in one cell
PREFIX = "label:"  # int32 class index in its column, -1 = missing; "label:" and the column's name


def label_columns(table: SampleTable) -> tuple[LabelColumn, ...]:
    """Return the label columns of a multitask table, in the order of the model's outputs."""
    return tuple(LabelColumn(str(item["name"]), tuple(item["classes"])) for item in table.meta.get("tasks", ()))


def flat_names(columns: Sequence[LabelColumn]) -> ClassSpace:
    """Return the classes of all columns after each other, as in "species=robin"."""
    return ClassSpace(tuple(f"{column.name}={name}" for column in columns for name in column.classes))


def columns_meta(columns: Sequence[LabelColumn]) -> dict[str, Any]:
    """Return what a table says of its label columns."""
    return {"tasks": [{"name": column.name, "classes": list(column.classes)} for column in columns]}


def label_matrix(table: SampleTable) -> npt.NDArray[Any]:
    """Return the labels of every row, as losses and metrics read them.

    Returns:
        of label sets (N, K) float32, NaN where a label is not known; of label columns (N, T) int64, -1 where it is
        missing.
    """
    if LABELS in table.arrow.column_names:
        values = table.arrow.column(LABELS).combine_chunks().flatten().to_numpy(zero_copy_only=False)
        return values.astype(np.float32).reshape(len(table), len(table.classes))
    names = [PREFIX + column.name for column in label_columns(table)]
    if not names:
        return np.zeros((len(table), 0), np.int64)
    return np.stack([table.arrow.column(name).to_numpy() for name in names], axis=1).astype(np.int64)


def is_labelled(labels: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """Return which rows (N,) of `label_matrix` have at least one label that is known."""
    return np.asarray(_known(labels).any(axis=1), dtype=bool)


def count_known(table: SampleTable, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return (2, K): in how many of the rows each class is known not to apply, and in how many it applies."""
    applies = one_hot(table)[rows]
    return np.stack([(applies == 0).sum(axis=0), (applies == 1).sum(axis=0)]).astype(np.int64)


def one_hot(table: SampleTable) -> npt.NDArray[np.float32]:
    """Return (N, K) over the flat classes: 1 = applies, 0 = does not, NaN = not known."""
    labels = label_matrix(table)
    if labels.dtype.kind == "f":
        return labels
    parts = [np.zeros((len(table), 0), np.float32)]
    for place, column in enumerate(label_columns(table)):
        own = labels[:, place, None]
        part = (own == np.arange(len(column.classes))).astype(np.float32)
        parts.append(np.where(own == UNLABELLED, np.float32(np.nan), part))
    return np.concatenate(parts, axis=1)


class FlatLabels:
    """The labels of each row over the flat classes, to be compared and named.

    Args:
        table: of label sets or label columns.
    """

    def __init__(self, table: SampleTable) -> None:
        self._names, self._values = table.classes.names, one_hot(table)
        self.ids: npt.NDArray[Any] = np.unique(np.nan_to_num(self._values, nan=-1), axis=0, return_inverse=True)[
            1
        ].reshape(-1)

    def differ(self, one: int, other: int) -> bool:
        """Whether two rows contradict each other; a label that is not known contradicts nothing."""
        gap = np.abs(self._values[one] - self._values[other])  # NaN where either is not known
        return bool((gap > 0).any())

    def text(self, row: int) -> str:
        """Return the labels of a row in quotes."""
        return repr("; ".join(self._names[index] for index in np.flatnonzero(self._values[row] == 1)))


def free_names(names: list[str], table: SampleTable) -> list[str]:
    """Return the names of label columns of a CSV file.

    Raises:
        DataError: one is named as another column of the file.
    """
    taken = sorted({"path", "split", "group"} & {name.lower() for name in names})
    if taken:
        raise DataError(
            f"{table.root}: labels named {taken} cannot be columns of a CSV file, which has its own. Rename."
        )
    return names


def list_column(values: npt.NDArray[np.floating[Any]]) -> pa.ListArray:
    """Return the column `labels` of values (N, K), NaN as null."""
    flat = np.ascontiguousarray(values, np.float32).reshape(-1)
    offsets = pa.array(np.arange(len(values) + 1) * values.shape[1], pa.int32())
    return pa.ListArray.from_arrays(offsets, pa.array(flat, mask=np.isnan(flat)))


def _known(labels: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    return np.asarray(~np.isnan(labels) if labels.dtype.kind == "f" else labels != UNLABELLED, dtype=bool)
