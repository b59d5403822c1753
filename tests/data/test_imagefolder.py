"""Image folders: which folders are splits, which are classes, and what is left aside."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from PIL import Image

from vision_ft.data.formats.imagefolder import read
from vision_ft.errors import DataError


def touch(root: Path, *paths: str) -> Path:
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).touch()
    return root


def rows(root: Path, **options: object) -> list[tuple[str | None, str, str]]:
    table = read(root, **options)
    names = [table.classes.names[label] for label in table.labels]
    return list(zip(table.splits, names, table.arrow["path"].to_pylist(), strict=True))


def test_class_folders_are_read_in_text_order_at_any_depth(tmp_path: Path) -> None:
    touch(tmp_path, "b/2.JPG", "a/deep/er/1.png", "a/0.webp")
    assert rows(tmp_path) == [
        (None, "a", "a/0.webp"),
        (None, "a", "a/deep/er/1.png"),
        (None, "b", "b/2.JPG"),
    ]


@pytest.mark.parametrize(("train", "val", "test"), [("train", "val", "test"), ("Training", "valid", "testing")])
def test_split_folders_are_known_by_their_usual_names(tmp_path: Path, train: str, val: str, test: str) -> None:
    touch(tmp_path, *(f"{split}/{label}/1.jpg" for split in (train, val, test) for label in "ab"))
    found = {(split, label, path.split("/")[0]) for split, label, path in rows(tmp_path)}
    folders = {"train": train, "val": val, "test": test}
    assert found == {(split, label, folder) for split, folder in folders.items() for label in "ab"}
    assert len(rows(tmp_path)) == 6


def test_a_class_called_train_is_a_class(tmp_path: Path) -> None:
    touch(tmp_path, "train/1.jpg", "bus/1.jpg", "test/1.jpg")
    assert [row[:2] for row in rows(tmp_path)] == [(None, "bus"), (None, "test"), (None, "train")]


def test_what_lies_beside_the_splits_or_the_classes_is_a_warning(tmp_path: Path) -> None:
    touch(tmp_path, "train/a/1.jpg", "train/b/1.jpg", "docs/x/1.jpg", "cover.jpg", "train/stray.jpg")
    table = read(tmp_path)
    assert len(table) == 2
    assert {(one.level, one.path) for one in table.remarks} == {
        ("warning", "docs/x/1.jpg"),
        ("warning", "cover.jpg"),
        ("warning", "train/stray.jpg"),
    }


def test_pictures_without_class_folders_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="2 images, but none lies in a class folder. Move the images of each class"):
        read(touch(tmp_path, "1.jpg", "2.jpg"))


def test_formats_that_no_decoder_reads_are_a_warning(tmp_path: Path) -> None:
    table = read(touch(tmp_path, "a/1.jpg", "b/1.jpg", "b/2.HEIC", "b/notes.md"))
    assert [(one.level, one.path) for one in table.remarks] == [("warning", "b/2.HEIC"), ("info", "b/notes.md")]
    assert ".heic images cannot be read" in table.remarks[0].detail


def test_links_are_followed_but_not_in_circles_nor_to_devices(tmp_path: Path) -> None:
    touch(tmp_path, "set/a/1.jpg", "set/b/1.jpg", "elsewhere/2.jpg")
    (tmp_path / "set/b/more").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "set/b/loop").symlink_to(tmp_path / "set")
    (tmp_path / "set/b/zero.jpg").symlink_to("/dev/zero")
    (tmp_path / "set/b/gone.jpg").symlink_to("nowhere.jpg")
    os.mkfifo(tmp_path / "set/b/pipe.jpg")
    table = read(tmp_path / "set")
    assert table.arrow["path"].to_pylist() == ["a/1.jpg", "b/1.jpg", "b/more/2.jpg"]
    assert {one.path for one in table.remarks if one.level == "warning"} == {
        "b/loop",
        "b/zero.jpg",
        "b/gone.jpg",
        "b/pipe.jpg",
    }


def test_names_that_are_not_utf8_are_read_and_escaped(tmp_path: Path) -> None:
    folder = os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9")
    touch(tmp_path, "a/1.jpg")
    Path(folder).mkdir()
    Image.new("RGB", (4, 4)).save(os.path.join(folder, os.fsdecode(b"\xff.png")), format="PNG")  # noqa: PTH118
    table = read(tmp_path)
    assert table.classes.names == ("a", r"caf\xe9")
    assert table.arrow["path"].to_pylist() == ["a/1.jpg", r"caf\xe9/\xff.png"]
    assert table.path(1).is_file()


def test_ignored_files_are_listed_up_to_a_limit_and_counted_beyond(tmp_path: Path) -> None:
    table = read(touch(tmp_path, "a/1.jpg", "b/1.jpg", *(f"a/{i}.txt" for i in range(250))))
    assert len(table.remarks) == 201
    assert table.remarks[-1].detail == "50 more files were ignored."


def test_a_pattern_gives_label_and_group_and_keeps_the_splits(tmp_path: Path) -> None:
    touch(tmp_path, *(f"{split}/cam{i}/{label}/1.jpg" for split in ("train", "val") for i in "12" for label in "ab"))
    table = read(tmp_path, group_pattern="{camera}/{label}/*")
    assert table.classes.names == ("a", "b")
    assert table.groups is not None
    assert list(zip(table.splits, table.groups, strict=True))[::4] == [("train", "cam1"), ("val", "cam1")]


def test_cameras_taken_for_classes_are_said_and_the_pattern_mends_it(shared: Path) -> None:
    folder = shared / "data" / "parking_patches"
    plain = read(folder)
    (remark,) = [one for one in plain.remarks if one.level == "warning"]
    assert remark.kind == "nested-folders"
    assert "group_pattern='{camera}/{label}/*'" in remark.detail
    table = read(folder, group_pattern="{camera}/{label}/*")
    assert table.classes.names == ("busy", "free")
    assert table.groups is not None
    assert (len(table), len(set(table.groups))) == (1526, 5)


def labels(root: Path, **options: object) -> dict[str, str]:
    """Path -> class name, "" for an image without a label."""
    table = read(root, unlabelled=True, **options)
    names = [*table.classes.names, ""]
    return dict(zip(table.arrow["path"].to_pylist(), (names[label] for label in table.labels), strict=True))


def test_pictures_may_lack_a_label_where_that_is_allowed(tmp_path: Path) -> None:
    touch(tmp_path, "top.jpg", "a/1.jpg", "Unlabeled/2.jpg", "unlabelled/deep/3.jpg")
    assert labels(tmp_path) == {"top.jpg": "", "a/1.jpg": "a", "Unlabeled/2.jpg": "", "unlabelled/deep/3.jpg": ""}
    assert read(tmp_path, unlabelled=True).classes.names == ("a",)


def test_below_splits_and_with_a_pattern_pictures_may_lack_a_label_too(tmp_path: Path) -> None:
    touch(tmp_path / "splits", "train/a/1.jpg", "train/2.jpg", "val/b/3.jpg", "test/unlabelled/4.jpg")
    found = labels(tmp_path / "splits")
    assert found == {"train/2.jpg": "", "train/a/1.jpg": "a", "test/unlabelled/4.jpg": "", "val/b/3.jpg": "b"}
    touch(tmp_path / "cameras", "north/a/1.jpg", "south/unlabelled/2.jpg")
    pattern = "{camera}/{label}/*"
    assert labels(tmp_path / "cameras", group_pattern=pattern) == {"north/a/1.jpg": "a", "south/unlabelled/2.jpg": ""}
    table = read(tmp_path / "cameras", unlabelled=True, group_pattern=pattern)
    assert table.groups is not None
    assert table.groups.tolist() == ["north", "south"]
