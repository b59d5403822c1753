"""Numbers per image: read from a CSV, split by quantile, checked, joined, written."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vision_ft.data.audit.check import check
from vision_ft.data.audit.values import check_values
from vision_ft.data.formats.csv import labels as csv_labels
from vision_ft.data.kinds import KINDS
from vision_ft.data.split import assign
from vision_ft.data.table import SampleTable
from vision_ft.data.values import VALUES, value_column, value_matrix
from vision_ft.errors import DataError
from vision_ft.types import ClassSpace

KIND = KINDS["regression"]


def write(folder: Path, text: str, *, count: int | None = None) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "index.csv").write_text(text)
    for line in text.splitlines()[1:]:
        Image.new("RGB", (8, 8)).save(folder / line.split(",")[0])
    return folder / "index.csv"


def read(file: Path, **options) -> SampleTable:
    return csv_labels.read(file, task="regression", **options)


def test_the_column_target_is_read_without_being_named(tmp_path: Path):
    table = read(write(tmp_path, "path,target\na.png,1.5\nb.png,\nc.png,-2e3\nd.png,NaN\n"))
    assert table.classes.names == ("target",)
    np.testing.assert_array_equal(value_matrix(table)[:, 0], [1.5, np.nan, -2000, np.nan])
    assert KIND.is_labelled(table).tolist() == [True, False, True, False]


def test_several_targets_are_read_from_the_named_columns(tmp_path: Path):
    file = write(tmp_path, "path,cells,share,note\na.png,3,0.5,x\nb.png,,0.1,y\n")
    table = read(file, label_columns=["share", "cells"])
    assert table.classes.names == ("share", "cells")
    np.testing.assert_array_equal(value_matrix(table), [[0.5, 3], [0.1, np.nan]])


def test_one_named_column_is_enough(tmp_path: Path):
    assert read(write(tmp_path, "path,age\na.png,3\nb.png,4\n"), label_column="age").classes.names == ("age",)


def test_what_is_no_number_is_named_with_its_line(tmp_path: Path):
    file = write(tmp_path, "path,target\na.png,1\nb.png,many\nc.png,inf\n")
    with pytest.raises(
        DataError, match="line 3: target is 'many'; line 4: target is 'inf'. A target is a finite number"
    ):
        read(file)


def test_a_file_without_a_target_says_how_to_name_it(tmp_path: Path):
    with pytest.raises(DataError, match=r"no column 'target'; found are \['path', 'age'\].*data.label_column="):
        read(write(tmp_path, "path,age\na.png,1\n"))


def test_what_is_written_is_read_again(tmp_path: Path):
    table = read(
        write(tmp_path / "old", "path,cells,share\na.png,3,0.123456\nb.png,,7\n"), label_columns=["cells", "share"]
    )
    csv_labels.write(table, tmp_path / "new")
    again = read(tmp_path / "new" / "labels.csv", label_columns=["cells", "share"])
    np.testing.assert_array_equal(value_matrix(again), value_matrix(table))


def table_of(values: np.ndarray, names: tuple[str, ...] = ("target",), root: str = "/data") -> SampleTable:
    return SampleTable.build(
        root=Path(root),
        paths=[f"{row:04d}.png" for row in range(len(values))],
        labels=[-1] * len(values),
        classes=ClassSpace(names),
        task="regression",
        extra={VALUES: value_column(values)},
    )


def test_a_split_is_stratified_by_quantile():
    values = np.random.default_rng(0).gamma(1.0, 100, 400)[:, None]
    table = assign(table_of(values), val=0.2, test=0.2, seed=1)
    means = {split: values[table.rows(split)].mean() for split in ("train", "val", "test")}
    assert len(table.rows("val")) == pytest.approx(80, abs=8)
    assert means["val"] == pytest.approx(means["train"], rel=0.15)
    assert means["test"] == pytest.approx(means["train"], rel=0.15)
    tops = [np.quantile(values[table.rows(split)], 0.95) for split in ("train", "val", "test")]
    assert max(tops) < 1.5 * min(tops), "each split holds its share of the large values"


def test_counts_are_mean_spread_and_number():
    counts = KIND.count(table_of(np.array([[1.0], [3.0], [np.nan]])), np.arange(3))
    np.testing.assert_allclose(counts, [[2.0], [1.0], [2.0]])


@pytest.mark.parametrize(
    ("values", "kind", "words"),
    [
        ([5.0] * 30, "constant-label", "target is 5 in all 30 images"),
        ([5.0] * 29 + [6.0], "mostly-one-value", "target is 5 in 97% of the images"),
        ([*range(1, 30), 9000.0], "far-value", "target is 9000, while half of all values lie between"),
        ([*range(1, 30), np.nan], "no-label", "1 of 30 images have no value that is known"),
    ],
)
def test_the_audit_says_what_is_odd_about_the_numbers(values, kind, words):
    found = {finding.kind: finding.detail for finding in check_values(table_of(np.array(values)[:, None]))}
    assert words in found[kind]


def test_sound_numbers_have_no_findings():
    assert list(check_values(table_of(np.arange(40.0)[:, None]))) == []


def test_cameras_are_joined_by_the_name_of_the_target():
    old = table_of(np.array([[1.0, 2.0]]), ("a", "b"))
    new = table_of(np.array([[5.0]]), ("b",))
    joined = KIND.join([old, new], ClassSpace(("a", "b")), prefixes=(".", "."))
    values = [column[VALUES].to_pylist() for column in joined.columns]
    assert values == [[[1.0, 2.0]], [[None, 5.0]]]


def test_a_target_that_the_model_does_not_predict_is_refused():
    new = table_of(np.array([[5.0]]), ("trees",))
    with pytest.raises(DataError, match=r"its targets are \['trees'\], the model predicts \['cells'\]"):
        KIND.join([new], ClassSpace(("cells",)), prefixes=(".",))


def test_equal_images_with_other_numbers_are_a_conflict():
    table = table_of(np.array([[1.0], [2.0], [np.nan]])).with_column("hash", ["x", "x", "x"])
    conflicts = [finding.detail for finding in check(table) if finding.kind == "label-conflict"]
    assert conflicts[0] == "labelled 'target=1', but 0001.png has the same content, labelled 'target=2'."
