"""Before and after on one camera, against counts made by hand."""

from __future__ import annotations

import json

import numpy as np
import pytest

from vision_ft.errors import DataError
from vision_ft.evaluate.classification.metrics import Answers
from vision_ft.evaluate.forgetting import change_of, summarise_camera, summarise_pair
from vision_ft.evaluate.intervals import wilson

TARGETS = np.array([0, 0, 0, 0, 1, 1, 1, 1, -1])
BEFORE = np.array([0, 0, 0, 0, 1, 1, 0, 0, 1])  # 6 of 8 right
AFTER = np.array([0, 0, 0, 1, 1, 1, 1, 1, 0])  # 7 of 8 right: one forgotten, two learned


def answers(predicted: np.ndarray, *, targets: np.ndarray = TARGETS, num_classes: int = 2) -> Answers:
    scores = np.full((len(predicted), num_classes), 0.1)
    scores[np.arange(len(predicted)), predicted] = 0.9
    return Answers(targets, predicted, num_classes, scores)


def test_a_pair_counts_what_was_forgotten_and_learned_on_labelled_pictures():
    pair = summarise_pair(answers(BEFORE), answers(AFTER), classes=["busy", "free"])
    assert pair is not None
    assert (pair["before"]["n"], pair["before"]["accuracy"], pair["after"]["accuracy"]) == (8, 0.75, 0.875)
    assert (pair["forgotten"], pair["learned"], pair["p_value"]) == (1, 2, 1.0)
    assert pair["change"]["accuracy"]["value"] == pytest.approx(0.125)
    assert pair["change"]["accuracy"]["low"] <= 0.125 <= pair["change"]["accuracy"]["high"]
    # F1 before: 8/10 and 4/6; after: 6/7 and 8/9
    assert pair["change"]["macro_f1"]["value"] == pytest.approx((6 / 7 + 8 / 9 - 8 / 10 - 4 / 6) / 2, abs=1e-6)
    json.dumps(pair, allow_nan=False)


def test_classes_are_listed_by_what_they_lost_first():
    pair = summarise_pair(answers(BEFORE), answers(AFTER), classes=["busy", "free"])
    assert pair is not None
    assert pair["per_class"] == [
        {"class": "busy", "n": 4, "before": 1.0, "after": 0.75},
        {"class": "free", "n": 4, "before": 0.5, "after": 1.0},
    ]


def test_the_log_loss_and_the_interval_are_those_of_the_labelled_pictures():
    entry = summarise_camera(answers(BEFORE))
    assert entry is not None
    assert entry["loss"] == pytest.approx((6 * -np.log(0.9) + 2 * -np.log(0.1)) / 8, abs=1e-6)
    low, high = wilson(6, 8)
    assert entry["accuracy_interval"] == pytest.approx([float(low), float(high)], abs=1e-6)
    assert summarise_camera(Answers(TARGETS, BEFORE, 2))["loss"] is None


def test_pictures_in_groups_get_the_interval_over_groups_unless_that_has_no_width():
    targets, groups = np.zeros(80, np.int64), np.repeat([f"day {day}" for day in range(8)], 10).astype(object)
    predicted = np.repeat([0, 0, 0, 0, 0, 0, 0, 1], 10)  # one day wholly wrong
    grouped = summarise_camera(answers(predicted, targets=targets), groups=groups)
    alone = summarise_camera(answers(predicted, targets=targets))
    width = [np.ptp(entry["accuracy_interval"]) for entry in (alone, grouped)]
    assert width[1] > 1.5 * width[0]
    seven = summarise_camera(answers(predicted[10:], targets=targets[10:]), groups=groups[10:])
    assert seven == summarise_camera(answers(predicted[10:], targets=targets[10:])), "seven days are too few to draw"
    perfect = summarise_camera(answers(targets, targets=targets), groups=groups)
    assert perfect["accuracy_interval"] == pytest.approx([float(wilson(80, 80)[0]), 1.0], abs=1e-6)


def test_a_source_that_lacks_an_added_class_is_wrong_on_it_and_still_compared():
    targets = np.array([0, 0, 1, 2])
    source = answers(np.array([0, 0, 1, 1]), targets=targets)
    adapted = answers(np.array([0, 0, 1, 2]), targets=targets, num_classes=3)
    pair = summarise_pair(source, adapted, classes=["busy", "free", "snow"])
    assert pair is not None
    assert (pair["before"]["accuracy"], pair["after"]["accuracy"]) == (0.75, 1.0)
    assert pair["per_class"][-1] == {"class": "snow", "n": 1, "before": 0.0, "after": 1.0}
    assert np.isfinite(pair["before"]["loss"])


def test_no_labelled_picture_gives_no_summary_and_no_number():
    nothing = answers(BEFORE, targets=np.full(9, -1))
    assert summarise_pair(nothing, nothing, classes=["busy", "free"]) is None
    assert summarise_camera(nothing) is None
    assert np.isnan(change_of(nothing, nothing, metric="accuracy").value)


def test_the_change_of_a_model_to_itself_is_zero():
    for metric in ("accuracy", "macro_f1"):
        assert vars(change_of(answers(AFTER), answers(AFTER), metric=metric)) == {"value": 0, "low": 0, "high": 0}


def test_answers_for_other_pictures_are_refused_with_the_number_that_differs():
    other = TARGETS.copy()
    other[[1, 5]] = 1, 0
    with pytest.raises(DataError, match=r"labels of 2 of 9 pictures differ \(the first at row 1\)"):
        summarise_pair(answers(BEFORE), answers(AFTER, targets=other), classes=["busy", "free"])
    with pytest.raises(DataError, match="9 and 8 pictures; both models must answer for the same ones"):
        change_of(answers(BEFORE), answers(AFTER[:8], targets=TARGETS[:8]), metric="accuracy")


def test_an_unknown_metric_is_refused_with_those_that_are_allowed():
    with pytest.raises(DataError, match="metric 'recall' is unknown; use one of accuracy, macro_f1"):
        change_of(answers(BEFORE), answers(AFTER), metric="recall")
