"""What the sections of masks and boxes say: texts and numbers, from drawn runs whose errors are known."""

from __future__ import annotations

import base64
import csv
import zlib

import numpy as np
import pytest

from tests.report.fake_dense import SIDE, make_box_run, make_mask_run
from tests.report.fake_run import HOSTILE
from vision_ft.reporting import build_report
from vision_ft.reporting.caveats.dense import box_warnings, mask_warnings
from vision_ft.reporting.collect.run import collect_run
from vision_ft.reporting.html import render
from vision_ft.reporting.metric_names import leading_metric, metric_name, metrics_of
from vision_ft.reporting.overlays import MAX_IMAGES, pack_labels, show_pictures, shown_size
from vision_ft.reporting.pages import PAGES
from vision_ft.reporting.section import ImageIndex
from vision_ft.reporting.sections import curves, dense_groups
from vision_ft.reporting.sections.boxes import confusion as box_confusion
from vision_ft.reporting.sections.boxes import errors as box_errors
from vision_ft.reporting.sections.boxes import gallery as box_gallery
from vision_ft.reporting.sections.boxes import overview as box_overview
from vision_ft.reporting.sections.masks import classes as mask_classes
from vision_ft.reporting.sections.masks import confusion as mask_confusion
from vision_ft.reporting.sections.masks import gallery as mask_gallery
from vision_ft.reporting.sections.masks import overview as mask_overview
from vision_ft.reporting.tables.base import write_tables
from vision_ft.reporting.tables.dense import box_tables

NONE = ImageIndex({})


@pytest.fixture(scope="module")
def masks(tmp_path_factory):
    return collect_run(make_mask_run(tmp_path_factory.mktemp("masks")))


@pytest.fixture(scope="module")
def boxes(tmp_path_factory):
    return collect_run(make_box_run(tmp_path_factory.mktemp("boxes")))


def texts(warnings) -> str:
    return " | ".join(warning["text"] for warning in warnings)


def test_the_result_of_masks_is_said_in_a_sentence_with_the_worst_class_and_confusion(masks):
    numbers = masks.main.summary
    low, high = numbers["miou_interval"]
    worst = min(numbers["per_class"], key=lambda row: row["iou"])
    assert worst["class"] == "kerb"
    top = numbers["confused_pairs"][0]
    assert mask_overview.headline(masks, masks.main) == (
        f"mIoU {numbers['miou']:.1%} ({100 * low:.0f}–{100 * high:.0f}%) on 6 test images. "
        f"Worst class: kerb (IoU {worst['iou']:.0%}). Most confused: pixels of {top['true']} taken for "
        f"{top['predicted']} ({top['share']:.1%} of {top['true']})."
    )


def test_masks_without_a_wrong_pixel_and_without_a_truth_are_said_so(tmp_path):
    run = collect_run(make_mask_run(tmp_path / "one", num=1))
    perfect = run.main
    assert mask_overview.headline(run, perfect) == ("mIoU 100.0% on 1 test image. No pixel is wrong.")
    perfect.summary.update(n=0, unlabelled=1)
    assert mask_overview.headline(run, perfect) == "No image of this split has a mask (1 image without one)."


def test_the_result_of_boxes_names_missed_ghosts_and_the_rest(boxes):
    text, metric = box_overview.headline(boxes, boxes.main), leading_metric("detection")
    assert text.startswith(f"{metric_name(metric)} {boxes.main.summary[metric]:.1%} (")
    assert "on 6 test images with 12 objects. Worst class: blue (AP50 " in text
    assert text.endswith("At the thresholds: 1 missed, 1 ghost, 3 boxes wrong otherwise.")


def test_what_goes_wrong_most_is_told_with_missed_and_ghosts_in_words(boxes):
    pairs = box_overview.PAGE_ONE.pairs(boxes, boxes.main)
    said = {f"{pair['true']} {pair['verb']} {pair['predicted']}".strip(): pair["amount"] for pair in pairs}
    assert said == {
        "blue missed": "2 of 6",  # a loose box does not count as found
        "blue seen where none is": "2",
        "red seen where none is": "1",
        "blue taken for red": "1 of 6",
    }


def test_the_matrix_of_pixels_sums_up_to_the_counted_pixels(masks):
    data = mask_confusion.SECTION.build_split(masks, masks.main, NONE)["data"]
    counted = 6 * (SIDE[0] - 4) * SIDE[1]
    assert sum(data["support"]) == sum(data["predicted"]) == sum(n for _, _, n in data["cells"]) == counted


def test_the_matrix_of_boxes_ends_with_what_is_no_object(boxes):
    data = box_confusion.SECTION.build_split(boxes, boxes.main, NONE)["data"]
    assert data["none"] == 3
    assert data["order"][-1] == 3
    assert [1, 3, 2] in data["cells"]
    assert [3, 0, 1] in data["cells"]


def test_kinds_of_error_are_sorted_by_what_mending_them_gains(boxes):
    view = box_errors.SECTION.build_split(boxes, boxes.main, NONE)
    gains = [row["gain"] for row in view["rows"]]
    assert gains == sorted(gains, reverse=True)
    assert {row["kind"]: row["count"] for row in view["rows"]} == boxes.main.summary["errors"]


def test_classes_and_groups_come_worst_first(masks, boxes):
    rows = mask_classes.SECTION.build_split(masks, masks.main, NONE)["rows"]
    assert [row["class"] for row in rows] == ["kerb", "tree", "background"]
    assert sum(row["share"] for row in rows) == pytest.approx(1)
    groups = dense_groups.SECTION.build_split(boxes, boxes.main, NONE)
    assert groups["columns"] == [(metric, metric_name(metric)) for metric in metrics_of("detection")]
    assert [row["group"] for row in groups["rows"]] == ["yard", "gate"]


def test_an_item_of_the_mask_gallery_holds_both_maps_as_they_are(masks):
    view = mask_gallery.SECTION.build_split(masks, masks.main, NONE)
    item = view["data"]["items"][0]
    assert (item["path"], item["width"], item["height"]) == ("images/test5.png", SIDE[1], SIDE[0])
    unpacked = np.frombuffer(zlib.decompress(base64.b64decode(item["truth"])), np.uint8).reshape(SIDE)
    assert np.array_equal(unpacked, masks.main.read_truth(5))
    assert item["image"].startswith("data:image/webp;base64,")
    assert sum(n for _, _, n in item["cells"]) == (SIDE[0] - 4) * SIDE[1]
    assert item["ignored"] == 4 * SIDE[1]


def test_an_item_of_the_box_gallery_tells_the_kind_of_each_box(boxes):
    items = box_gallery.SECTION.build_split(boxes, boxes.main, NONE)["data"]["items"]
    swapped = next(item for item in items if item["path"] == "test2.png")
    wrong = next(found for found in swapped["found"] if found["kind"] == "class")
    assert (wrong["label"], wrong["about"], wrong["box"]) == (0, 1, [30, 8, 50, 28])
    missed = next(item for item in items if item["path"] == "test1.png")
    assert [truth["missed"] for truth in missed["truth"]] == [False, True, False]
    assert [truth["ignored"] for truth in missed["truth"]] == [False, False, True]
    assert len(missed["found"]) == 1  # the other one stays under its threshold


def test_pictures_beyond_the_gallery_are_counted(tmp_path):
    run = collect_run(make_box_run(tmp_path, num=MAX_IMAGES + 2, splits=("test",)))
    view = box_gallery.SECTION.build_split(run, run.main, NONE)
    assert (len(view["data"]["items"]), view["left_out"]) == (MAX_IMAGES, 2)
    assert "the worst 60 are here, 2 better ones left out" in render(run)


def test_a_map_is_reduced_by_nearest_neighbour_and_a_missing_picture_is_no_error(tmp_path):
    labels = np.repeat(np.repeat(np.array([[0, 7], [255, 3]], np.uint8), 4, axis=0), 4, axis=1)
    small = np.frombuffer(zlib.decompress(base64.b64decode(pack_labels(labels, (2, 2)))), np.uint8)
    assert small.tolist() == [0, 7, 255, 3]
    assert show_pictures([tmp_path / "none.png"])[0].uri == ""
    assert shown_size(1000, 2000) == (480, 240)
    assert shown_size(30, 20) == (20, 30)


def test_moved_masks_are_said_and_predictions_still_shown(tmp_path):
    run_dir = make_mask_run(tmp_path)
    (tmp_path / "data").rename(tmp_path / "moved")
    run = collect_run(run_dir)
    assert "The true masks are not found below" in texts(mask_warnings(run, run.main))
    view = mask_gallery.SECTION.build_split(run, run.main, NONE)
    item = view["data"]["items"][0]
    assert (item["image"], item["truth"]) == ("", "")
    assert (item["width"], item["height"]) == (SIDE[1], SIDE[0])
    assert item["predicted"]
    assert (view["unreadable"], view["without_truth"]) == (6, 6)


def test_warnings_tell_few_pictures_absent_classes_and_what_chose_the_model(masks, boxes):
    of_boxes = texts(box_warnings(boxes, boxes.main))
    assert "Only 6 images: every number here is rough" in of_boxes
    assert "1 class has no object in this split (never)" in of_boxes
    assert "Few objects of some classes: red 6, blue 6." in of_boxes
    assert "6 crowd or difficult objects neither asked for" in of_boxes
    assert "Only 6 validation images chose the weights" in of_boxes
    assert "thresholds were chosen" not in of_boxes
    assert "The thresholds were chosen on these images" in texts(box_warnings(boxes, boxes.splits["val"]))
    assert "Validation chose the model, so its numbers flatter." in texts(mask_warnings(masks, masks.splits["val"]))


def test_a_class_that_is_never_answered_is_an_error(tmp_path):
    run = collect_run(make_mask_run(tmp_path))
    row = run.main.summary["per_class"][2]
    row["predicted_pixels"] = 0
    first = mask_warnings(run, run.main)[0]
    assert (first["level"], first["text"]) == ("error", "Never predicted by the model: kerb.")


def test_a_run_without_a_test_split_says_to_keep_one(tmp_path):
    run = collect_run(make_mask_run(tmp_path, splits=("val",)))
    assert "There is no test split: keep some images aside" in texts(mask_warnings(run, run.main))


def test_the_curves_are_those_of_the_task(masks, boxes):
    assert [chart["title"] for chart in curves.SECTION.build(masks)["charts"]] == [
        "Loss",
        "mIoU, Dice and pixel accuracy",
    ]
    chart = curves.SECTION.build(boxes)["charts"][1]
    assert [line.label for line in chart["lines"]] == [
        f"validation {metric_name(name)}" for name in metrics_of("detection")
    ]
    assert "validation mAP50 70.0%" in chart["svg"]


@pytest.mark.parametrize("make", [make_mask_run, make_box_run])
def test_the_report_is_one_page_with_figures_and_tables_beside_it(tmp_path, make):
    run_dir = make(tmp_path, classes=["background", HOSTILE, "x" * 500], splits=("val",))
    page = build_report(run_dir)
    text = page.read_text(encoding="utf-8")
    assert HOSTILE not in text
    assert "http://" not in text.replace("http://www.w3.org/2000/svg", "")  # the name of SVG, which nothing fetches
    run = collect_run(run_dir)
    for section in PAGES[run.task].sections:
        if section.build is None or section.build(run) is not None:  # not the grid, which only training draws
            assert f'<section id="{section.id}"' in text
    own = ("confused_pairs.csv",) if make is make_mask_run else ("precision_recall.png", "errors.png", "curves.csv")
    for name in ("confusion.png", "per_class.png", "per_class.csv", "pictures.csv", "groups.csv", *own):
        assert (page.with_suffix("") / name).stat().st_size > 0


def test_every_wrong_box_is_in_the_table_of_errors(tmp_path, boxes):
    write_tables(box_tables(boxes.main), tmp_path)
    with (tmp_path / "errors.csv").open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert [(row["path"], row["kind"], row["true"], row["predicted"]) for row in rows] == [
        ("test1.png", "missed", "blue", ""),
        ("test2.png", "class", "blue", "red"),
        ("test3.png", "localisation", "blue", "blue"),
        ("test4.png", "duplicate", "red", "red"),
        ("test5.png", "background", "", "blue"),
    ]
