"""Which rows of a table have known labels, which classes they have, and tables without any label."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from vision_ft.data.kinds import KINDS
from vision_ft.data.kinds.matching import names_of
from vision_ft.data.table import SampleTable
from vision_ft.types import UNLABELLED, ClassSpace, LabelColumn, Task


def is_labelled(table: SampleTable) -> np.ndarray:
    """Return (N,) whether the label of a row is known; an empty list of boxes is: the image shows nothing."""
    return KINDS[table.task].is_labelled(table)


def labelled_rows(table: SampleTable, split: str) -> np.ndarray:
    """Return the row numbers of a split whose label is known."""
    rows = table.rows(split)
    return rows[is_labelled(table)[rows]]


def names_present(table: SampleTable) -> list[str]:
    """Return the names of the classes that an image, a pixel or a box of the table has."""
    return names_of(table, KINDS[table.task].count(table, np.arange(len(table))))


def is_plain(table: SampleTable) -> bool:
    """Whether a table is what folders and files of plain images are read as, so that they may serve any task."""
    kind = KINDS[table.task]
    return not kind.spatial and not kind.needs_recipe


def as_unlabelled(
    table: SampleTable, task: Task, classes: ClassSpace, columns: Sequence[LabelColumn] = ()
) -> SampleTable:
    """Return the images of a table as one of another task in which no label is known.

    Args:
        table: the images; their labels, such as those of folders that look like classes, are forgotten.
        task: of the new table.
        classes: of the new table.
        columns: of the new table, where its task has label columns.
    """
    labels = KINDS[task].unlabelled(len(table), classes, columns)
    arrow = table.with_column("label", [UNLABELLED] * len(table)).arrow
    for name, values in labels.columns.items():
        position = arrow.column_names.index(name) if name in arrow.column_names else -1
        arrow = arrow.append_column(name, values) if position < 0 else arrow.set_column(position, name, values)
    return SampleTable(arrow, root=table.root, classes=classes, task=task, remarks=table.remarks, meta=labels.meta)
