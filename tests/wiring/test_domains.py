"""The images of two cameras in one table: label sets and label columns, and images without any label."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vision_ft.config.schema.data import DataConfig
from vision_ft.data.kinds import KINDS
from vision_ft.data.labelled import is_labelled
from vision_ft.data.several_labels import label_columns, label_matrix
from vision_ft.data.table import SampleTable
from vision_ft.errors import DataError, RecipeError
from vision_ft.types import ClassSpace, LabelColumn
from vision_ft.wiring.domains import NEW, OLD, domains, join_domains, read_new, read_old

NAN = np.nan
SETS = ClassSpace(("cat", "dog"))
COLUMNS = (LabelColumn("species", ("owl", "tit")), LabelColumn("sex", ("f", "m")))
FLAT = ClassSpace(("species=owl", "species=tit", "sex=f", "sex=m"))


def camera(root: Path, header: str, cells: list[str], *, seed: int) -> Path:
    """Write noise that no other camera has, and index.csv."""
    root.mkdir()
    rng = np.random.default_rng(seed)
    lines = [header]
    for row, cell in enumerate(cells):
        Image.fromarray(rng.integers(0, 255, (24, 24, 3), np.uint8)).save(root / f"{row}.png")
        lines.append(f"{row}.png,{cell}" if cell is not None else f"{row}.png")
    (root / "index.csv").write_text("\n".join(lines))
    return root / "index.csv"


def join(
    old: DataConfig, new: DataConfig, *, task: str, classes: ClassSpace, columns: tuple[LabelColumn, ...] = ()
) -> tuple[SampleTable, dict[str, str]]:
    given = read_new(new, task=task, classes=classes, columns=columns, seed=0, threads=1)[0]  # type: ignore[arg-type]
    kept = read_old(None, old, task=task, seed=0, threads=1)  # type: ignore[arg-type]
    table, findings = join_domains(kept.table, given, classes, columns=columns)
    return table, {finding.kind: finding.detail for finding in findings}


@pytest.fixture
def old_sets(tmp_path) -> DataConfig:
    return DataConfig(path=str(camera(tmp_path / "old", "path,labels", ["cat", "dog", "cat;dog", ""] * 2, seed=1)))


@pytest.fixture
def old_columns(tmp_path) -> DataConfig:
    cells = ["owl,f", "tit,m", "owl,", "tit,f"] * 2
    file = camera(tmp_path / "old", "path,species,sex", cells, seed=1)
    return DataConfig(path=str(file), label_columns=["species", "sex"])


def test_label_sets_of_two_cameras_are_one_table_and_a_new_label_is_not_known_of_the_old_one(old_sets, tmp_path):
    file = camera(tmp_path / "new", "path,dog,fox", ["1,0", "0,1", "1,", ",1"] * 2, seed=2)
    new = DataConfig(path=str(file), label_columns=["dog", "fox"])
    table, said = join(old_sets, new, task="multilabel", classes=SETS)
    assert table.classes.names == ("cat", "dog", "fox")
    values = label_matrix(table)
    assert np.isnan(values[domains(table) == OLD, 2]).all()
    assert not np.isnan(values[domains(table) == OLD, :2]).any()
    np.testing.assert_array_equal(
        values[domains(table) == NEW][:4],
        np.array([[NAN, 1, 0], [NAN, 0, 1], [NAN, 1, NAN], [NAN, NAN, 1]], np.float32),
    )
    assert said["class-added"] == "the model learns the classes ['fox']."
    assert said["class-absent-on-new"].startswith("the new camera has no picture of ['cat']")
    assert table.relative_path(0) == "old/0.png"


@pytest.mark.parametrize("is_folder", [True, False])
def test_images_without_labels_serve_a_model_of_label_sets(old_sets, tmp_path, is_folder):
    file = camera(tmp_path / "new", "path", [None] * 8, seed=2)
    new = DataConfig(path=str(file.parent if is_folder else file))
    table, said = join(old_sets, new, task="multilabel", classes=SETS)
    assert table.classes == SETS
    assert is_labelled(table).tolist() == [True] * 8 + [False] * 8
    assert said["unlabelled"] == "8 of 8 pictures of the new camera have no label."


def test_label_columns_of_two_cameras_are_one_table_by_name(old_columns, tmp_path):
    file = camera(tmp_path / "new", "path,sex,note", ["m,x", "f,y", ",z", "m,x"] * 2, seed=2)
    new = DataConfig(path=str(file), label_columns=["sex"])
    table, _ = join(old_columns, new, task="multitask", classes=FLAT, columns=COLUMNS)
    assert (table.classes, label_columns(table)) == (FLAT, COLUMNS)
    assert label_matrix(table)[domains(table) == NEW][:4].tolist() == [[-1, 1], [-1, 0], [-1, -1], [-1, 1]]
    assert label_matrix(table)[domains(table) == OLD][:4].tolist() == [[0, 0], [1, 1], [0, -1], [1, 0]]


@pytest.mark.parametrize("is_folder", [True, False])
def test_images_without_labels_serve_a_model_of_label_columns(old_columns, tmp_path, is_folder):
    file = camera(tmp_path / "new", "path", [None] * 8, seed=2)
    new = DataConfig(path=str(file.parent if is_folder else file))
    table, _ = join(old_columns, new, task="multitask", classes=FLAT, columns=COLUMNS)
    assert is_labelled(table).tolist() == [True] * 8 + [False] * 8
    assert KINDS["multitask"].count(table, np.arange(16)).tolist() == [4, 4, 4, 2]


def test_label_columns_that_are_not_named_are_asked_for_and_other_ones_refused(old_columns, tmp_path):
    file = camera(tmp_path / "new", "path,age", ["old", "young"] * 4, seed=2)
    with pytest.raises(RecipeError, match=r"data.label_columns: not set"):
        read_new(DataConfig(path=str(file)), task="multitask", classes=FLAT, columns=COLUMNS, seed=0, threads=1)
    new = DataConfig(path=str(file), label_columns=["age"])
    with pytest.raises(DataError, match=r"its label columns are \['age'\], the model knows \['species', 'sex'\]"):
        join(old_columns, new, task="multitask", classes=FLAT, columns=COLUMNS)
