"""Numbers per image in a sample table: one per target."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from vision_ft.data.table import SampleTable

# List of T float64, null = not known. What begins with "label:" counts in fingerprints and when a run resumes.
VALUES = "label:values"


def value_matrix(table: SampleTable) -> npt.NDArray[np.float64]:
    """Return the values (N, T) of every row, NaN where one is not known."""
    if VALUES not in table.arrow.column_names:
        return np.full((len(table), len(table.classes)), np.nan)
    values = table.arrow.column(VALUES).combine_chunks().flatten().to_numpy(zero_copy_only=False)
    return values.astype(np.float64).reshape(len(table), len(table.classes))


def value_column(values: npt.NDArray[np.floating]) -> pa.ListArray:
    """Return the column `values` of numbers (N, T), NaN as null."""
    flat = np.ascontiguousarray(values, np.float64).reshape(-1)
    offsets = pa.array(np.arange(len(values) + 1) * values.shape[1], pa.int32())
    return pa.ListArray.from_arrays(offsets, pa.array(flat, mask=np.isnan(flat)))


class ValueRows:
    """The values of each row, to be compared and named.

    Args:
        table: of numbers.
    """

    def __init__(self, table: SampleTable) -> None:
        self._names, self._values = table.classes.names, value_matrix(table)
        self.ids: npt.NDArray[np.int64] = np.unique(self._values, axis=0, return_inverse=True)[1].reshape(-1)

    def differ(self, one: int, other: int) -> bool:
        """Whether two rows contradict each other; a value that is not known contradicts nothing."""
        gap = np.abs(self._values[one] - self._values[other])  # NaN where either is not known
        return bool((gap > 0).any())

    def text(self, row: int) -> str:
        """Return the values of a row in quotes."""
        pairs = zip(self._names, self._values[row].tolist(), strict=True)
        return repr("; ".join(f"{name}={value:g}" for name, value in pairs if not np.isnan(value)))
