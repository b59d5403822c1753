"""Which classes an image holds, and the one of them that a split is stratified by."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from vision_ft.data.table import SampleTable
from vision_ft.types import UNLABELLED


def rarest_class(holds: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """Return the class (N,) of each row that the fewest rows hold, -1 where it holds none.

    What a random split would lose is spread first, as in the iterative stratification of Sechidis et al. (2011, "On
    the stratification of multi-label data", sec. 3).

    Args:
        holds: (N, K), whether a row holds the class.
    """
    if not holds.shape[1]:
        return np.full(len(holds), UNLABELLED, dtype=np.int64)
    rarest = np.where(holds, holds.sum(axis=0), np.inf).argmin(axis=1)
    return np.where(holds.any(axis=1), rarest, UNLABELLED).astype(np.int64)


def holds_boxes(table: SampleTable) -> npt.NDArray[np.bool_]:
    """Return (N, K): whether an image has a box of the class."""
    holds = np.zeros((len(table), len(table.classes)), dtype=bool)
    for row, inside in enumerate(table.arrow.column("box_labels").to_pylist()):
        holds[row, inside or []] = True
    return holds


def count_pixels(table: SampleTable) -> npt.NDArray[np.int64]:
    """Return (N, K + 1): pixels of each class in an image's mask, of ignored ones last; 0 without a mask."""
    nothing = [0] * (len(table.classes) + 1)
    rows = [row or nothing for row in table.arrow.column("class_pixels").to_pylist()]
    return np.array(rows, dtype=np.int64).reshape(len(table), len(nothing))
