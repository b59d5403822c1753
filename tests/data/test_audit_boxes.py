"""The audit of boxes: what is an error, what is mended and said, and what dropping means."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.annotated import SIZE, box_table, draw_pictures
from vision_ft.data.audit.audit import apply_policy, check, scan
from vision_ft.data.audit.boxes import crosses_itself
from vision_ft.data.boxes import Picture, build_box_table
from vision_ft.data.table import SampleTable
from vision_ft.errors import DataError
from vision_ft.types import ClassSpace

GOOD = (5.0, 5.0, 20.0, 20.0)


def table_with(root: Path, *boxes: tuple, stated: tuple[int, int] | None = None, **options) -> SampleTable:
    """Two images: one with a good box and the given ones, one with a good box of the other class."""
    draw_pictures(root, ["a.png", "b.png"])
    first, second = Picture("a.png", stated=stated), Picture("b.png")
    for box in (GOOD, *boxes):
        first.add(box, 0, **options)
    second.add(GOOD, 1)
    return build_box_table(root, [first, second], ClassSpace(("cat", "dog")))


@pytest.mark.parametrize(
    ("box", "kind", "words"),
    [
        ((30, 5, 10, 20), "box-crossed", r"box 2 \(30, 5, 10, 20\) has its corners crossed"),
        ((30, 5, 30, 20), "box-degenerate", r"box 2 \(30, 5, 30, 20\) has no area"),
        ((70, 5, 90, 20), "box-outside", r"lies outside the image of 64 x 48 px"),
    ],
)
def test_a_bad_box_stops_and_when_dropped_leaves_its_picture(box: tuple, kind: str, words: str, tmp_path: Path) -> None:
    scanned, findings = scan(table_with(tmp_path, box))
    assert [(one.level, one.path) for one in findings if one.kind == kind] == [("error", "a.png")]
    with pytest.raises(DataError, match=rf"1 of 2 images cannot be trained on:\n  a.png: {kind}: .*{words}"):
        apply_policy(scanned, findings, "fail")
    kept = apply_policy(scanned, findings, "drop")
    assert kept.arrow["boxes"].to_pylist() == [[list(GOOD)], [list(GOOD)]]
    assert kept.arrow["box_labels"].to_pylist() == [[0], [1]]


def test_an_unreadable_picture_goes_with_its_boxes(tmp_path: Path) -> None:
    table = table_with(tmp_path)
    (tmp_path / "b.png").write_bytes(b"")
    scanned, findings = scan(table)
    assert [one.kind for one in findings if one.level == "error"] == ["empty-file"]
    assert apply_policy(scanned, findings, "drop").arrow["path"].to_pylist() == ["a.png"]


@pytest.mark.parametrize(("reach", "level"), [(10.0, "warning"), (0.5, "info")])
def test_a_box_that_leaves_the_picture_is_clipped_and_said(reach: float, level: str, tmp_path: Path) -> None:
    scanned, findings = scan(table_with(tmp_path, (50, 40, 64 + reach, 48)))
    assert scanned.arrow["boxes"][0].as_py()[1] == [50, 40, 64, 48]
    assert [(one.level, one.detail) for one in findings if one.kind == "box-partly-outside"] == [
        (level, f"1 boxes leave the image by up to {reach:g} px; clipped.")
    ]


def test_the_second_of_two_equal_boxes_is_left_out(tmp_path: Path) -> None:
    scanned, findings = scan(table_with(tmp_path, GOOD, GOOD))
    assert len(scanned.arrow["boxes"][0]) == 1
    assert "2 boxes repeat another one with its class; left out." in [one.detail for one in findings]


@pytest.mark.parametrize(("stated", "swapped"), [((48, 64), True), ((128, 96), False)])
def test_another_size_than_the_files_is_said(stated: tuple[int, int], swapped: bool, tmp_path: Path) -> None:
    _, findings = scan(table_with(tmp_path, stated=stated))
    details = [one.detail for one in findings if one.kind == "size-mismatch"]
    assert len(details) == 1
    assert f"for {stated[0]} x {stated[1]} px, the file has {SIZE[0]} x {SIZE[1]}" in details[0]
    assert ("EXIF" in details[0]) == swapped


def test_an_outline_that_crosses_itself_is_said(tmp_path: Path) -> None:
    bow = [5, 5, 20, 20, 20, 5, 5, 20]
    assert crosses_itself(bow)
    assert not crosses_itself([5, 5, 20, 5, 20, 20, 5, 20])
    assert not crosses_itself([0, 0, 10, 0, 10, 10])
    assert not crosses_itself([0, 0, 10, 0, 10, 10, 5, 2, 0, 10])  # a dent is no crossing
    _, findings = scan(table_with(tmp_path, polygons=[bow]))
    assert [one.path for one in findings if one.kind == "polygon-crossed"] == ["a.png"]


def test_a_picture_without_boxes_is_background_unless_its_twin_has_some(tmp_path: Path) -> None:
    table = box_table(tmp_path)
    scanned, findings = scan(table)
    assert [one.detail for one in findings if one.kind == "no-boxes"] == [
        "1 images have no boxes and count as background."
    ]
    assert not [one for one in check(scanned) if one.kind == "unlabelled-twin"]
    shutil.copyfile(tmp_path / "images/train/a.png", tmp_path / "images/val/c.png")
    twins = [one for one in check(scan(table)[0]) if one.kind == "unlabelled-twin"]
    assert [(one.level, one.path) for one in twins] == [("warning", "images/val/c.png")]
    assert "images/train/a.png has the same content and has 2: not labelled yet?" in twins[0].detail


def test_classes_without_boxes_and_sets_without_any_are_told(tmp_path: Path) -> None:
    table = box_table(tmp_path)
    found = {(one.level, one.kind, one.detail) for one in check(table)}
    assert (
        "warning",
        "class-missing-in-split",
        "test has no box of ['cat']: nothing is measured of them there.",
    ) in found
    bare = build_box_table(tmp_path, [Picture("images/val/c.png")], ClassSpace(("cat",)))
    assert [(one.level, one.kind) for one in check(bare)] == [("error", "nothing-labelled")]
