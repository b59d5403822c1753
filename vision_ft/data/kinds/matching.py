"""Match the classes of a table with those of a model by name."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from vision_ft.data.images.decode import printable
from vision_ft.data.labels import shorten
from vision_ft.data.table import SampleTable
from vision_ft.errors import DataError
from vision_ft.types import UNLABELLED, ClassSpace


def names_of(table: SampleTable, counts: np.ndarray) -> list[str]:
    """Return the names of the classes that occur, by a kind's counts (K,) or (2, K)."""
    return [table.classes.names[label] for label in np.flatnonzero(np.atleast_2d(counts)[-1])]


def positions(table: SampleTable, classes: ClassSpace) -> list[int]:
    """Return the index in `classes` of each class of a table, -1 for one that is not there."""
    index = {name: position for position, name in enumerate(classes.names)}
    return [index.get(name, UNLABELLED) for name in table.classes.names]


def refuse_unknown(known: ClassSpace, old: SampleTable, names: Sequence[str]) -> None:
    """Refuse a table of old cameras with classes that the model lacks.

    Raises:
        DataError: with both lists.
    """
    known.index_of(names, where=f"{printable(old.root)} (old cameras)")


def extended(known: ClassSpace, new: SampleTable, names: Sequence[str]) -> ClassSpace:
    """Return the model's classes followed by those that only NEW has.

    Raises:
        DataError: no name in common.
    """
    if names and not set(names) & set(known.names):
        raise DataError(
            f"{printable(new.root)}: its classes {shorten(names)} and those of the model {shorten(list(known.names))} "
            "have no name in common. Rename the folders or labels to the model's names; images without a label go "
            'into a folder called "unlabelled"; folders that are cameras or sites need data.group_pattern.'
        )
    return ClassSpace((*known.names, *(name for name in names if name not in known.names)))


def refuse_others(known: ClassSpace, table: SampleTable, names: Sequence[str], *, what: str, whole: bool) -> None:
    """Refuse annotations drawn with other classes than the model's.

    Args:
        known: the model's classes.
        table: with at least one known label.
        names: its classes.
        what: "masks" or "boxes".
        whole: whether the table must have each of the model's classes.

    Raises:
        DataError: with both lists.
    """
    lacking = set(known.names) - set(names) if whole else set()
    if not lacking and not set(names) - set(known.names):
        return
    raise DataError(
        f"{printable(table.root)}: its {what} are of the classes {shorten(names)}, the model knows "
        f"{shorten(list(known.names))}. Masks and boxes are adapted to with the same classes only: rename them in the "
        "annotation, or train a new run."
    )


def unlabelled_indices(count: int) -> pa.Array:
    """Return so many class indices of which none is known."""
    return pa.array(np.full(count, UNLABELLED, dtype=np.int32))
