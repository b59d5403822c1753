"""A run does not go on with other images, labels, boxes or masks than it began with."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from vision_ft.data.table import SampleTable
from vision_ft.errors import ResumeError
from vision_ft.pipeline import refuse_changed_data
from vision_ft.types import ClassSpace

COLUMNS: dict[str, list[Any]] = {
    "hash": ["x", "y"],
    "boxes": [[[0.0, 0.0, 5.0, 5.0]], []],
    "box_labels": [[0], []],
    "iscrowd": [[False], []],
    "difficult": [[False], []],
    "polygons": [[None], []],
    "mask": ["masks/a.png", "masks/b.png"],
    "mask_hash": ["1", "2"],
}
CHANGED = {
    "boxes": [[[0.0, 0.0, 5.0, 6.0]], []],
    "box_labels": [[1], []],
    "iscrowd": [[True], []],
    "difficult": [[True], []],
    "mask": ["masks/c.png", "masks/b.png"],
    "mask_hash": ["3", "2"],
}


def table_of(columns: dict[str, list[Any]]) -> SampleTable:
    return SampleTable.build(
        root="lots",
        paths=["a.png", "b.png"],
        labels=[0, 1],
        classes=ClassSpace(("red", "blue")),
        task="detection",
        extra={name: pa.array(values) for name, values in columns.items()},
    )


@pytest.mark.parametrize("column", CHANGED)
def test_changed_boxes_and_masks_are_named(column):
    with pytest.raises(ResumeError) as error:
        refuse_changed_data(table_of(COLUMNS), table_of(COLUMNS | {column: CHANGED[column]}))
    assert str(error.value) == (
        "the data changed since the run began, in 1 images: a.png. Put them back, or start a new run."
    )


def test_a_column_that_came_or_went_is_a_change():
    without = {name: values for name, values in COLUMNS.items() if name != "iscrowd"}
    for before, now in ((COLUMNS, without), (without, COLUMNS)):
        with pytest.raises(ResumeError, match=r"in 2 images: a.png, b.png"):
            refuse_changed_data(table_of(before), table_of(now))


def test_equal_data_and_runs_that_stored_no_hash_of_masks_go_on():
    refuse_changed_data(table_of(COLUMNS), table_of(COLUMNS))
    older = {name: values for name, values in COLUMNS.items() if name != "mask_hash"}
    refuse_changed_data(table_of(older), table_of(COLUMNS))
