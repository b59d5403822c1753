"""Which classes occur in which split of a set of boxes or masks, and what follows from it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from vision_ft.data.labels import shorten
from vision_ft.data.table import SampleTable
from vision_ft.types import SPLITS, Finding


def check_presence(table: SampleTable, present: npt.NDArray[np.bool_], *, what: str) -> Iterator[Finding]:
    """Find classes that occur nowhere or are missing from a split.

    Args:
        table: the set, split.
        present: (rows, K), whether an image holds the class.
        what: "box" or "pixel".
    """
    names = np.array(table.classes.names, dtype=object)
    if not present.any():
        detail = f"no image has a {what} of any class: there is nothing to learn."
        yield Finding("error", "nothing-labelled", "", detail)
        return
    absent = ~present.any(axis=0)
    if absent.any():
        yield Finding("warning", "empty-class", "", f"no {what} of {shorten(list(names[absent]))} in any image.")
    for split in SPLITS:
        rows = table.rows(split)
        missing = list(names[~present[rows].any(axis=0) & ~absent])
        if not len(rows) or not missing:
            continue
        detail = f"{split} has no {what} of {shorten(missing)}"
        if split == "train":
            yield Finding("error", "class-missing-in-split", "", f"{detail}, which can then not be learnt.")
        else:
            yield Finding("warning", "class-missing-in-split", "", f"{detail}: nothing is measured of them there.")
