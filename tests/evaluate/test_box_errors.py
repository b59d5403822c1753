"""Error kinds, confusion with background and what mending gains, on boxes that a person can image."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.evaluate.boxes import drawn, picture, predictions_of, square
from vision_ft.evaluate.boxes.errors import (
    ERROR_KINDS,
    FALSE_ALARMS,
    box_kinds,
    confuse_boxes,
    error_counts,
    explain_boxes,
    explain_picture,
    mended_ap50,
)
from vision_ft.evaluate.boxes.predictions import BoxPredictions
from vision_ft.evaluate.boxes.summary import best_thresholds, summarise_boxes

LOOSE = square(45)  # IoU 55 / 145 = 0.38 with square(0)
FAR = square(180)


def kinds_of(found, true, **changes):
    ((kinds, missed),) = box_kinds(predictions_of(picture(found, true), **changes))
    return kinds.tolist(), missed.tolist()


@pytest.mark.parametrize(
    ("found", "kinds", "missed"),
    [
        ([(square(0), 0.9, 0)], ["hit"], [False]),
        ([(LOOSE, 0.9, 0)], ["localisation"], [False]),
        ([(square(0), 0.9, 1)], ["class"], [False]),
        ([(LOOSE, 0.9, 1)], ["both"], [True]),
        ([(square(0), 0.9, 0), (square(5), 0.8, 0)], ["hit", "duplicate"], [False]),
        ([(FAR, 0.9, 0)], ["background"], [True]),
        ([(square(0), 0.4, 0)], ["below"], [True]),
        ([(square(5), 0.6, 0), (square(0), 0.9, 0)], ["duplicate", "hit"], [False]),
        ([], [], [True]),
    ],
)
def test_a_box_is_of_the_kind_that_its_definition_says(found, kinds, missed):
    assert kinds_of(found, [(square(0), 0)]) == (kinds, missed)


def test_the_borders_of_the_kinds_are_iou_one_half_and_one_tenth():
    own, other = np.array([[True]]), np.array([[False]])
    for share, with_own, with_other in [
        *((0.5, "duplicate", "class"), (0.49, "localisation", "both"), (0.1, "localisation", "both")),
        (0.09, "background", "background"),
    ]:
        assert explain_picture(np.array([[share]]), own)[0].tolist() == [with_own]
        assert explain_picture(np.array([[share]]), other)[0].tolist() == [with_other]


def test_a_box_on_a_car_of_another_class_is_a_class_error_though_a_neighbour_of_its_class_is_near():
    occupied, empty = (square(0), 0), (square(80), 1)  # neighbours overlap by IoU 20 / 180
    assert kinds_of([(square(0), 0.9, 1), (square(80), 0.8, 1)], [occupied, empty]) == (
        ["class", "hit"],
        [False, False],
    )


def test_a_box_on_a_crowd_is_ignored_and_a_crowd_is_never_missed():
    crowd = (square(0, side=150), 0, True)
    assert kinds_of([(square(10), 0.9, 0)], [crowd]) == (["ignored"], [False])
    assert kinds_of([(square(10), 0.9, 1)], [crowd]) == (["background"], [False])
    assert kinds_of([], [crowd]) == ([], [False])


def test_thresholds_are_those_of_the_class():
    found = [(square(0), 0.4, 0), (FAR, 0.4, 1)]
    assert kinds_of(found, [(square(0), 0)], thresholds=[0.3, 0.5]) == (["hit", "below"], [False])


def test_a_true_box_that_only_a_box_below_the_threshold_meets_is_missed():
    assert kinds_of([(LOOSE, 0.2, 0)], [(square(0), 0)]) == (["below"], [True])


def test_kinds_come_picture_by_picture_as_the_boxes_do():
    predictions = drawn(2)
    for row, (kinds, missed) in enumerate(box_kinds(predictions)):
        assert (len(kinds), len(missed)) == (len(predictions.scores[row]), len(predictions.target_labels[row]))
    assert box_kinds(predictions_of()) == []


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_every_shown_box_has_one_kind_and_confusion_agrees_with_the_table_of_classes(seed):
    predictions = drawn(seed, decimals=1)
    predictions = predictions.with_thresholds(best_thresholds(predictions))
    explained, summary = explain_boxes(predictions), summarise_boxes(predictions, draws=1)
    counts, matrix = error_counts(predictions, explained), confuse_boxes(predictions, explained)
    shown = np.isin(explained.kinds, ("hit", *FALSE_ALARMS))
    rows = summary["per_class"]
    assert np.isin(explained.kinds[~shown], ("ignored", "below")).all()
    assert sum(counts[kind].sum() for kind in FALSE_ALARMS) == shown.sum() - (explained.kinds == "hit").sum()
    assert matrix[:-1].sum(axis=1).tolist() == [row["true"] for row in rows]
    assert matrix[:, :-1].sum(axis=0).tolist() == [row["predicted"] for row in rows]
    assert [row["recall"] for row in rows[:3]] == pytest.approx(np.diag(matrix)[:3] / matrix[:3].sum(axis=1), abs=1e-6)
    assert matrix[-1, -1] == 0
    assert sum(number > 0 for number in summary["errors"].values()) >= 5


def confusion_of(found, true):
    predictions = predictions_of(picture(found, true))
    return confuse_boxes(predictions, explain_boxes(predictions)).tolist()


def test_confusion_counts_hits_wrong_classes_ghosts_and_missed_boxes():
    true = [(square(0), 0), (square(0, 150), 1), (FAR, 1)]
    found = [(square(0), 0.9, 0), (square(0, 150), 0.8, 0), (square(180, 150), 0.7, 1)]
    assert confusion_of(found, true) == [[1, 0, 0], [1, 0, 1], [0, 1, 0]]


def test_a_right_box_keeps_its_object_though_a_wrong_class_fits_it_better():
    assert confusion_of([(square(0), 0.9, 1), (square(5), 0.6, 0)], [(square(0), 0)]) == [
        [1, 0, 0],
        [0, 0, 0],
        [0, 1, 0],
    ]


def test_of_two_wrong_boxes_the_better_fit_takes_the_object_and_of_equal_ones_the_more_certain():
    predictions = predictions_of(
        picture([(square(10), 0.9, 1), (square(5), 0.6, 2)], [(square(0), 0)]),
        picture([(square(5), 0.6, 1), (square(5), 0.9, 2)], [(square(0), 0)]),
        classes="abc",
    )
    matrix = confuse_boxes(predictions, explain_boxes(predictions))
    assert matrix.tolist() == [[0, 0, 2, 0], [0] * 4, [0] * 4, [0, 2, 0, 0]]


def gains_of(found, true):
    predictions = predictions_of(picture(found, true))
    return predictions.headline()["map50"], mended_ap50(predictions)


@pytest.mark.parametrize(
    ("found", "kind", "before", "gain"),
    [
        ([(LOOSE, 0.9, 0)], "localisation", 0.0, 1.0),
        ([(square(0), 0.9, 1)], "class", 0.0, 1.0),
        ([(FAR, 0.9, 0), (square(0), 0.8, 0)], "background", 0.5, 0.5),
        ([(LOOSE, 0.9, 1)], "missed", 0.0, 1.0),
        ([(square(0), 0.3, 0)], None, 1.0, 0.0),
    ],
)
def test_mending_the_one_kind_of_error_makes_the_answer_perfect(found, kind, before, gain):
    value, gains = gains_of(found, [(square(0), 0)])
    assert value == pytest.approx(before)
    assert gains == {name: pytest.approx(gain if name == kind else 0.0) for name in ERROR_KINDS}


def test_mending_duplicates_and_loose_boxes_of_the_wrong_class_takes_them_away():
    true = [(square(0), 0), (square(0, 180), 0)]
    spoilt = [(square(0), 0.9, 0), (square(5), 0.8, 0), (square(0, 180), 0.7, 0)]
    value, gains = gains_of(spoilt, true)
    assert value == pytest.approx((51 + 50 * 2 / 3) / 101)
    assert gains["duplicate"] == pytest.approx(1 - value)
    other = picture([(square(45), 0.9, 0), (square(0), 0.8, 1)], [(square(0), 1)])
    predictions = predictions_of(other, picture([(square(0), 0.7, 0)], [(square(0), 0)]))
    assert mended_ap50(predictions)["both"] == pytest.approx(0.25)  # class a rises from 1/2 to 1, class b stays at 1


def test_missed_boxes_are_no_longer_asked_for():
    value, gains = gains_of([(square(0), 0.9, 0)], [(square(0), 0), (FAR, 0)])
    assert value == pytest.approx(51 / 101)
    assert gains["missed"] == pytest.approx(50 / 101)


def test_only_the_most_certain_error_about_a_box_is_mended():
    _, gains = gains_of([(LOOSE, 0.9, 0), (square(40), 0.8, 0), (FAR, 0.85, 0)], [(square(0), 0)])
    assert gains["localisation"] == pytest.approx(1.0)
    _, gains = gains_of([(square(0), 0.9, 0), (LOOSE, 0.8, 0)], [(square(0), 0)])
    assert gains["localisation"] == 0.0  # its box is found already, so the error just goes


def without(predictions: BoxPredictions, kind: str) -> BoxPredictions:
    """The same set with the boxes of an error kind deleted from its lists."""
    explained = explain_boxes(predictions, thresholds=np.zeros(len(predictions.classes)))
    ends = np.cumsum([len(part) for part in predictions.scores])[:-1]
    true_ends = np.cumsum([len(part) for part in predictions.target_labels])[:-1]
    keep = np.split(explained.kinds != kind, ends)
    held = np.split(~explained.missed | (kind != "missed"), true_ends)
    found, true = ("boxes", "scores", "labels"), ("target_boxes", "target_labels", "ignored")
    parts = dict.fromkeys(found, keep) | dict.fromkeys(true, held)
    cut = {
        name: [part[rows] for part, rows in zip(getattr(predictions, name), kept, strict=True)]
        for name, kept in parts.items()
    }
    return replace(predictions, **cut)


@pytest.mark.parametrize("kind", ["duplicate", "both", "background", "missed"])
@pytest.mark.parametrize("seed", [0, 1])
def test_the_gain_is_that_of_deleting_those_boxes(kind, seed):
    predictions = drawn(seed, decimals=2)
    few = replace(  # 100 boxes at most, so that a deleted one makes no room for another
        predictions,
        **{name: [part[:100] for part in getattr(predictions, name)] for name in ("boxes", "scores", "labels")},
    )
    gain = without(few, kind).headline()["map50"] - few.headline()["map50"]
    assert gain > 0.001
    assert mended_ap50(few)[kind] == pytest.approx(gain, abs=1e-9)


def test_without_a_true_box_nothing_can_be_gained():
    assert all(np.isnan(gain) for gain in mended_ap50(predictions_of(picture([(FAR, 0.9, 0)]))).values())
