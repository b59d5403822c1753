"""Every kind keeps what the data side asks of a task."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from vision_ft.data.boxes import BOXES
from vision_ft.data.class_table import ClassTable
from vision_ft.data.formats import WRITERS
from vision_ft.data.kinds import KINDS
from vision_ft.data.kinds.base import Joined
from vision_ft.data.labelled import as_unlabelled, is_labelled, labelled_rows, names_present
from vision_ft.data.several_labels import PREFIX, columns_meta, flat_names, label_columns, list_column
from vision_ft.data.table import SampleTable
from vision_ft.data.values import VALUES, value_column
from vision_ft.errors import DataError
from vision_ft.types import ClassSpace, LabelColumn

NAN = np.nan
COLUMNS = (LabelColumn("species", ("owl", "tit")), LabelColumn("sex", ("f", "m")))
TWO = ClassSpace(("cat", "dog"))


def table_of(task: str) -> SampleTable:
    """Four rows: class 0, class 1, nothing, not known; of label columns the third row lacks one label."""
    extra: dict[str, pa.Array] = {}
    labels, classes, meta = [-1] * 4, TWO, {}
    if task == "classification":
        labels = [0, 1, -1, -1]
    if task == "multilabel":
        extra = {"labels": list_column(np.array([[1, 0], [0, 1], [0, 0], [NAN, NAN]], np.float32))}
    if task == "multitask":
        matrix = np.array([[0, 1], [1, 0], [1, -1], [-1, -1]], np.int32)
        extra = {PREFIX + one.name: pa.array(matrix[:, place]) for place, one in enumerate(COLUMNS)}
        classes, meta = flat_names(COLUMNS), columns_meta(COLUMNS)
    if task == "segmentation":
        pixels = pa.array([[4, 0, 0], [0, 4, 0], [0, 0, 4], None], pa.list_(pa.int64()))
        extra = {"mask": pa.array(["a.png", "b.png", "c.png", None]), "class_pixels": pixels}
        meta = {"masks": ClassTable(TWO.names, (0, 1)).as_meta()}
    if task == "detection":
        boxes = pa.array([[[0, 0, 2, 2]], [[0, 0, 2, 2]], [], None], BOXES)
        extra = {"boxes": boxes, "box_labels": pa.array([[0], [1], [], None], pa.list_(pa.int32()))}
    if task == "regression":
        extra = {VALUES: value_column(np.array([[1, NAN], [NAN, 6], [3, 7], [NAN, NAN]]))}
    return SampleTable.build(
        root=Path("/pictures"),
        paths=[f"{row}.png" for row in range(4)],
        labels=labels,
        classes=classes,
        splits=["train", "train", "val", "train"],
        task=task,  # type: ignore[arg-type]
        extra=extra,
        meta=meta,
    )


every_kind = pytest.mark.parametrize("task", KINDS)


@every_kind
def test_rows_with_a_known_label_are_told_from_those_without(task):
    known = [True, True, task != "classification", False]  # an empty set, list of boxes or mask is known
    table = table_of(task)
    assert is_labelled(table).tolist() == known
    assert labelled_rows(table, "train").tolist() == [0, 1]
    assert len(KINDS[task].labels(table)) == 4


@every_kind
def test_classes_are_counted_and_the_rarest_one_stratifies(task):
    table, kind = table_of(task), KINDS[task]
    counts = np.atleast_2d(kind.count(table, np.array([0, 1])))[-1]
    unit = 4 if task == "segmentation" else 1  # pixels
    assert counts.tolist() == [unit] * len(table.classes)
    assert names_present(table) == list(table.classes.names)
    strata = {"multitask": [0, 2, 1, -1], "regression": [0, 0, 0, -1]}  # three numbers are too few for quantiles
    assert kind.strata(table).tolist() == strata.get(task, [0, 1, -1, -1])


@every_kind
def test_images_of_any_table_become_unlabelled_ones(task):
    columns = COLUMNS if task == "multitask" else ()
    wanted = table_of(task)
    bare = as_unlabelled(table_of("classification"), wanted.task, wanted.classes, columns)
    assert (bare.task, bare.classes, label_columns(bare)) == (task, wanted.classes, columns)
    assert not is_labelled(bare).any()
    assert not np.asarray(KINDS[task].count(bare, np.arange(4)))[-1].any()


@every_kind
def test_joining_a_table_with_itself_keeps_every_label(task):
    table, kind = table_of(task), KINDS[task]
    columns = COLUMNS if task == "multitask" else ()
    joined = kind.join([table, table], table.classes, columns=columns, prefixes=["old", "."])
    assert joined.classes == table.classes
    for part, prefix in zip(joined.columns, ("old/", ""), strict=True):
        again = table
        for name, values in part.items():
            again = again.with_column(name, values)
        np.testing.assert_array_equal(kind.labels(again), kind.labels(table))
        np.testing.assert_array_equal(kind.count(again, np.arange(4)), kind.count(table, np.arange(4)))
        assert is_labelled(again).tolist() == is_labelled(table).tolist()
        if task == "segmentation":
            assert part["mask"].to_pylist() == [f"{prefix}a.png", f"{prefix}b.png", f"{prefix}c.png", None]


@every_kind
def test_the_formats_of_a_kind_exist(task):
    assert set(KINDS[task].formats) <= set(WRITERS)
    assert ("csv" in KINDS[task].formats) == (KINDS[task].write is not None)


@pytest.mark.parametrize("task", ["classification", "multilabel", "multitask"])
def test_other_labels_take_the_place_of_a_table_s_own(task):
    table, kind = table_of(task), KINDS[task]
    turned = kind.labels(table)[::-1].copy()
    assert kind.with_labels is not None
    np.testing.assert_array_equal(kind.labels(kind.with_labels(table, turned)), turned)


def sets(values: Sequence[Sequence[float]], names: tuple[str, ...]) -> SampleTable:
    matrix = np.array(values, np.float32)
    return SampleTable.build(
        root=Path("/pictures"),
        paths=[f"{row}.png" for row in range(len(matrix))],
        labels=[-1] * len(matrix),
        classes=ClassSpace(names),
        task="multilabel",
        extra={"labels": list_column(matrix)},
    )


def test_label_sets_are_joined_by_name_and_what_a_camera_does_not_label_is_not_known():
    old, new = sets([[1, 0], [0, 1]], ("cat", "dog")), sets([[1, 0, 0], [0, 1, NAN]], ("fox", "dog", "never"))
    joined = KINDS["multilabel"].join([old, new], TWO, prefixes=[".", "."])
    assert joined.classes.names == ("cat", "dog", "fox")  # "never" applies to no image and is unknown to the model
    before, after = (np.array(part["labels"].to_pylist(), np.float32) for part in joined.columns)
    np.testing.assert_array_equal(before, np.array([[1, 0, NAN], [0, 1, NAN]], np.float32))
    np.testing.assert_array_equal(after, np.array([[NAN, 0, 1], [NAN, 1, 0]], np.float32))


def test_label_sets_with_no_label_in_common_are_refused_with_both_lists():
    new = sets([[1]], ("fox",))
    with pytest.raises(DataError, match=r"its classes \['fox'\] and those of the model \['cat', 'dog'\] have no name"):
        KINDS["multilabel"].join([new], TWO, prefixes=["."])
    with pytest.raises(DataError, match=r"\(old cameras\): classes \['fox'\] are unknown to the model"):
        KINDS["multilabel"].join([new, sets([[1]], ("dog",))], TWO, prefixes=[".", "."])


def columns_table(values: Sequence[Sequence[int]], columns: Sequence[LabelColumn]) -> SampleTable:
    matrix = np.array(values, np.int32)
    return SampleTable.build(
        root=Path("/pictures"),
        paths=[f"{row}.png" for row in range(len(matrix))],
        labels=[-1] * len(matrix),
        classes=flat_names(columns),
        task="multitask",
        extra={PREFIX + one.name: pa.array(matrix[:, place]) for place, one in enumerate(columns)},
        meta=columns_meta(columns),
    )


def join_columns(new: SampleTable) -> Joined:
    return KINDS["multitask"].join([new], flat_names(COLUMNS), columns=COLUMNS, prefixes=["."])


def test_label_columns_are_joined_by_name_whatever_their_order_and_a_missing_one_is_missing():
    turned = (LabelColumn("sex", ("m", "f")), LabelColumn("species", ("tit", "owl")))
    joined = join_columns(columns_table([[0, 1], [1, -1]], turned))
    assert {name: values.to_pylist() for name, values in joined.columns[0].items()} == {
        "label:species": [0, -1],
        "label:sex": [1, 0],
    }
    assert (joined.classes, joined.meta) == (flat_names(COLUMNS), columns_meta(COLUMNS))
    joined = join_columns(columns_table([[0], [1]], [LabelColumn("sex", ("f", "m"))]))
    assert joined.columns[0]["label:species"].to_pylist() == [-1, -1]
    assert joined.columns[0]["label:sex"].to_pylist() == [0, 1]


def test_other_label_columns_and_other_classes_in_one_are_refused_with_both_lists():
    with pytest.raises(DataError, match=r"columns are \['age'\], the model knows \['species', 'sex'\]"):
        join_columns(columns_table([[0]], [LabelColumn("age", ("old",))]))
    with pytest.raises(DataError, match=r"'sex' has the classes \['x'\], the model knows \['f', 'm'\]"):
        join_columns(columns_table([[1]], [LabelColumn("sex", ("f", "x"))]))
    unused = join_columns(columns_table([[0]], [LabelColumn("sex", ("f", "x"))]))  # no image has the class "x"
    assert unused.columns[0]["label:sex"].to_pylist() == [0]


def test_the_outputs_of_a_data_set_are_counted_in_the_words_of_its_task():
    said = {task: kind.describe(table_of(task)) for task, kind in KINDS.items()}
    assert said["classification"] == said["detection"] == said["segmentation"] == "2 classes"
    assert said["multilabel"] == "2 labels"
    assert said["multitask"] == "4 classes"
    assert said["regression"] == "2 targets"
    one = SampleTable.build(root=Path("/pictures"), paths=["a.png"], labels=[0], classes=ClassSpace(("owl",)))
    assert KINDS["classification"].describe(one) == "1 class"
