"""Real boxes and masks: what is read of them, what the audit sees, and that they survive a conversion."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

import vision_ft as vf
from tests.annotated import content_of
from vision_ft.data.audit.audit import apply_policy, check, scan
from vision_ft.data.formats import FORMATS, detect
from vision_ft.data.formats.masks.read import class_table_of
from vision_ft.data.masks import read_mask
from vision_ft.data.table import SampleTable


def read_set(shared: Path, name: str, **options) -> tuple[str, SampleTable]:
    folder = shared / "data" / name
    if not folder.is_dir():
        pytest.skip(f"no {name} at {folder}")
    found = detect(folder)
    return found, FORMATS[found](folder, **options)


def num_boxes(table: SampleTable) -> int:
    return sum(map(len, table.arrow["boxes"].to_pylist()))


def test_blood_cells_are_voc_with_two_boxes_without_area(shared: Path) -> None:
    found, table = read_set(shared, "blood_cells")
    assert (found, len(table), num_boxes(table)) == ("voc", 364, 4888)
    assert table.classes.names == ("Platelets", "RBC", "WBC")
    assert Counter(table.splits) == {"train": 205, "val": 87, "test": 72}
    scanned, findings = scan(table, workers=2)
    assert Counter(one.kind for one in findings if one.level == "error") == {"box-degenerate": 2}
    kept = apply_policy(scanned, findings, "drop")
    assert (len(kept), num_boxes(kept)) == (364, 4886)


def test_parking_frames_are_coco_without_a_fault(shared: Path) -> None:
    found, table = read_set(shared, "parking_frames")
    assert (found, len(table), num_boxes(table)) == ("coco", 239, 9262)
    assert table.classes.names == ("empty", "occupied")
    assert table.meta["category_ids"] == [1, 2]
    scanned, findings = scan(table, workers=2)
    assert not [one for one in [*findings, *check(scanned)] if one.level == "error"]


@pytest.mark.parametrize("target", ["coco", "voc", "yolo", "csv"])
@pytest.mark.parametrize("name", ["blood_cells", "parking_frames"])
def test_real_boxes_survive_a_conversion(shared: Path, name: str, target: str, tmp_path: Path) -> None:
    _, table = read_set(shared, name)
    done = vf.convert(shared / "data" / name, tmp_path / "out", to=target, transfer="link")
    source = tmp_path / "out" / ("boxes.csv" if target == "csv" else "")
    back = FORMATS[detect(source)](source)
    before, after = content_of(table), content_of(back)
    assert [row[:2] for row in after] == [row[:2] for row in before]
    assert [row[3] for row in after] == [row[3] for row in before]
    moved = max(np.abs(np.subtract(a[2], b[2])).max() for a, b in zip(before, after, strict=True) if a[2])
    outlined = target == "yolo" and name == "parking_frames"  # there the outline stands for the box
    assert moved <= (0.02 if outlined else 1e-4 if target == "yolo" else 0)
    said = " ".join(one.detail for one in done.findings if one.kind == "not-held")
    assert ("outlines (polygons) of 9262 objects" in said) == (name == "parking_frames" and target in ("voc", "csv"))
    assert ("move by up to" in said) == outlined


def test_camvid_is_paired_by_its_lists_and_folders(shared: Path) -> None:
    found, table = read_set(shared, "camvid")
    assert (found, len(table), len(table.classes)) == ("masks", 193, 11)
    assert Counter(table.splits) == {"train": 92, "val": 101}
    codes = class_table_of(table)
    assert codes.ignored == (11,)
    mask = read_mask(table.root / table.arrow["mask"][0].as_py(), codes)
    assert mask.shape == (360, 480)
    assert set(np.unique(mask)) <= {-1, *range(11)}


def test_urban_trees_are_binary_masks_that_survive_a_conversion(shared: Path, tmp_path: Path) -> None:
    found, table = read_set(shared, "urban_trees")
    assert (found, len(table), table.classes.names) == ("masks", 87, ("background", "foreground"))
    vf.convert(shared / "data" / "urban_trees", tmp_path / "out", to="masks", transfer="link")
    back = FORMATS["masks"](tmp_path / "out")
    assert back.meta == table.meta
    scanned, findings = scan(back, workers=2)
    assert not [one for one in [*findings, *check(scanned)] if one.level == "error"]


def test_car_masks_stored_as_equal_channels_are_read(shared: Path, tmp_path: Path) -> None:
    (tmp_path / "classes.csv").write_text("name,value\nground,0\ncar in a space,1\ncar elsewhere,2\n")
    found, table = read_set(shared, "parking_ufpr05", class_table=tmp_path / "classes.csv")
    assert (found, len(table)) == ("masks", 20)
    scanned, findings = scan(table, workers=2)
    assert not [one for one in findings if one.level == "error"]
    totals = np.array(scanned.arrow["class_pixels"].to_pylist()).sum(axis=0)
    assert (totals[:3] > 0).all()
    assert totals.sum() == 20 * 1280 * 720


@pytest.mark.parametrize("name", ["birds_cub20", "magtile", "office_cameras", "parking_patches"])
def test_folders_of_class_folders_stay_image_folders(shared: Path, name: str) -> None:
    folder = shared / "data" / name
    if not folder.is_dir():
        pytest.skip(f"no {name} at {folder}")
    assert detect(folder) == "imagefolder"
