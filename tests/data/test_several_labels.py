"""Several labels a picture in the sample table: on disk, in splits, in the audit, and in the converter."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

import vision_ft as vf
from vision_ft.config.schema.data import DataConfig
from vision_ft.converting import convert
from vision_ft.data.audit.audit import check
from vision_ft.data.kinds import KINDS
from vision_ft.data.several_labels import (
    PREFIX,
    FlatLabels,
    count_known,
    flat_names,
    is_labelled,
    label_matrix,
    list_column,
    one_hot,
)
from vision_ft.data.split import assign
from vision_ft.data.table import SampleTable
from vision_ft.errors import DataError, RecipeError
from vision_ft.types import ClassSpace, LabelColumn
from vision_ft.wiring.data import prepare_table, read_table

NAN = np.nan
COLUMNS = [LabelColumn("species", ("owl", "robin", "tit")), LabelColumn("sex", ("f", "m"))]


def sets(values: object, names: tuple[str, ...] = ("cat", "dog", "fox"), **columns: object) -> SampleTable:
    matrix = np.array(values, np.float32)
    paths = [f"{row:03d}.png" for row in range(len(matrix))]
    extra = {"labels": list_column(matrix)}
    return SampleTable.build(
        root=Path("/pictures"),
        paths=paths,
        labels=[-1] * len(matrix),
        classes=ClassSpace(names),
        task="multilabel",
        extra=extra,
        **columns,
    )


def tasks(values: object, **columns: object) -> SampleTable:
    matrix = np.array(values, np.int32)
    extra = {PREFIX + one.name: pa.array(matrix[:, place]) for place, one in enumerate(COLUMNS)}
    return SampleTable.build(
        root=Path("/pictures"),
        paths=[f"{row:03d}.png" for row in range(len(matrix))],
        labels=[-1] * len(matrix),
        classes=flat_names(COLUMNS),
        task="multitask",
        extra=extra,
        meta={"tasks": [{"name": one.name, "classes": list(one.classes)} for one in COLUMNS]},
        **columns,
    )


def strata_of(table: SampleTable) -> list[int]:
    return KINDS[table.task].strata(table).tolist()


def kinds(table: SampleTable) -> dict[str, str]:
    return {finding.kind: finding.detail for finding in check(table)}


def test_labels_survive_the_disk_and_unknown_ones_stay_unknown(tmp_path: Path) -> None:
    for table in (sets([[1, NAN, 0], [0, 0, 0]]), tasks([[2, -1], [0, 1]])):
        table.write(tmp_path / "data.parquet")
        again = SampleTable.read(tmp_path / "data.parquet")
        np.testing.assert_array_equal(label_matrix(again), label_matrix(table))
        assert (again.task, again.classes, again.meta) == (table.task, table.classes, table.meta)
        assert again.fingerprint() == table.fingerprint()
        np.testing.assert_array_equal(label_matrix(again.take([1])), label_matrix(table)[1:])


def test_the_fingerprint_knows_every_label() -> None:
    prints = {sets([[1, 0, 0]]).fingerprint(), sets([[1, NAN, 0]]).fingerprint(), sets([[1, 1, 0]]).fingerprint()}
    assert len(prints) == 3
    assert tasks([[0, 0]]).fingerprint() != tasks([[0, 1]]).fingerprint()


def test_label_columns_lie_side_by_side_as_zeros_and_ones() -> None:
    table = tasks([[2, -1], [0, 1], [-1, -1]])
    expected = [[0, 0, 1, NAN, NAN], [1, 0, 0, 0, 1], [NAN] * 5]
    np.testing.assert_array_equal(one_hot(table), np.array(expected, np.float32))
    assert is_labelled(label_matrix(table)).tolist() == [True, True, False]
    assert count_known(table, np.array([0, 1])).tolist() == [[1, 2, 1, 1, 0], [1, 0, 1, 0, 1]]


def test_rows_are_stratified_by_their_rarest_label() -> None:
    assert strata_of(sets([[1, 1, 0], [1, 0, 0], [1, 0, 1], [0, 0, 0], [1, 1, NAN]])) == [1, 0, 2, -1, 1]
    assert strata_of(tasks([[0, 0], [0, 0], [1, 0], [0, 1], [-1, -1]])) == [0, 0, 1, 4, -1]


def test_a_split_spreads_rare_labels_and_keeps_groups_whole() -> None:
    rng = np.random.default_rng(0)
    values = np.column_stack([rng.random(200) < 0.6, rng.random(200) < 0.3, np.arange(200) % 40 == 0])
    table = assign(sets(values), val=0.2, test=0.2, seed=1)
    found = {split: count_known(table, table.rows(split))[1] for split in ("train", "val", "test")}
    assert found["train"][2] == 3
    assert found["val"][2] == found["test"][2] == 1
    assert abs(found["val"][1] / found["train"][1] - 1 / 3) < 0.12
    groups = [f"g{row // 4}" for row in range(200)]
    grouped = assign(sets(values, groups=groups), val=0.2, test=0.2, seed=1)
    assert all(len(set(grouped.splits[start : start + 4])) == 1 for start in range(0, 200, 4))
    assert {"train", "val", "test"} == set(grouped.splits)


def test_the_audit_names_labels_that_teach_nothing() -> None:
    found = kinds(sets([[1, 0, 0], [1, 1, 0], [1, NAN, 0]], splits=["train", "train", "val"]))
    assert found["empty-class"] == "['fox'] apply to no usable picture: nothing can be learnt. Remove them."
    assert found["constant-label"].startswith("['cat'] apply to every picture where they are known")
    assert found["class-missing-in-split"] == "val has no picture of ['dog']: nothing is measured of them there."
    found = kinds(tasks([[0, 0], [1, 0], [1, -1], [-1, -1]], splits=["train"] * 4))
    assert found["constant-label"] == "the column 'sex' has one class only: ['f']. Remove it from data.label_columns."
    assert found["no-label"] == "1 of 4 pictures have no label that is known."
    assert kinds(sets([[0, 0, NAN]]))["no-label"] == "none of the labels ['cat', 'dog', 'fox'] applies to any picture."


def test_the_audit_names_a_label_that_train_lacks_and_one_that_is_rare() -> None:
    rows = [[1, 0, 0]] + [[0, 1, 0]] * 20 + [[0, 0, 1]]
    found = {finding.kind: finding for finding in check(sets(rows, splits=["train"] * 21 + ["val"]))}
    assert found["imbalance"].detail.startswith("['cat'] apply to few training pictures, 'cat' to 1 of 21.")
    missing = [
        one for one in check(sets(rows, splits=["train"] * 21 + ["val"])) if one.kind == "class-missing-in-split"
    ]
    assert (missing[0].level, missing[0].detail) == (
        "error",
        "train has no picture of ['fox'], which can then not be learnt.",
    )


def test_equal_pictures_with_contradicting_labels_are_errors_and_unknown_contradicts_nothing() -> None:
    values = [[1, 0, 0], [1, 1, 0], [1, NAN, 0], [0, 0, 1]]
    table = sets(values, splits=["train"] * 4).with_column("hash", ["x", "x", "x", "y"])
    found = {finding.path: finding for finding in check(table) if finding.path}
    assert found["000.png"].kind == "label-conflict"
    assert found["000.png"].detail == "labelled 'cat', but 001.png has the same content, labelled 'cat; dog'."
    assert found["002.png"].kind == "exact-duplicate"
    labels = FlatLabels(table)
    assert (labels.differ(0, 1), labels.differ(0, 2), labels.differ(1, 2)) == (True, False, False)


def draw(root: Path, text: str) -> Path:
    rng = np.random.default_rng(0)
    for name in "abcdefgh":
        Image.fromarray(rng.integers(0, 255, (24, 24, 3), np.uint8)).save(root / f"{name}.png")
    (root / "index.csv").write_text(text)
    return root / "index.csv"


LABELS = ["cat;dog", "cat", "", "dog", "cat;dog", "dog", "cat", ""]


def test_the_recipe_tells_what_the_labels_are(tmp_path: Path) -> None:
    lines = [f"{name}.png,{labels}" for name, labels in zip("abcdefgh", LABELS, strict=True)]
    file = draw(tmp_path, "\n".join(["path,labels", *lines]))
    table, findings = prepare_table(DataConfig(path=str(file), val=0.3, test=0), task="multilabel", seed=0, threads=1)
    assert table.task == "multilabel"
    assert findings[0].kind == "label-separator"
    assert count_known(table, table.rows("val"))[1].min() >= 1
    for name in ("cat", "dog"):
        (tmp_path / "folder" / name).mkdir(parents=True)
        Image.new("RGB", (8, 8)).save(tmp_path / "folder" / name / "1.png")
    with pytest.raises(
        RecipeError, match=r"got multilabel, but .* holds one label a picture. Add --task classification"
    ):
        prepare_table(DataConfig(path=str(tmp_path / "folder")), task="multilabel", seed=0, threads=1)
    with pytest.raises(RecipeError, match=r"data.label_columns is set, but the format imagefolder does not take it"):
        read_table(DataConfig(path=str(tmp_path / "folder"), label_columns=["a"]))


def test_the_audit_command_reads_several_labels(tmp_path: Path) -> None:
    lines = [f"{name}.png,{labels}" for name, labels in zip("abcdefgh", LABELS, strict=True)]
    table, _ = vf.audit(draw(tmp_path, "\n".join(["path,labels", *lines])), overrides=["task=multilabel"])
    assert table.classes.names == ("cat", "dog")


@pytest.mark.parametrize(
    ("header", "rows", "task", "columns"),
    [
        ("path,labels", LABELS, "multilabel", None),
        ("path,cat,dog", ["1,0", "1,", "0,1", ",", "1,1", "0,0", "0,1", "1,1"], "multilabel", ["cat", "dog"]),
        ("path,species,sex", ["owl,f", "tit,", "tit,m", ",f", "owl,m", "owl,f", "tit,f", "owl,"], "multitask", None),
    ],
)
def test_several_labels_survive_the_converter(tmp_path: Path, header, rows, task, columns) -> None:
    (tmp_path / "in").mkdir()
    lines = [f"{name}.png,{cells}" for name, cells in zip("abcdefgh", rows, strict=True)]
    file = draw(tmp_path / "in", "\n".join([header, *lines]))
    columns = ["species", "sex"] if task == "multitask" else columns
    said = [f"task={task}", *([] if columns is None else [f"data.label_columns={columns}"])]
    first = convert(file, tmp_path / "one", to="csv", overrides=said)
    again = convert(tmp_path / "one" / "labels.csv", tmp_path / "two", to="csv", overrides=said)
    np.testing.assert_array_equal(label_matrix(again.table), label_matrix(first.table))
    assert (tmp_path / "two" / "labels.csv").read_text() == (tmp_path / "one" / "labels.csv").read_text()
    assert again.table.classes == first.table.classes
    with pytest.raises(DataError, match=r"holds several .*labels.*, which an image folder cannot hold. Use --to csv"):
        convert(file, tmp_path / "three", to="imagefolder", overrides=said)


@pytest.mark.parametrize("name", ["a, b", "c;d", "red car", "x|y"])
def test_labels_with_a_separator_in_their_name_become_columns(tmp_path: Path, name: str) -> None:
    table = sets([[1, 1, 0], [0, 0, 1], [1, 0, 1]], names=("bird", name, "cat"))
    header, cells = KINDS[table.task].write(table)
    assert header == ["bird", name, "cat"]
    assert cells == [["1", "1", "0"], ["0", "0", "1"], ["1", "0", "1"]]


def test_a_label_called_as_a_column_of_the_file_cannot_be_written() -> None:
    table = sets([[1, 0]], names=("path", "dog"))
    with pytest.raises(DataError, match=r"labels named \['path'\] cannot be columns"):
        KINDS[table.task].write(table)
