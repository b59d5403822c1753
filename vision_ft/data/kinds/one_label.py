"""The column `label` of a table: one class index per row, -1 where it is not known."""

from __future__ import annotations

import numpy as np

from vision_ft.data.table import SampleTable
from vision_ft.types import UNLABELLED


def labels_of(table: SampleTable) -> np.ndarray:
    """Return the class index (N,) of every row; all are -1 where labels are places in the image."""
    return table.labels


def is_labelled(table: SampleTable) -> np.ndarray:
    """Return (N,) whether a row has a class."""
    return table.labels != UNLABELLED


def count(table: SampleTable, rows: np.ndarray) -> np.ndarray:
    """Return how many of the rows each class has (K,)."""
    labels = table.labels[rows]
    return np.bincount(labels[labels >= 0], minlength=len(table.classes))


class RowLabels:
    """The class of each row, to be compared and named.

    Args:
        table: the samples; where labels are places in the image, all rows are equal.
    """

    def __init__(self, table: SampleTable) -> None:
        self.ids: np.ndarray = table.labels
        self._names = table.classes.names

    def differ(self, one: int, other: int) -> bool:
        """Whether two rows have unlike classes."""
        return bool(self.ids[one] != self.ids[other])

    def text(self, row: int) -> str:
        """Return the class of a row in quotes."""
        return repr(self._names[self.ids[row]]) if self.ids[row] >= 0 else "as nothing"
