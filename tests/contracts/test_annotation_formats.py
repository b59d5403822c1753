"""Every format of boxes or masks: rows of a tiny set, round trips between all pairs, refusals that name the place."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import vision_ft as vf
from tests.annotated import box_table, content_of, mask_table
from vision_ft.data.boxes import build_box_table, pictures_of
from vision_ft.data.class_table import ClassTable
from vision_ft.data.formats import FORMATS, WRITERS, detect
from vision_ft.data.table import SampleTable
from vision_ft.errors import DataError
from vision_ft.types import ClassSpace

BOX_FORMATS = ("coco", "voc", "yolo", "boxes_csv")
INDEX = {"boxes_csv": "boxes.csv", "csv": "labels.csv"}
VALUES = ClassTable(("road", "car"), (0, 7), (255,))
COLOURS = ClassTable(("road", "car"), ((0, 0, 0), (128, 64, 0)), ((255, 255, 255),))
GREY = np.array([[0, 7, 255], [0, 0, 7]], dtype=np.uint8).repeat(16, axis=0).repeat(8, axis=1)


def read_back(name: str, folder: Path) -> SampleTable:
    source = folder / INDEX[name] if name in INDEX else folder
    assert detect(source) == name
    return FORMATS[name](source)


def test_each_format_that_is_read_is_written() -> None:
    assert set(FORMATS) == set(WRITERS)


@pytest.mark.parametrize("first", BOX_FORMATS)
@pytest.mark.parametrize("second", BOX_FORMATS)
def test_boxes_survive_any_pair_of_formats(first: str, second: str, tmp_path: Path) -> None:
    table = box_table(tmp_path / "source")
    WRITERS[first](table, tmp_path / "first")
    middle = read_back(first, tmp_path / "first")
    assert content_of(middle) == content_of(table)
    losses = WRITERS[second](middle, tmp_path / "second")
    end = read_back(second, tmp_path / "second")
    assert content_of(end) == content_of(table)
    assert end.classes == table.classes
    assert losses == []


@pytest.mark.parametrize("name", ["coco", "yolo"])
def test_outlines_survive_where_a_format_holds_them(name: str, tmp_path: Path) -> None:
    table = box_table(tmp_path / "source", outlines=True)
    assert WRITERS[name](table, tmp_path / "out") == []
    assert content_of(read_back(name, tmp_path / "out")) == content_of(table)


@pytest.mark.parametrize("name", ["voc", "boxes_csv"])
def test_what_a_format_cannot_hold_is_said(name: str, tmp_path: Path) -> None:
    table = box_table(tmp_path / "source", outlines=True).with_column("group", ["g"] * 4)
    said = [finding.detail for finding in WRITERS[name](table, tmp_path / "out")]
    assert "the format cannot hold outlines (polygons) of 4 objects." in said
    assert any("the groups" in text for text in said) == (name == "voc")
    plain = box_table(tmp_path / "plain")
    assert content_of(read_back(name, tmp_path / "out")) == content_of(plain)


@pytest.mark.parametrize("codes", [VALUES, COLOURS], ids=["values", "colours"])
@pytest.mark.parametrize("split", [True, False])
def test_masks_survive_a_round_trip(codes: ClassTable, split: bool, tmp_path: Path) -> None:
    pixels = GREY if not codes.is_coloured else np.array([[[0, 0, 0]], [[128, 64, 0]]], np.uint8).repeat(16, 0)
    names = ["train/a", "val/b"] if split else ["a", "b"]
    splits = ["train", "val"] if split else None
    table = mask_table(tmp_path / "source", codes, dict.fromkeys(names, pixels), splits=splits)
    assert WRITERS["masks"](table, tmp_path / "out") == []
    back = read_back("masks", tmp_path / "out")
    assert back.meta == table.meta
    assert back.classes == table.classes
    assert back.arrow["mask"].to_pylist() == [f"masks/{name}.png" for name in names]
    assert list(back.splits) == (splits or [None, None])
    masks = [(back.root / path).read_bytes() for path in back.arrow["mask"].to_pylist()]
    assert masks == [(table.root / path).read_bytes() for path in table.arrow["mask"].to_pylist()]


@pytest.mark.parametrize("name", ["csv", "imagefolder"])
def test_labels_survive_between_folders_and_csv(name: str, tmp_path: Path) -> None:
    source = tmp_path / "source"
    for path in ("train/cat/1.png", "train/dog/1.png", "val/cat/2.png"):
        box_table(tmp_path / "boxes")
        (source / path).parent.mkdir(parents=True, exist_ok=True)
        (source / path).write_bytes((tmp_path / "boxes/images/train/a.png").read_bytes())
    table = FORMATS["imagefolder"](source)
    assert WRITERS[name](table, tmp_path / "out") == []
    back = read_back(name, tmp_path / "out")

    def rows(one: SampleTable) -> list[tuple]:
        return sorted(zip(one.splits, (one.classes.names[label] for label in one.labels), strict=True))

    assert rows(back) == rows(table)


@pytest.mark.parametrize("name", BOX_FORMATS)
def test_a_table_on_disk_and_its_fingerprint_keep_the_boxes(name: str, tmp_path: Path) -> None:
    WRITERS[name](box_table(tmp_path / "source"), tmp_path / "out")
    table = read_back(name, tmp_path / "out")
    table.write(tmp_path / "t.parquet")
    again = SampleTable.read(tmp_path / "t.parquet")
    assert content_of(again) == content_of(table)
    assert (again.meta, again.task) == (table.meta, "detection")
    moved = again.with_column("box_labels", table.arrow["box_labels"].take([1, 0, 2, 3]))
    assert again.fingerprint() == table.fingerprint() != moved.fingerprint()


@pytest.mark.parametrize("name", BOX_FORMATS)
def test_a_group_pattern_is_understood(name: str, tmp_path: Path) -> None:
    WRITERS[name](box_table(tmp_path / "source"), tmp_path / "out")
    source = tmp_path / "out" / INDEX.get(name, "")
    table = FORMATS[name](source, group_pattern="{number}.png")
    assert table.groups is not None
    assert sorted(table.groups) == ["a", "b", "c", "d"]
    with pytest.raises(DataError, match="does not fit 4 of 4 paths"):
        FORMATS[name](source, group_pattern="{number}.jpg")


@pytest.mark.parametrize("name", [*BOX_FORMATS, "masks"])
def test_reading_changes_nothing_in_the_source(name: str, tmp_path: Path) -> None:
    table = box_table(tmp_path / "source")
    if name == "masks":
        table = mask_table(tmp_path / "masked", VALUES, {"a": GREY})
    WRITERS[name](table, tmp_path / "out")
    before = {file: file.stat().st_mtime_ns for file in (tmp_path / "out").rglob("*")}
    read_back(name, tmp_path / "out")
    assert {file: file.stat().st_mtime_ns for file in (tmp_path / "out").rglob("*")} == before


@pytest.mark.parametrize(
    ("name", "file", "old", "new", "words"),
    [
        (
            "coco",
            "annotations/instances_train.json",
            '"category_id": 1',
            '"category_id": 9',
            "category_id 9 is unknown",
        ),
        ("voc", "Annotations/a.xml", "<xmin>5</xmin>", "<xmin>five</xmin>", r"Annotations/a.xml object 1: .*five"),
        ("yolo", "labels/train/a.txt", "0 ", "5 ", r"labels/train/a.txt line 1: class 5, but data.yaml names 0..1"),
        ("boxes_csv", "boxes.csv", ",5,6,", ",five,6,", r"boxes.csv: line 3: box \['five'"),
    ],
)
def test_a_bad_annotation_is_refused_with_its_place_or_left_out(
    name: str, file: str, old: str, new: str, words: str, tmp_path: Path
) -> None:
    WRITERS[name](box_table(tmp_path / "source"), tmp_path / "out")
    path = tmp_path / "out" / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    source = tmp_path / "out" / INDEX.get(name, "")
    with pytest.raises(DataError, match=words):
        FORMATS[name](source)
    kept = FORMATS[name](source, on_bad="drop")
    assert len(kept) == 4
    assert sum(map(len, kept.arrow["boxes"].to_pylist())) == 3
    assert [one.kind for one in kept.remarks if one.level == "error"] == ["bad-annotation"]


def test_a_target_that_cannot_hold_the_content_refuses_it(tmp_path: Path) -> None:
    boxes, masks = box_table(tmp_path / "boxes"), mask_table(tmp_path / "masks", VALUES, {"a": GREY})
    for name in ("imagefolder", "csv", "masks"):
        with pytest.raises(DataError, match="holds boxes, which .* cannot hold. Use --to coco, voc, yolo or csv."):
            WRITERS[name](boxes, tmp_path / name)
    for name in (*BOX_FORMATS, "imagefolder", "csv"):
        with pytest.raises(DataError, match="holds masks, which .* cannot hold. Use --to masks."):
            WRITERS[name](masks, tmp_path / name)
    assert not (tmp_path / "imagefolder").exists()


def test_convert_copies_or_links_and_never_writes_over_anything(tmp_path: Path) -> None:
    WRITERS["voc"](box_table(tmp_path / "source"), tmp_path / "voc")
    done = vf.convert(tmp_path / "voc", tmp_path / "yolo", to="yolo", transfer="link")
    assert (done.source_format, done.target_format) == ("voc", "yolo")
    assert (tmp_path / "yolo/images/train/a.png").is_symlink()
    assert content_of(read_back("yolo", tmp_path / "yolo")) == content_of(done.table)
    with pytest.raises(DataError, match="yolo: holds something already"):
        vf.convert(tmp_path / "voc", tmp_path / "yolo", to="coco")
    with pytest.raises(DataError, match="lies inside the source"):
        vf.convert(tmp_path / "voc", tmp_path / "voc" / "new", to="coco")


def odd_classes(root: Path) -> SampleTable:
    """Boxes of a COCO file: a class without a box, classes in no order of text, ids with gaps, a wrong size."""
    table = box_table(root)
    pictures = pictures_of(table)
    next(one for one in pictures if one.path.endswith("a.png")).stated = (128, 96)
    return build_box_table(root, pictures, ClassSpace(("dog", "cat", "emu")), meta={"category_ids": [3, 7, 9]})


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("coco", []),
        ("voc", ["classes", "order", "ids"]),
        ("yolo", ["sizes", "ids"]),
        ("boxes_csv", ["classes", "order", "ids"]),
    ],
)
def test_classes_ids_and_sizes_that_get_lost_are_said(name: str, kinds: list[str], tmp_path: Path) -> None:
    texts = {
        "classes": "the format cannot hold classes without a box: ['emu'].",
        "order": "the format cannot hold the order of the classes: they become ['cat', 'dog'].",
        "ids": "the format cannot hold the category ids ['3', '7', '9'], which become 1, 2, 3 and so on.",
        "sizes": "the format cannot hold image sizes that are not those of the files: 1.",
    }
    table = odd_classes(tmp_path / "source")
    losses = WRITERS[name](table, tmp_path / "out")
    assert sorted(one.detail for one in losses) == sorted(texts[kind] for kind in kinds)
    back = read_back(name, tmp_path / "out")
    assert content_of(back) == content_of(table)
    assert (back.classes == table.classes) == ("order" not in kinds)
    sizes = {Path(one.path).name: one.stated for one in pictures_of(back)}
    assert sizes["a.png"] == (None if name == "yolo" else (128, 96))


def test_the_classes_of_pictures_in_another_order_are_said(tmp_path: Path) -> None:
    table = box_table(tmp_path / "source")
    labelled = SampleTable.build(
        root=table.root,
        paths=table.arrow["path"].to_pylist(),
        labels=[1, 1, 0, 0],
        classes=ClassSpace(("dog", "cat", "emu")),
    )
    for name in ("csv", "imagefolder"):
        details = [one.detail for one in WRITERS[name](labelled, tmp_path / name)]
        assert "the format cannot hold classes without an image: ['emu']." in details
        assert "the format cannot hold the order of the classes: they become ['cat', 'dog']." in details
