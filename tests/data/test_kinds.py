"""Every kind keeps what the data side asks of a task, and a kind of its own needs no other place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

from vision_ft.data.audit.audit import check
from vision_ft.data.boxes import BOXES
from vision_ft.data.class_table import ClassTable
from vision_ft.data.formats import WRITERS
from vision_ft.data.formats.csv import labels as csv_labels
from vision_ft.data.kinds import KINDS
from vision_ft.data.kinds.base import Joined, Kind, Labels
from vision_ft.data.labelled import as_unlabelled, is_labelled, labelled_rows, names_present
from vision_ft.data.loading.targets import LabelTruth
from vision_ft.data.reading.index import Index
from vision_ft.data.reading.labels import LabelOptions, find_columns
from vision_ft.data.several_labels import PREFIX, columns_meta, flat_names, label_columns, list_column
from vision_ft.data.split import assign
from vision_ft.data.table import SampleTable
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
    assert kind.strata(table).tolist() == ([0, 2, 1, -1] if task == "multitask" else [0, 1, -1, -1])


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


# A kind that the package does not have: one number per column and image.


@dataclass(frozen=True)
class Numbers:
    names: list[str]
    values: np.ndarray
    texts: list[str]
    remarks: tuple[Any, ...] = ()

    def columns(self, rows: Sequence[int], splits: Any, *, where: str) -> dict[str, Any]:
        del splits, where
        extra = {PREFIX + name: pa.array(self.values[rows, place]) for place, name in enumerate(self.names)}
        common = {"labels": [-1] * len(rows), "classes": ClassSpace(tuple(self.names)), "task": "regression"}
        return common | {"extra": extra}


def read_numbers(index: Index, options: LabelOptions) -> Numbers:
    names = find_columns(index, options) or [str(index.find("label_column", options.column))]
    cells = list(zip(*(index.column(name) or [] for name in names), strict=True))
    wrong = [
        (row, f"{cell!r} is no number")
        for row, texts in enumerate(cells)
        for cell in texts
        if cell and not cell.replace(".", "", 1).isdecimal()
    ]
    if wrong:
        raise index.fail(wrong, "Write numbers, or leave the cell empty.")
    values = np.array([[float(cell) if cell else NAN for cell in texts] for texts in cells])
    return Numbers(names, values, [";".join(texts) for texts in cells])


def numbers_of(table: SampleTable) -> np.ndarray:
    columns = [table.arrow.column(PREFIX + name).to_numpy() for name in table.classes.names]
    return np.stack(columns, axis=1).astype(np.float32)


def quartiles(table: SampleTable) -> np.ndarray:
    first = numbers_of(table)[:, 0]
    borders = np.nanquantile(first, [0.25, 0.5, 0.75])
    return np.where(np.isnan(first), -1, np.searchsorted(borders, first)).astype(np.int64)


class NumberRows:
    def __init__(self, table: SampleTable) -> None:
        self.values = numbers_of(table)
        self.ids = np.unique(self.values, axis=0, return_inverse=True)[1].reshape(-1)

    def differ(self, one: int, other: int) -> bool:
        return bool((np.abs(self.values[one] - self.values[other]) > 0).any())

    def text(self, row: int) -> str:
        return repr("; ".join(f"{value:g}" for value in self.values[row]))


def join_numbers(tables: Sequence[SampleTable], known: ClassSpace, *, columns: Any = (), prefixes: Any) -> Joined:
    raise NotImplementedError


REGRESSION = Kind(
    holds="numbers",
    formats=("csv",),
    targets=lambda table, movement, *, keep_bytes=0: LabelTruth(numbers_of(table)),
    labels=numbers_of,
    is_labelled=lambda table: (~np.isnan(numbers_of(table))).any(axis=1),
    count=lambda table, rows: (~np.isnan(numbers_of(table)[rows])).sum(axis=0),
    strata=quartiles,
    audit=lambda table: [],
    rows=NumberRows,
    read=read_numbers,
    join=join_numbers,
    unlabelled=lambda count, classes, columns: Labels(
        {PREFIX + name: pa.array(np.full(count, NAN)) for name in classes.names}
    ),
    needs_recipe=True,
)


@pytest.fixture
def numbers(tmp_path, monkeypatch):
    monkeypatch.setitem(KINDS, "regression", REGRESSION)
    for row in range(24):
        Image.new("RGB", (8, 8), (row, 0, 0)).save(tmp_path / f"{row:02d}.png")

    def read(cells: Sequence[str], **options: Any) -> SampleTable:
        lines = [f"{row:02d}.png,{cell}" for row, cell in enumerate(cells)]
        (tmp_path / "index.csv").write_text("\n".join(["path,target,width", *lines]))
        return csv_labels.read(tmp_path / "index.csv", task="regression", **options)

    return read


def test_a_kind_of_numbers_reads_a_csv_and_splits_by_quantiles(numbers):
    table = numbers([f"{row},{row / 2}" for row in range(23)] + [",1"], label_columns=["target", "width"])
    assert (table.task, table.classes.names) == ("regression", ("target", "width"))
    assert KINDS["regression"].labels(table)[5].tolist() == [5.0, 2.5]
    assert is_labelled(table).all()
    split = assign(table, val=0.25, test=0.25, seed=0)
    for name in ("val", "test"):
        assert set(quartiles(split)[split.rows(name)].tolist()) >= {0, 1, 2, 3}
    batch = REGRESSION.targets(table, None).collate([KINDS["regression"].labels(table)[row] for row in (0, 23)])
    np.testing.assert_array_equal(batch.labels.numpy(), np.array([[0, 0], [NAN, 1]], np.float32))


def test_a_kind_of_numbers_names_the_lines_at_fault_and_equal_images_with_other_numbers(numbers):
    with pytest.raises(DataError, match=r"line 3: 'much' is no number\. Write numbers"):
        numbers(["1,1", "much,1"], label_column="target")
    table = numbers(["1,1", "2,1"], label_column="target").with_column("hash", ["x", "x"])
    conflicts = [finding.detail for finding in check(table) if finding.kind == "label-conflict"]
    assert conflicts[0] == "labelled '1', but 01.png has the same content, labelled '2'."
