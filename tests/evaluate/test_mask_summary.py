"""The summary of a split of label maps: numbers by hand and by scikit-learn, intervals, and what is undefined."""

from __future__ import annotations

import json

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score, jaccard_score

from tests.evaluate.masks import CLASSES, judged, label_maps
from vision_ft.evaluate import resampling
from vision_ft.evaluate.masks.metrics import PRESENT_RULE
from vision_ft.evaluate.masks.summary import summarise_masks, worst_first

NUMBERS = ("miou", "dice", "pixel_accuracy", "boundary_f")
MAPS = label_maps(12)
IGNORED = (np.full((32, 32), -1), np.zeros((32, 32), int))


def right_or_wrong(right: np.ndarray):
    """Images of 16 pixels of one class, each all right or all wrong."""
    truth = np.zeros((4, 4), int)
    return [(truth, truth if good else truth + 1) for good in right]


def test_numbers_are_those_of_all_pixels_pooled():
    truth, predicted = (np.concatenate([pair[side][pair[0] >= 0] for pair in MAPS]) for side in (0, 1))
    summary = summarise_masks(judged(MAPS))
    assert (summary["n"], summary["unlabelled"], summary["pixels"]) == (12, 0, 12 * 29 * 32)
    assert summary["miou"] == pytest.approx(jaccard_score(truth, predicted, average="macro"), abs=1e-6)
    assert summary["dice"] == pytest.approx(f1_score(truth, predicted, average="macro"), abs=1e-6)
    assert summary["pixel_accuracy"] == pytest.approx(accuracy_score(truth, predicted), abs=1e-6)
    assert np.sum(summary["confusion"]) == summary["pixels"]
    per_class = [row["iou"] for row in summary["per_class"]]
    assert per_class[:3] == pytest.approx(jaccard_score(truth, predicted, average=None), abs=1e-6)


def test_every_number_lies_in_its_interval_and_the_whole_is_json():
    summary = summarise_masks(judged(MAPS))
    for row, names in [(summary, NUMBERS), *((row, ("iou", "dice", "boundary_f")) for row in summary["per_class"][:3])]:
        for name in names:
            low, high = row[f"{name}_interval"]
            assert 0 <= low < row[name] < high <= 1, (row.get("class"), name)
    assert json.loads(json.dumps(summary, allow_nan=False)) == summary


def test_a_picture_by_hand():
    truth, predicted = np.zeros((8, 8), int), np.zeros((8, 8), int)
    truth[:, 4:], predicted[:, 6:], truth[0] = 1, 1, -1
    summary = summarise_masks(judged([(truth, predicted)]))
    ground, tree, car, never = summary["per_class"]
    assert summary["confusion"] == [[28, 0, 0, 0], [14, 14, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]]
    assert (ground["class"], ground["true_pixels"], ground["predicted_pixels"], ground["pictures"]) == (
        "ground",
        28,
        42,
        1,
    )
    assert (ground["iou"], tree["iou"], tree["precision"], tree["recall"]) == pytest.approx(
        (28 / 42, 0.5, 1, 0.5), abs=1e-6
    )
    assert (summary["miou"], summary["boundary_f"]) == pytest.approx(((28 / 42 + 0.5) / 2, 0), abs=1e-6)
    assert summary["confused_pairs"] == [{"true": "tree", "predicted": "ground", "pixels": 14, "of": 28, "share": 0.5}]
    assert car["iou"] is never["dice"] is car["boundary_f"] is None
    assert (car["true_pixels"], car["pictures"], car["iou_interval"]) == (0, 0, [None, None])
    assert summary["notes"] == [PRESENT_RULE]


def test_pictures_without_a_counted_pixel_are_set_aside():
    with_one = summarise_masks(judged([IGNORED, *MAPS]))
    without = summarise_masks(judged(MAPS))
    assert (with_one["n"], with_one["unlabelled"]) == (12, 1)
    assert with_one["per_picture"]["miou"] == [None, *without["per_picture"]["miou"]]
    assert with_one["per_picture"]["pixel_accuracy"][0] is None
    for changed in ("unlabelled", "per_picture"):
        with_one.pop(changed), without.pop(changed)
    assert with_one == without


@pytest.mark.parametrize("maps", [[], [IGNORED]], ids=["no image", "only ignored pixels"])
def test_a_set_without_a_counted_pixel_has_no_numbers(maps):
    summary = summarise_masks(judged(maps))
    assert (summary["n"], summary["unlabelled"], summary["pixels"]) == (0, len(maps), 0)
    assert [summary[name] for name in NUMBERS] == [None] * 4
    assert [summary[f"{name}_interval"] for name in NUMBERS] == [[None, None]] * 4
    assert [row["iou"] for row in summary["per_class"]] == [None] * len(CLASSES)
    assert (summary["by_group"], summary["confused_pairs"], summary["notes"]) == ({}, [], [])
    assert json.dumps(summary, allow_nan=False)


def test_four_pictures_have_numbers_but_no_intervals():
    four, five = summarise_masks(judged(MAPS[:4])), summarise_masks(judged(MAPS[:5]))
    assert four["miou"] > 0
    assert four["miou_interval"] == [None, None]
    assert five["miou_interval"][0] < five["miou"] < five["miou_interval"][1]


def test_interval_of_pixel_accuracy_is_the_binomial_one_when_pictures_are_right_or_wrong_as_a_whole():
    """200 images, 80% right: the pixels of an image are one vote, not sixteen."""
    summary = summarise_masks(judged(right_or_wrong(np.repeat([True, False], [160, 40]))), draws=20_000)
    assert summary["pixel_accuracy"] == 0.8
    assert summary["pixel_accuracy_interval"] == pytest.approx([0.745, 0.855], abs=0.004)


def test_interval_over_groups_is_wider_when_groups_differ():
    maps = right_or_wrong(np.repeat([True, False], [160, 40]))
    groups = np.repeat([f"camera {number}" for number in range(10)], 20).astype(object)
    alone, together = summarise_masks(judged(maps)), summarise_masks(judged(maps, groups=groups))
    assert (alone["interval_over"], together["interval_over"]) == ("pictures", "groups")
    widths = [np.diff(summary["pixel_accuracy_interval"])[0] for summary in (alone, together)]
    assert widths[1] > 2 * widths[0]
    assert together["by_group"]["camera 0"] == {"n": 20, "miou": 1, "pixel_accuracy": 1}
    assert together["by_group"]["camera 9"] == {"n": 20, "miou": 0, "pixel_accuracy": 0}


def test_few_groups_are_listed_but_pictures_are_drawn():
    groups = np.array(["b", "a", None] * 4, dtype=object)
    summary = summarise_masks(judged(MAPS, groups=groups))
    assert summary["interval_over"] == "pictures"
    assert list(summary["by_group"]) == ["a", "b"]
    only_a = summarise_masks(judged(MAPS[1::3]))
    assert summary["by_group"]["a"] == {"n": 4, "miou": only_a["miou"], "pixel_accuracy": only_a["pixel_accuracy"]}


def test_a_seed_gives_the_same_intervals_and_another_seed_others(monkeypatch):
    predictions = judged(MAPS)
    first = summarise_masks(predictions, seed=1, draws=50)
    assert summarise_masks(predictions, seed=2, draws=50)["miou_interval"] != first["miou_interval"]
    monkeypatch.setattr(resampling, "CHUNK_DRAWS", 100)  # parts of 8 draws
    assert summarise_masks(predictions, seed=1, draws=50) == first


def test_order_of_pictures_changes_no_number():
    order = np.random.default_rng(0).permutation(12)
    given, shuffled = summarise_masks(judged(MAPS)), summarise_masks(judged([MAPS[row] for row in order]))
    for name in (*NUMBERS, "confusion", "confused_pairs"):
        assert shuffled[name] == given[name], name
    assert shuffled["per_picture"]["miou"] == [given["per_picture"]["miou"][row] for row in order]


def test_the_worst_picture_comes_first_and_those_without_a_counted_pixel_last():
    predictions = judged([MAPS[0], IGNORED, MAPS[11], MAPS[5], IGNORED])
    rows = worst_first(predictions)
    assert rows.tolist() == [2, 3, 0, 1, 4]
    miou = summarise_masks(predictions)["per_picture"]["miou"]
    assert miou[2] < miou[3] < miou[0]


def test_a_small_class_that_is_lost_is_worse_than_many_wrong_pixels():
    lost = (np.array([[0] * 15 + [1]]), np.zeros((1, 16), int))  # 15 of 16 pixels right; IoU 15/16 and 0
    blurred = (np.array([[0] * 4 + [1] * 4]), np.array([[0, 0, 0, 1, 0, 1, 1, 1]]))  # 6 of 8; IoU 3/5 twice
    assert worst_first(judged([blurred, lost])).tolist() == [1, 0]


def test_pictures_of_equal_miou_are_ordered_by_pixel_accuracy_then_by_row():
    more = (np.array([[0, 0, 0, 0, 1]]), np.array([[0, 0, 0, 1, 2]]))  # IoU 3/4, 0 and 0; 3 of 5 right
    half = (np.array([[0, 1]]), np.array([[0, 0]]))  # IoU 1/2 and 0; 1 of 2 right
    assert worst_first(judged([more, half, more, half])).tolist() == [1, 3, 0, 2]


def test_pictures_of_a_class_are_those_that_truly_hold_it():
    truth = np.zeros((2, 2), int)
    summary = summarise_masks(judged([(truth, truth + 2), (truth + 2, truth + 2), (truth, truth)]))
    assert [row["pictures"] for row in summary["per_class"]] == [2, 0, 1, 0]


def test_no_picture_has_no_order():
    assert worst_first(judged([])).tolist() == []
