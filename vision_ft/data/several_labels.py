"""Several labels a picture in a sample table: sets of labels (multilabel), or one label in each column (multitask)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from vision_ft.data.table import SampleTable
from vision_ft.errors import DataError
from vision_ft.types import UNLABELLED, ClassSpace, LabelColumn

TASKS_OF_SEVERAL = ("multilabel", "multitask")
LABELS = "labels"  # list of K float32: 1 = applies, 0 = does not, null = not known
SEPARATORS = (";", "|", ",", " ")  # of the names in one cell
PREFIX = "label:"  # int32 class index in its column, -1 = missing; "label:" and the column's name


def label_columns(table: SampleTable) -> tuple[LabelColumn, ...]:
    """Return the label columns of a multitask table, in the order of the model's outputs."""
    return tuple(LabelColumn(str(item["name"]), tuple(item["classes"])) for item in table.meta.get("tasks", ()))


def flat_names(columns: Sequence[LabelColumn]) -> ClassSpace:
    """Return the classes of all columns after each other, as in "species=robin"."""
    return ClassSpace(tuple(f"{column.name}={name}" for column in columns for name in column.classes))


def label_matrix(table: SampleTable) -> npt.NDArray[Any]:
    """Return the labels of every row, as losses and metrics read them.

    Returns:
        of multilabel (N, K) float32, NaN where a label is not known; of multitask (N, T) int64, -1 where it is missing.
    """
    if table.task == "multilabel":
        values = table.arrow.column(LABELS).combine_chunks().flatten().to_numpy(zero_copy_only=False)
        return values.astype(np.float32).reshape(len(table), len(table.classes))
    names = [PREFIX + column.name for column in label_columns(table)]
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
    if table.task == "multilabel":
        return labels
    parts = []
    for place, column in enumerate(label_columns(table)):
        own = labels[:, place, None]
        part = (own == np.arange(len(column.classes))).astype(np.float32)
        parts.append(np.where(own == UNLABELLED, np.float32(np.nan), part))
    return np.concatenate(parts, axis=1)


class RowLabels:
    """The labels of each row, to be compared and named; of any task.

    Args:
        table: the samples; tasks without labels of pictures have equal ones everywhere.
    """

    def __init__(self, table: SampleTable) -> None:
        self._names = table.classes.names
        self._values = one_hot(table) if table.task in TASKS_OF_SEVERAL else None
        if self._values is None:
            self.ids: npt.NDArray[Any] = table.labels
        else:
            self.ids = np.unique(np.nan_to_num(self._values, nan=-1), axis=0, return_inverse=True)[1].reshape(-1)

    def differ(self, one: int, other: int) -> bool:
        """Whether two rows contradict each other; a label that is not known contradicts nothing."""
        if self._values is None:
            return bool(self.ids[one] != self.ids[other])
        gap = np.abs(self._values[one] - self._values[other])  # NaN where either is not known
        return bool((gap > 0).any())

    def text(self, row: int) -> str:
        """Return the labels of a row in quotes."""
        if self._values is None:
            return repr(self._names[self.ids[row]]) if self.ids[row] >= 0 else "as nothing"
        return repr("; ".join(self._names[index] for index in np.flatnonzero(self._values[row] == 1)))


def label_cells(table: SampleTable) -> tuple[list[str], list[list[str]]]:
    """Return the label columns of a CSV file: their names, and the cells of each row.

    Raises:
        DataError: a label is named as another column of the file.
    """
    names = np.array(table.classes.names, dtype=object)
    if table.task == "multitask":
        columns, labels = label_columns(table), label_matrix(table)
        parts = [[*column.classes, ""] for column in columns]  # index -1 is the empty cell
        cells = [[part[label] for part, label in zip(parts, row, strict=True)] for row in labels]
        return _free_names([column.name for column in columns], table), cells
    if table.task == "classification":
        return ["label"], [[names[label] if label >= 0 else ""] for label in table.labels]
    values = label_matrix(table)
    is_plain = not any(separator in name for name in names for separator in SEPARATORS)  # the reader looks for all
    if is_plain and not np.isnan(values).any() and (values == 1).any(axis=0).all():
        return [LABELS], [[";".join(names[row == 1])] for row in values]
    flags = [["" if np.isnan(value) else str(int(value)) for value in row] for row in values]
    return _free_names(list(names), table), flags


def _free_names(names: list[str], table: SampleTable) -> list[str]:
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
