"""Every dataset format gives the expected rows for a tiny set, and a DataError for a broken one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from vision_ft.data.formats import FORMATS, detect
from vision_ft.errors import DataError
from vision_ft.testing import check_format

ROWS = [("train", "cat", "1.png"), ("train", "dog", "2.png"), ("train", "dog", "3.png"), ("val", "cat", "4.png")]


def write_pictures(root: Path) -> None:
    for split, label, name in ROWS:
        (root / split / label).mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (4, 4)).save(root / split / label / name)


def make_imagefolder(root: Path) -> Path:
    write_pictures(root)
    return root


def make_csv(root: Path) -> Path:
    write_pictures(root)
    lines = [f"{split}/{label}/{name},{label},{split}" for split, label, name in ROWS]
    (root / "index.csv").write_text("\n".join(["path,label,split", *lines]))
    return root / "index.csv"


def break_imagefolder(root: Path) -> Path:
    (root / "cat").mkdir(parents=True)
    return root


def break_csv(root: Path) -> Path:
    (root / "index.csv").write_text("path,label\ngone.png,cat\n")
    return root / "index.csv"


GOOD: dict[str, Callable[[Path], Path]] = {"imagefolder": make_imagefolder, "csv": make_csv}
BROKEN: dict[str, tuple[Callable[[Path], Path], str]] = {
    "imagefolder": (break_imagefolder, "no images found. Allowed extensions are"),
    "csv": (break_csv, "index.csv line 2: gone.png: no such file"),
}


def test_each_format_has_a_fixture() -> None:
    assert set(GOOD) == set(BROKEN)
    assert set(GOOD) | {"coco", "voc", "yolo", "masks", "boxes_csv"} == set(FORMATS)  # those: test_annotation_formats


@pytest.mark.parametrize("name", GOOD)
def test_a_tiny_set_gives_the_expected_rows(name: str, tmp_path: Path) -> None:
    path = GOOD[name](tmp_path)
    assert detect(path) == name
    table = FORMATS[name](path)
    names = [table.classes.names[label] for label in table.labels]
    rows = zip(table.splits, names, table.arrow["path"].to_pylist(), strict=True)
    assert sorted(rows) == sorted((split, label, f"{split}/{label}/{file}") for split, label, file in ROWS)
    assert table.classes.names == ("cat", "dog")
    assert table.root == tmp_path
    assert all(table.path(row).is_file() for row in range(len(table)))
    assert table.groups is None


@pytest.mark.parametrize("name", GOOD)
def test_a_group_pattern_is_understood_by_each_format(name: str, tmp_path: Path) -> None:
    table = FORMATS[name](GOOD[name](tmp_path), group_pattern="{label}/{number}.png")
    assert table.groups is not None
    assert sorted(table.groups) == ["1", "2", "3", "4"]
    with pytest.raises(DataError, match=r"does not fit 4 of 4 paths, first: train/cat/1.png"):
        FORMATS[name](GOOD[name](tmp_path), group_pattern="{label}/{number}.jpg")


@pytest.mark.parametrize("name", GOOD)
def test_a_broken_set_is_refused_with_the_place(name: str, tmp_path: Path) -> None:
    make, words = BROKEN[name]
    with pytest.raises(DataError, match=words):
        FORMATS[name](make(tmp_path))


@pytest.mark.parametrize("name", GOOD)
def test_reading_changes_nothing_in_the_source(name: str, tmp_path: Path) -> None:
    make, _ = BROKEN[name]
    (tmp_path / "broken").mkdir()
    (tmp_path / "good").mkdir()
    check_format(name, GOOD[name](tmp_path / "good"), broken=make(tmp_path / "broken"))


def test_class_folders_that_are_called_like_masks_stay_an_image_folder(tmp_path: Path) -> None:
    for name in ("face", "face_mask", "frames", "annotations.json"):
        (tmp_path / name).mkdir()
        Image.new("RGB", (4, 4)).save(tmp_path / name / "1.png")
    (tmp_path / "notes.json").write_text('{"images": 4}')
    (tmp_path / "face" / "meta.xml").write_text("<xml/>")
    (tmp_path / "config.yaml").write_text("names: [a]\n")
    assert detect(tmp_path) == "imagefolder"


def test_what_is_no_dataset_is_refused_with_a_hint(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    with pytest.raises(DataError, match=r'phots: no such folder or file. Did you mean "photos"\?'):
        detect(tmp_path / "phots")
    (tmp_path / "a.xlsx").write_bytes(b"")
    with pytest.raises(DataError, match="a.xlsx: not a dataset. Give a folder of class folders, or a CSV file"):
        detect(tmp_path / "a.xlsx")
