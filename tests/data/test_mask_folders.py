"""Which mask belongs to which image, where that can be meant in two ways, and class tables of other programs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.annotated import SIZE, draw_pictures
from vision_ft.data.class_table import ClassTable, read_class_table
from vision_ft.data.formats import FORMATS, detect
from vision_ft.errors import DataError

LABELMAP = "# label:color_rgb:parts:actions\nbackground:0,0,0::\ncar:128,0,0::\nperson:192,128,128:head,hand:jumping\n"
CVAT = ClassTable(("background", "car", "person"), ((0, 0, 0), (128, 0, 0), (192, 128, 128)))


def draw_masks(root: Path, names: list[str]) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.eye(SIZE[1], SIZE[0], dtype=np.uint8) * 255).save(root / name)


def draw_set(root: Path, pictures: list[str], masks: list[str]) -> Path:
    draw_pictures(root, pictures)
    draw_masks(root, masks)
    return root


def test_pictures_that_differ_in_the_extension_only_are_refused_or_left_out(tmp_path: Path) -> None:
    draw_set(tmp_path, ["images/a.jpg", "images/a.png", "images/b.png"], ["masks/a.png", "masks/b.png"])
    words = r"images/a.jpg: has the mask masks/a.png in common with images/a.png; .*images/a.png: .*with images/a.jpg"
    with pytest.raises(DataError, match=words):
        FORMATS["masks"](tmp_path)
    table = FORMATS["masks"](tmp_path, on_bad="drop")
    assert table.arrow["path"].to_pylist() == ["images/b.png"]
    assert [(one.kind, one.path) for one in table.remarks if one.level == "error"] == [
        ("bad-annotation", "images/a.jpg"),
        ("bad-annotation", "images/a.png"),
    ]
    (tmp_path / "train.txt").write_text("a\nb\n")
    assert list(FORMATS["masks"](tmp_path, on_bad="drop").splits) == ["train"]


def test_masks_that_differ_in_the_extension_only_are_refused_or_left_out(tmp_path: Path) -> None:
    draw_set(tmp_path, ["images/a.png", "images/b.png"], ["masks/a.png", "masks/a.tif", "masks/b.png"])
    with pytest.raises(DataError, match=r"images/a.png: has two masks, masks/a.png and masks/a.tif"):
        FORMATS["masks"](tmp_path)
    assert FORMATS["masks"](tmp_path, on_bad="drop").arrow["path"].to_pylist() == ["images/b.png"]


def test_a_list_can_say_which_of_two_pictures_the_mask_belongs_to(tmp_path: Path) -> None:
    draw_set(tmp_path, ["images/a.jpg", "images/a.png"], ["masks/a.png"])
    (tmp_path / "train.txt").write_text("images/a.jpg masks/a.png\n")
    table = FORMATS["masks"](tmp_path, on_bad="drop")
    assert table.arrow["path"].to_pylist() == ["images/a.jpg"]


def test_pictures_of_one_name_without_a_mask_are_bare(tmp_path: Path) -> None:
    draw_set(tmp_path, ["images/a.jpg", "images/a.png", "images/b.png"], ["masks/b.png"])
    table = FORMATS["masks"](tmp_path, unlabelled=True)
    assert table.arrow["path"].to_pylist() == ["images/a.jpg", "images/a.png", "images/b.png"]


def test_a_second_folder_of_masks_is_named(tmp_path: Path) -> None:
    draw_set(tmp_path, ["images/a.png", "images/b.png"], ["masks/a.png", "masks/b.png", "gt/a.png"])
    table = FORMATS["masks"](tmp_path)
    assert table.arrow["mask"].to_pylist() == ["masks/a.png", "masks/b.png"]
    assert [(one.level, one.detail) for one in table.remarks if one.kind == "other-masks"] == [
        (
            "warning",
            "['images'] could take masks from another folder too: taken is ['masks'], left out is ['gt']. Move one of "
            "them away, or pair images and masks in train.txt.",
        )
    ]


def test_a_folder_without_any_mask_of_the_pictures_gives_way_to_one_that_has_them(tmp_path: Path) -> None:
    draw_set(tmp_path, ["images/a.png"], ["masks/other.png", "gt/a.png"])
    table = FORMATS["masks"](tmp_path)
    assert table.arrow["mask"].to_pylist() == ["gt/a.png"]
    assert "other-masks" not in [one.kind for one in table.remarks]


def test_absolute_lines_of_another_machine_are_matched_by_the_end_of_their_path(tmp_path: Path) -> None:
    names = ["train/a.png", "train/b.png", "val/a.png"]
    draw_set(tmp_path, names, ["trainannot/a.png", "trainannot/b.png", "valannot/a.png"])
    line = "/SegNet/CamVid/{0}/{1}.png /SegNet/CamVid/{0}annot/{1}.png\n".format
    (tmp_path / "train.txt").write_text(line("train", "a") + line("train", "b"))
    (tmp_path / "test.txt").write_text(line("val", "a").replace("/", "\\"))  # written on Windows
    table = FORMATS["masks"](tmp_path)
    assert table.arrow["path"].to_pylist() == names
    assert table.arrow["mask"].to_pylist() == ["trainannot/a.png", "trainannot/b.png", "valannot/a.png"]
    assert list(table.splits) == ["train", "train", "test"]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("/x/train/c.png /x/trainannot/c.png", "train.txt line 1: '/x/train/c.png /x/trainannot/c.png' is no image"),
        ("/x/train/a.png /x/trainannot/c.png", "train.txt line 1: no mask '/x/trainannot/c.png' below this folder"),
        ("/x/one/a.png /x/trainannot/a.png", "train.txt line 1: .* is no image"),  # the name alone is no path
        ("/x/train/a.png /x/train/a.png", "train.txt line 1: '/x/train/a.png' is the image itself, not its mask"),
        ("../outside/o.png ../outside/o_mask.png", "train.txt line 1: .* is no image"),
    ],
)
def test_a_line_that_leads_to_no_file_of_the_set_is_refused(line: str, words: str, tmp_path: Path) -> None:
    draw_set(tmp_path / "outside", ["o.png"], ["o_mask.png"])
    source = draw_set(tmp_path / "set", ["train/a.png", "val/a.png"], ["trainannot/a.png", "valannot/a.png"])
    (source / "train.txt").write_text(f"{line}\n")
    with pytest.raises(DataError, match=words):
        FORMATS["masks"](source)


def test_an_end_of_a_path_that_two_files_share_is_refused(tmp_path: Path) -> None:
    draw_set(tmp_path, ["one/day/a.png", "two/day/a.png"], ["one/dayannot/a.png", "two/dayannot/a.png"])
    (tmp_path / "train.txt").write_text("/x/day/a.png /x/dayannot/a.png\n")
    with pytest.raises(DataError, match="or several have the name"):
        FORMATS["masks"](tmp_path)
    (tmp_path / "train.txt").write_text("/x/two/day/a.png /x/two/dayannot/a.png\n")
    assert list(FORMATS["masks"](tmp_path).splits) == [None, "train"]


@pytest.mark.parametrize(
    ("name", "text", "table"),
    [
        ("labelmap.txt", LABELMAP, CVAT),
        (
            "labelmap.txt",
            "fire truck : 1, 2, 3\nvoid:0,0,0::\n",
            ClassTable(("fire truck",), ((1, 2, 3),), ((0, 0, 0),)),
        ),
        (
            "labels.txt",
            "road 0\nfire truck 7\nvoid 255 # and edges\n",
            ClassTable(("road", "fire truck"), (0, 7), (255,)),
        ),
        ("labelmap.txt", "c#:1,2,3::\ncar:4,5,6 # parked\n", ClassTable(("c#", "car"), ((1, 2, 3), (4, 5, 6)))),
        ("label_colors.txt", "road 0 0 0\ncar 128 64 0\n", ClassTable(("road", "car"), ((0, 0, 0), (128, 64, 0)))),
    ],
)
def test_class_tables_of_other_programs_are_understood(name: str, text: str, table: ClassTable, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text)
    assert read_class_table(tmp_path / name) == table


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "0 road 1\n",
            r"labels.txt line 1: '0 road 1' has a number at both ends, .*Write name,value or .* into classes.csv",
        ),
        ("road 1 2\n", r"line 1: expected 'name', 'value name', 'name value', 'R G B name' or 'name R G B'"),
        ("road\ncar\nlane 2\n", r"line 3: 'lane 2' is written as 'name value', line 1 as 'name'"),
        ("road 0\n7 car\n", r"line 2: '7 car' is written as 'value name', line 1 as 'name value'"),
        ("car:1,2,3::\n4 5 6 road\n", r"line 2: '4 5 6 road' is written as 'R G B name', line 1 as 'name:r,g,b'"),
        ("road 70000\n", r"line 1: \['70000'\] is no code; expected are 0..65535"),
        ("car:128,0::\n", r"line 1: 'car:128,0::' has no colour; expected is name:r,g,b:parts:actions"),
        ("car:::\n", r"line 1: 'car:::' has no colour"),
        ("car:128,0,300::\n", r"line 1: \['128', '0', '300'\] is no code; expected are 0..255"),
    ],
)
def test_a_line_that_can_be_meant_in_two_ways_is_refused(text: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "labels.txt").write_text(text)
    with pytest.raises(DataError, match=words):
        read_class_table(tmp_path / "labels.txt")


def test_an_export_of_cvat_is_read_with_its_colours(tmp_path: Path) -> None:
    draw_pictures(tmp_path, ["JPEGImages/a.png"])
    (tmp_path / "labelmap.txt").write_text(LABELMAP)
    (tmp_path / "SegmentationClass").mkdir()
    Image.new("RGB", SIZE, (128, 0, 0)).save(tmp_path / "SegmentationClass/a.png")
    assert detect(tmp_path) == "masks"
    table = FORMATS["masks"](tmp_path)
    assert table.classes.names == CVAT.names
    assert table.meta["masks"]["codes"] == [list(code) for code in CVAT.codes]
