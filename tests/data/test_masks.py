"""Masks are read exactly, and refused where their values are not what the class table says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.annotated import SIZE, draw_pictures, mask_table
from vision_ft.data.audit.audit import apply_policy, check, scan
from vision_ft.data.class_table import BINARY, ClassTable, class_table_csv, read_class_table
from vision_ft.data.formats import FORMATS, detect
from vision_ft.data.masks import read_mask
from vision_ft.errors import DataError

TABLE = ClassTable(("road", "car"), (0, 7), (255,))
COLOURS = ClassTable(("road", "car"), ((0, 0, 0), (128, 64, 0)), ((255, 255, 255),))
VALUES = np.array([[0, 7], [255, 0]], dtype=np.uint8)
INDICES = [[0, 1], [-1, 0]]
FULL = np.zeros(SIZE[::-1], dtype=np.uint8)
FULL[10:20, 10:30] = 7


def palette_image() -> Image.Image:
    image = Image.fromarray(VALUES).convert("L")
    image = Image.frombytes("P", image.size, image.tobytes())
    colours = [0] * 768
    colours[7 * 3 : 7 * 3 + 3] = 128, 64, 0
    colours[255 * 3 :] = 255, 255, 255
    image.putpalette(colours)
    return image


@pytest.mark.parametrize(
    ("image", "table"),
    [
        (Image.fromarray(VALUES), TABLE),
        (palette_image(), TABLE),
        (palette_image(), COLOURS),
        (palette_image().convert("RGB"), COLOURS),
        (palette_image().convert("RGBA"), COLOURS),
        (Image.fromarray(VALUES).convert("RGB"), TABLE),
        (Image.fromarray(VALUES.astype(np.uint16)), TABLE),
        (Image.fromarray(VALUES.astype(np.float32)), TABLE),
    ],
    ids=["grey", "palette-index", "palette-colour", "rgb", "opaque-rgba", "equal-channels", "16-bit", "whole-floats"],
)
def test_every_way_to_store_a_mask_gives_the_same_indices(
    image: Image.Image, table: ClassTable, tmp_path: Path
) -> None:
    file = tmp_path / ("a.tif" if image.mode == "F" else "a.png")
    image.save(file)
    assert read_mask(file, table).tolist() == INDICES


def test_a_one_bit_mask_is_0_and_255(tmp_path: Path) -> None:
    Image.fromarray(np.array([[True, False]])).save(tmp_path / "a.png")
    assert read_mask(tmp_path / "a.png", BINARY).tolist() == [[1, 0]]


@pytest.mark.parametrize(
    ("pixels", "name", "table", "words"),
    [
        (VALUES + 1, "a.png", TABLE, r"a.png: the mask holds 1, 8, which the class table has not; it has 0, 7, 255"),
        (np.full((2, 2, 3), (1, 2, 3), np.uint8), "a.png", COLOURS, r"the mask holds \(1, 2, 3\), which"),
        (np.full((2, 2, 3), (1, 2, 3), np.uint8), "a.png", TABLE, "Give a colour table: classes.csv with name,r,g,b"),
        (VALUES, "a.jpg", TABLE, "JPEG changes values near edges. Save masks as PNG"),
        (np.full((2, 2), 0.5, np.float32), "a.tif", TABLE, "the mask holds fractions"),
        (np.full((2, 2, 4), 9, np.uint8), "a.png", COLOURS, "transparent pixels"),
    ],
)
def test_what_is_not_exact_is_refused(pixels: np.ndarray, name: str, table: ClassTable, words: str, tmp_path: Path):
    Image.fromarray(pixels).save(tmp_path / name)
    with pytest.raises(DataError, match=words):
        read_mask(tmp_path / name, table)


def test_the_unknown_value_255_gets_its_hint(tmp_path: Path) -> None:
    Image.fromarray(VALUES).save(tmp_path / "a.png")
    with pytest.raises(DataError, match="add the line 'ignore,255'"):
        read_mask(tmp_path / "a.png", ClassTable(("road", "car"), (0, 7)))


@pytest.mark.parametrize(
    ("name", "text", "table"),
    [
        ("classes.csv", "name,value\nroad,0\ncar,7\nignore,255\n", TABLE),
        ("classes.csv", "name,r,g,b\nroad,0,0,0\ncar,128,64,0\nVoid,255,255,255\n", COLOURS),
        ("classes.txt", "0 road\n7 car # parked too\n255 ignore\n", TABLE),
        ("label_colors.txt", "0 0 0\troad\n128 64 0\tcar\n255 255 255 void\n", COLOURS),
        ("classes.txt", "road\nfire truck\nvoid\n", ClassTable(("road", "fire truck"), (0, 1), (2,))),
    ],
)
def test_class_tables_are_understood_and_written(name: str, text: str, table: ClassTable, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text)
    assert read_class_table(tmp_path / name) == table
    (tmp_path / "again.csv").write_text(class_table_csv(table))
    assert read_class_table(tmp_path / "again.csv") == table


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("classes.csv", "name,colour\nroad,red\n", "line 1: expected the columns name,value or name,r,g,b; found are"),
        ("classes.csv", "name,value\nroad,0\ncar,0\n", r"the codes \['0'\] are used twice"),
        ("classes.csv", "name,value\nroad,0\nroad,1\n", r"the names \['road'\] are used twice"),
        ("classes.csv", "name,r,g,b\nroad,0,0,300\n", r"line 2: .* is no code; expected are 0..255"),
        ("classes.txt", "1 2 road\n", "line 1: expected 'name', 'value name', 'name value', 'R G B name' or"),
        ("classes.txt", "0 road\n1 2 3 car\n", "holds values and colours"),
        ("classes.txt", "void\n", "all classes are ignored ones"),
    ],
)
def test_a_class_table_that_cannot_be_meant_is_refused(name: str, text: str, words: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(DataError, match=words):
        read_class_table(tmp_path / name)


def test_pixels_of_each_class_are_counted(tmp_path: Path) -> None:
    other = FULL.copy()
    other[0, :5] = 255
    scanned, findings = scan(mask_table(tmp_path, TABLE, {"a": FULL, "b": other}))
    assert scanned.arrow["class_pixels"].to_pylist() == [[64 * 48 - 200, 200, 0], [64 * 48 - 205, 200, 5]]
    assert not [one for one in [*findings, *check(scanned)] if one.level == "error"]


def test_a_changed_pixel_changes_the_hash_and_the_fingerprint_and_another_file_of_the_same_mask_does_not(
    tmp_path: Path,
) -> None:
    tables = {}
    moved = np.roll(FULL, 1, axis=0)  # as many pixels of each class
    for name, mask in {"one": FULL, "same": FULL, "moved": moved}.items():
        tables[name] = mask_table(tmp_path / name, TABLE, {"a": mask})
    file = next((tmp_path / "same").rglob("masks/*.png"))
    Image.open(file).save(file, compress_level=0)
    scanned = {name: scan(table)[0] for name, table in tables.items()}
    hashes = {name: table.arrow["mask_hash"][0].as_py() for name, table in scanned.items()}
    assert hashes["one"] == hashes["same"] != hashes["moved"]
    assert scanned["one"].fingerprint() == scanned["same"].fingerprint() != scanned["moved"].fingerprint()


@pytest.mark.parametrize(
    ("bad", "kind", "words"),
    [
        (FULL.T, "mask-size", "is 48 x 64 px, its image 64 x 48; they must be equal. The sides are swapped"),
        (FULL + 1, "mask-values", "masks/b.png: the mask holds 1, 8, which"),
    ],
)
def test_a_bad_mask_stops_and_when_dropped_goes_with_its_picture(
    bad: np.ndarray, kind: str, words: str, tmp_path: Path
) -> None:
    scanned, findings = scan(mask_table(tmp_path, TABLE, {"a": FULL, "b": bad}))
    assert [(one.kind, one.path) for one in findings if one.level == "error"] == [(kind, "images/b.png")]
    with pytest.raises(DataError, match=words):
        apply_policy(scanned, findings, "fail")
    assert apply_policy(scanned, findings, "drop").arrow["path"].to_pylist() == ["images/a.png"]


@pytest.mark.parametrize(
    ("pictures", "masks"),
    [
        (["images/a.png"], ["masks/a.png"]),
        (["train/images/a.png", "val/images/b.png"], ["train/masks/a.png", "val/masks/b.png"]),
        (["images/train/a.png", "images/val/b.png"], ["masks/train/a_mask.png", "masks/val/b_mask.png"]),
        (["train/a.png", "val/b.png"], ["trainannot/a.png", "valannot/b.png"]),
        (["JPEGImages/a.png"], ["SegmentationClass/a.png"]),
        (["day1/frames/a.png"], ["day1/masks/a.png"]),
    ],
)
def test_usual_folders_are_paired(pictures: list[str], masks: list[str], tmp_path: Path) -> None:
    draw_pictures(tmp_path, pictures)
    for name in masks:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray((FULL > 0).astype(np.uint8) * 255).save(tmp_path / name)
    assert detect(tmp_path) == "masks"
    table = FORMATS["masks"](tmp_path)
    assert table.arrow["path"].to_pylist() == pictures
    assert table.arrow["mask"].to_pylist() == masks
    assert table.classes.names == ("background", "foreground")
    assert list(table.splits) == (["train", "val"] if len(pictures) == 2 else [None])


def test_lists_give_splits_and_a_picture_without_a_mask_is_refused_or_left_out(tmp_path: Path) -> None:
    mask_table(tmp_path, BINARY, {"a": FULL // 7 * 255, "b": FULL})
    (tmp_path / "train.txt").write_text("a\n")
    (tmp_path / "val.txt").write_text("images/b.png masks/b.png\n")
    (tmp_path / "classes.csv").write_text("name,value\nroad,0\ncar,7\n")
    assert list(FORMATS["masks"](tmp_path).splits) == ["train", "val"]
    (tmp_path / "train.txt").write_text("a\nnone\n")
    with pytest.raises(DataError, match=r"train.txt line 2: 'none' is no image with a mask"):
        FORMATS["masks"](tmp_path)
    (tmp_path / "train.txt").write_text("a\nb\n")
    with pytest.raises(DataError, match=r"images/b.png is in train too \(leak between splits\)"):
        FORMATS["masks"](tmp_path)
    (tmp_path / "train.txt").unlink()
    (tmp_path / "val.txt").unlink()
    draw_pictures(tmp_path, ["images/c.png"])
    with pytest.raises(DataError, match="images/c.png: has no mask of its name"):
        FORMATS["masks"](tmp_path)
    assert len(FORMATS["masks"](tmp_path, on_bad="drop")) == 2


def test_values_without_a_class_table_are_named(tmp_path: Path) -> None:
    mask_table(tmp_path, TABLE, {"a": FULL})
    with pytest.raises(DataError, match=r"the masks hold the values 0, 7, and no class table says"):
        FORMATS["masks"](tmp_path)


def test_a_class_table_of_one_class_is_an_error_since_ignored_pixels_are_no_background(tmp_path: Path) -> None:
    table = ClassTable(("car",), (7,), (0,))
    scanned, _ = scan(mask_table(tmp_path, table, {"a": FULL, "b": FULL}))
    found = {one.kind: one for one in check(scanned)}["one-class"]
    assert found.level == "error"
    assert "one class 'car'" in found.detail
    assert "give it a class of its own, such as 'background,0'" in found.detail


def test_a_picture_that_exif_turned_is_doubted_where_a_mask_lies_on_it(tmp_path: Path) -> None:
    table = mask_table(tmp_path, TABLE, {"a": FULL, "b": FULL})
    file = tmp_path / "images" / "a.png"
    exif = Image.Exif()
    exif[0x0112] = 3  # upside down: the size tells nothing
    Image.open(file).save(file, exif=exif)
    _, findings = scan(table)
    assert [(one.level, one.path) for one in findings if one.kind == "exif-rotated"] == [("warning", "images/a.png")]
    assert "Its mask or boxes must lie on the image as it is shown" in findings[0].detail
