"""CSV files: columns, roots, groups, and the place of every fault."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from vision_ft.data.formats.csv.labels import read
from vision_ft.errors import DataError


def write(root: Path, text: str | bytes, *, pictures: str = "a.jpg b.jpg c.jpg") -> Path:
    for name in pictures.split():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    file = root / "index.csv"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return file


def test_split_and_group_columns_are_found_and_empty_cells_are_null(tmp_path: Path) -> None:
    table = read(write(tmp_path, "group,path,label,split\nx,a.jpg,cat,training\n,b.jpg,dog,\ny,c.jpg,dog,VALID\n"))
    assert table.splits.tolist() == ["train", None, "val"]
    assert table.groups is not None
    assert table.groups.tolist() == ["x", None, "y"]
    assert table.classes.names == ("cat", "dog")


def test_columns_are_named_by_options_and_found_whatever_their_case(tmp_path: Path) -> None:
    file = write(tmp_path, "File,Klass,Fold,Site\na.jpg,cat,train,x\nb.jpg,dog,train,y\nc.jpg,dog,test,z\n")
    options = {"path_column": "file", "label_column": "Klass", "split_column": "Fold", "group_column": "Site"}
    table = read(file, **options)
    assert table.splits.tolist() == ["train", "train", "test"]
    with pytest.raises(
        DataError, match=r"index.csv line 1: no column 'Clas'.*Did you mean \"Klass\"\? Name the column"
    ):
        read(file, **(options | {"label_column": "Clas"}))
    with pytest.raises(DataError, match=r"no column 'Folds'.*data.split_column="):
        read(file, **(options | {"split_column": "Folds"}))


def test_paths_start_from_the_file_or_from_root_and_may_be_absolute_within_it(tmp_path: Path) -> None:
    file = write(tmp_path, f"path,label\n./sub//a.jpg,cat\n{tmp_path}/b.jpg,dog\n", pictures="sub/a.jpg b.jpg")
    assert read(file).arrow["path"].to_pylist() == ["sub/a.jpg", "b.jpg"]
    with pytest.raises(DataError, match="line 3: path '.*b.jpg' leaves the data folder"):
        read(file, root=tmp_path / "sub")


def test_windows_separators_are_understood(tmp_path: Path) -> None:
    table = read(write(tmp_path, "path,label\nsub\\a.jpg,cat\nb.jpg,dog\n", pictures="sub/a.jpg b.jpg"))
    assert table.arrow["path"].to_pylist() == ["sub/a.jpg", "b.jpg"]


def test_names_that_are_not_utf8_are_read_but_labels_must_be(tmp_path: Path) -> None:
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.jpg")).touch()
    table = read(write(tmp_path, b"path,label\ncaf\xe9.jpg,cat\nb.jpg,dog\n"))
    assert table.arrow["path"].to_pylist() == [r"caf\xe9.jpg", "b.jpg"]
    assert table.path(0).is_file()
    with pytest.raises(DataError, match=r"line 2: label .* is not UTF-8. Save the file as UTF-8"):
        read(write(tmp_path, b"path,label\na.jpg,caf\xe9\nb.jpg,dog\n"))


def test_a_pattern_makes_groups_where_no_column_does(tmp_path: Path) -> None:
    file = write(
        tmp_path, "path,label\ns1_1.jpg,cat\ns1_2.jpg,dog\ns2_1.jpg,dog\n", pictures="s1_1.jpg s1_2.jpg s2_1.jpg"
    )
    table = read(file, group_pattern="{sequence}_*")
    assert table.groups is not None
    assert table.groups.tolist() == ["s1", "s1", "s2"]


def test_a_class_that_train_lacks_is_named(tmp_path: Path) -> None:
    file = write(tmp_path, "path,label,split\na.jpg,cat,train\nb.jpg,dog,train\nc.jpg,fox,test\n")
    with pytest.raises(
        DataError, match=r"test holds the classes \['fox'\], which train lacks; train has \['cat', 'dog'\]"
    ):
        read(file)


def test_the_first_ten_lines_are_listed_and_the_rest_counted(tmp_path: Path) -> None:
    lines = "".join(f"gone{i}.jpg,cat\n" for i in range(15))
    with pytest.raises(DataError) as caught:
        read(write(tmp_path, f"path,label\na.jpg,dog\n{lines}"))
    message = str(caught.value)
    assert "line 12: gone9.jpg: no such file" in message
    assert "gone10" not in message
    assert "and 5 more. 15 of 16 files are missing" in message


def test_an_unclosed_quote_is_said_with_the_line_it_starts_on(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"index.csv line 3: not valid CSV .*in double quotes"):
        read(write(tmp_path, 'path,label\na.jpg,cat\n"b.jpg,dog\nc.jpg,dog\n'))


def test_a_tab_separated_file_and_quoted_delimiters_are_read(tmp_path: Path) -> None:
    assert len(read(write(tmp_path, "path\tlabel\na.jpg\tcat\nb.jpg\tdog\n"))) == 2
    table = read(write(tmp_path, 'path,label\na.jpg,"cat, ""small"""\nb.jpg,dog\n\n'))
    assert table.classes.names == ('cat, "small"', "dog")


def test_a_device_or_a_folder_is_not_opened(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="not a regular file"):
        read(Path("/dev/zero"))
    (tmp_path / "link.jpg").symlink_to("/dev/zero")
    with pytest.raises(DataError, match="line 2: link.jpg: no such file, or not a regular one"):
        read(write(tmp_path, "path,label\nlink.jpg,cat\na.jpg,dog\n"))


def test_the_parking_index_of_a_user_is_read_with_its_own_columns(shared: Path) -> None:
    folder = shared / "data" / "parking_patches"
    table = read(folder / "index_cropped.csv", path_column="file", group_column="frame")
    assert table.classes.names == ("busy", "free")
    assert table.groups is not None
    assert len(table) == 326
    assert "2015-11-16_0910" in set(table.groups)


def test_rows_may_lack_a_label_where_that_is_allowed(tmp_path: Path) -> None:
    file = write(tmp_path, "path,label,split\na.jpg,,train\nb.jpg,dog,train\nc.jpg,cat,val\n")
    table = read(file, unlabelled=True)
    assert table.classes.names == ("cat", "dog"), "a model knows classes that train need not hold"
    assert table.labels.tolist() == [-1, 1, 0]
    with pytest.raises(DataError, match="line 2: no label"):
        read(file)


def test_a_file_may_lack_the_label_column_but_not_one_that_was_asked_for(tmp_path: Path) -> None:
    file = write(tmp_path, "path,state\na.jpg,cat\nb.jpg,dog\n")
    assert read(file, unlabelled=True).labels.tolist() == [-1, -1]
    assert read(file, unlabelled=True, label_column="state").classes.names == ("cat", "dog")
    with pytest.raises(DataError, match="no column 'stat'"):
        read(file, unlabelled=True, label_column="stat")
