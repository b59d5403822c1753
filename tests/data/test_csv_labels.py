"""CSV files with several labels per image: sets, columns of 0 and 1, columns of class names, and their faults."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from vision_ft.data.formats.csv.labels import read
from vision_ft.data.several_labels import label_columns, label_matrix
from vision_ft.errors import DataError, RecipeError


def write(root: Path, text: str, *, pictures: str = "a.jpg b.jpg c.jpg d.jpg") -> Path:
    for name in pictures.split():
        (root / name).touch()
    file = root / "index.csv"
    file.write_text(text)
    return file


def details(table) -> list[tuple[str, str]]:
    return [(remark.level, remark.detail) for remark in table.remarks]


def test_a_set_of_labels_becomes_zeros_and_ones_and_an_empty_cell_has_none(tmp_path: Path) -> None:
    table = read(write(tmp_path, "path,labels\na.jpg,dog; cat\nb.jpg,\nc.jpg,cat;;cat\nd.jpg,dog\n"), task="multilabel")
    assert table.task == "multilabel"
    assert table.classes.names == ("cat", "dog")
    assert label_matrix(table).tolist() == [[1, 1], [0, 0], [1, 0], [0, 1]]
    assert table.labels.tolist() == [-1] * 4
    assert details(table) == [("info", "labels are separated by ';', in 2 of 3 cells; data.label_separator sets it.")]


@pytest.mark.parametrize(("mark", "cell"), [("|", "cat|dog"), (",", '"cat,dog"'), (" ", "cat dog")])
def test_the_separator_is_found(tmp_path: Path, mark: str, cell: str) -> None:
    table = read(write(tmp_path, f"path,labels\na.jpg,{cell}\nb.jpg,cat\nc.jpg,dog\n"), task="multilabel")
    assert table.classes.names == ("cat", "dog")
    assert f"separated by {mark!r}, in 1 of 3 cells" in table.remarks[0].detail


def test_a_space_inside_names_that_never_come_back_separates_nothing(tmp_path: Path) -> None:
    table = read(write(tmp_path, "path,labels\na.jpg,traffic light\nb.jpg,zebra crossing\n"), task="multilabel")
    assert table.classes.names == ("traffic light", "zebra crossing")
    assert details(table)[0][1].startswith("no separator was found: an image has one label or none;")


def test_two_marks_are_warned_of_and_a_given_one_is_kept(tmp_path: Path) -> None:
    file = write(tmp_path, "path;labels\na.jpg;x|y\nb.jpg;x|y\nc.jpg;x,y\n")
    table = read(file, task="multilabel")
    assert details(table)[0][0] == "warning"
    assert details(table)[0][1].startswith("'|' separates labels in 2 cells, but there is ',' in 1;")
    assert table.classes.names == ("x", "x,y", "y")
    given = read(file, task="multilabel", label_separator=",")
    assert given.classes.names == ("x", "x|y", "y")
    assert given.remarks == ()


def test_columns_of_zeros_and_ones_are_labels_and_empty_cells_are_unknown(tmp_path: Path) -> None:
    file = write(tmp_path, "path,Dog,cat\na.jpg,1,0\nb.jpg,,yes\nc.jpg,0.0,TRUE\nd.jpg,no,\n")
    table = read(file, task="multilabel", label_columns=["cat", "dog"])
    assert table.classes.names == ("cat", "Dog")
    expected = [[0, 1], [1, np.nan], [1, 0], [np.nan, 0]]
    np.testing.assert_array_equal(label_matrix(table), np.array(expected, np.float32))


def test_a_cell_that_is_neither_is_refused_with_its_line(tmp_path: Path) -> None:
    file = write(tmp_path, "path,cat\na.jpg,1\nb.jpg,maybe\nc.jpg,-1\n")
    with pytest.raises(DataError, match=r"line 3: cat is 'maybe'; line 4: cat is '-1'. Allowed are 1 and 0.*-1 means"):
        read(file, task="multilabel", label_columns=["cat"])


def test_columns_of_names_are_tasks_of_their_own_and_empty_cells_are_missing(tmp_path: Path) -> None:
    file = write(
        tmp_path, "path,species,sex,split\na.jpg,robin,f,train\nb.jpg,owl,,train\nc.jpg,,m,train\nd.jpg,owl,f,val\n"
    )
    table = read(file, task="multitask", label_columns=["species", "sex"])
    assert [(column.name, column.classes) for column in label_columns(table)] == [
        ("species", ("owl", "robin")),
        ("sex", ("f", "m")),
    ]
    assert label_matrix(table).tolist() == [[1, 0], [0, -1], [-1, 1], [0, 0]]
    assert table.classes.names == ("species=owl", "species=robin", "sex=f", "sex=m")


def test_a_class_that_only_val_holds_is_refused_with_its_column(tmp_path: Path) -> None:
    file = write(tmp_path, "path,sex,split\na.jpg,f,train\nb.jpg,m,val\n")
    with pytest.raises(DataError, match=r"column 'sex': val holds the classes \['m'\], which train lacks"):
        read(file, task="multitask", label_columns=["sex"])
    file = write(tmp_path, "path,labels,split\na.jpg,f,train\nb.jpg,m;f,val\n")
    with pytest.raises(DataError, match=r"val holds the classes \['m'\], which train lacks"):
        read(file, task="multilabel")


def test_what_is_asked_for_wrongly_is_named(tmp_path: Path) -> None:
    file = write(tmp_path, "path,labels,sex\na.jpg,x;y,\nb.jpg,x,\n")
    with pytest.raises(RecipeError, match=r"data.label_columns: not set.*has \['path', 'labels', 'sex'\]"):
        read(file, task="multitask")
    with pytest.raises(RecipeError, match=r"\['labels'\] is named twice"):
        read(file, task="multitask", label_columns=["labels", "Labels"])
    with pytest.raises(DataError, match=r"no row has a label in \['sex'\]. Remove it from data.label_columns"):
        read(file, task="multitask", label_columns=["labels", "sex"])
    with pytest.raises(DataError, match=r"no column 'sexe'.*Did you mean \"sex\"\?.*data.label_columns="):
        read(file, task="multitask", label_columns=["sexe"])
    with pytest.raises(DataError, match=r"no row has a label. Name the column of labels with data.label_column="):
        read(file, task="multilabel", label_column="sex")
    with pytest.raises(DataError, match=r"no column 'label'.*For several labels an image set task=multilabel"):
        read(file)


def test_a_picture_listed_twice_with_other_labels_is_a_conflict(tmp_path: Path) -> None:
    file = write(tmp_path, "path,labels\na.jpg,x;y\nb.jpg,y\n./a.jpg,y\n")
    with pytest.raises(DataError, match=r"line 4: a.jpg was already listed on line 2 with another label: 'x; y' there"):
        read(file, task="multilabel")


def test_an_endless_label_is_refused_with_its_line(tmp_path: Path) -> None:
    file = write(tmp_path, f"path,labels\na.jpg,x\nb.jpg,x;{'y' * 501}\n")
    with pytest.raises(DataError, match=r"line 3: label of 501 characters"):
        read(file, task="multilabel")
