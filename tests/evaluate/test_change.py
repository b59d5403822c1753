"""Before and after on one camera, against counts made by hand."""

from __future__ import annotations

import numpy as np
import pytest

from vision_ft.errors import DataError
from vision_ft.evaluate.classification.change import change_of
from vision_ft.evaluate.classification.metrics import MetricInputs
from vision_ft.evaluate.classification.predictions import Predictions
from vision_ft.evaluate.intervals import wilson
from vision_ft.evaluate.scoring import SCORINGS

TARGETS = np.array([0, 0, 0, 0, 1, 1, 1, 1, -1])
BEFORE = np.array([0, 0, 0, 0, 1, 1, 0, 0, 1])  # 6 of 8 right
AFTER = np.array([0, 0, 0, 1, 1, 1, 1, 1, 0])  # 7 of 8 right: one forgotten, two learned


def answers(predicted: np.ndarray, *, targets: np.ndarray = TARGETS, num_classes: int = 2) -> MetricInputs:
    return MetricInputs(targets, predicted, num_classes)


def made(predicted: np.ndarray, *, targets: np.ndarray = TARGETS, groups=None) -> Predictions:
    scores = np.full((len(predicted), 2), 0.1)
    scores[np.arange(len(predicted)), predicted] = 0.9
    paths = [str(row) for row in range(len(predicted))]
    return Predictions(("busy", "free"), paths, targets, predicted, scores, groups)


def numbers_of(predictions: Predictions):
    return SCORINGS["classification"].numbers(predictions)


def test_a_change_is_counted_on_labelled_images():
    change = change_of(answers(BEFORE), answers(AFTER), metric="accuracy")
    assert change.value == pytest.approx(0.125)
    assert change.low <= 0.125 <= change.high
    # F1 before: 8/10 and 4/6; after: 6/7 and 8/9
    macro = change_of(answers(BEFORE), answers(AFTER), metric="macro_f1")
    assert macro.value == pytest.approx((6 / 7 + 8 / 9 - 8 / 10 - 4 / 6) / 2, abs=1e-6)


def test_the_log_loss_and_the_interval_are_those_of_the_labelled_images():
    entry = numbers_of(made(BEFORE))
    assert (entry["n"], entry["accuracy"]) == (8, 0.75)
    assert entry["loss"] == pytest.approx((6 * -np.log(0.9) + 2 * -np.log(0.1)) / 8, abs=1e-6)
    low, high = wilson(6, 8)
    assert entry["accuracy_interval"] == pytest.approx([float(low), float(high)], abs=1e-6)


def test_images_in_groups_get_the_interval_over_groups_unless_that_has_no_width():
    targets, groups = np.zeros(80, np.int64), np.repeat([f"day {day}" for day in range(8)], 10).astype(object)
    predicted = np.repeat([0, 0, 0, 0, 0, 0, 0, 1], 10)  # one day wholly wrong
    grouped = numbers_of(made(predicted, targets=targets, groups=groups))
    alone = numbers_of(made(predicted, targets=targets))
    width = [np.ptp(entry["accuracy_interval"]) for entry in (alone, grouped)]
    assert width[1] > 1.5 * width[0]
    seven = numbers_of(made(predicted[10:], targets=targets[10:], groups=groups[10:]))
    assert seven == numbers_of(made(predicted[10:], targets=targets[10:])), "seven days are too few to draw"
    perfect = numbers_of(made(targets, targets=targets, groups=groups))
    assert perfect["accuracy_interval"] == pytest.approx([float(wilson(80, 80)[0]), 1.0], abs=1e-6)


def test_a_source_that_lacks_an_added_class_is_wrong_on_it_and_still_compared():
    targets = np.array([0, 0, 1, 2])
    source = answers(np.array([0, 0, 1, 1]), targets=targets)
    adapted = answers(np.array([0, 0, 1, 2]), targets=targets, num_classes=3)
    assert change_of(source, adapted, metric="accuracy").value == 0.25
    # F1 of the source: 1, 2/3 and 0
    assert change_of(source, adapted, metric="macro_f1").value == pytest.approx(1 - 5 / 9)


def test_no_labelled_image_gives_no_numbers_and_no_change():
    nothing = np.full(9, -1)
    assert numbers_of(made(BEFORE, targets=nothing)) is None
    unknown = answers(BEFORE, targets=nothing)
    assert np.isnan(change_of(unknown, unknown, metric="accuracy").value)


def test_the_change_of_a_model_to_itself_is_zero():
    for metric in ("accuracy", "macro_f1"):
        assert vars(change_of(answers(AFTER), answers(AFTER), metric=metric)) == {"value": 0, "low": 0, "high": 0}


def test_answers_for_other_images_are_refused_with_the_number_that_differs():
    other = TARGETS.copy()
    other[[1, 5]] = 1, 0
    with pytest.raises(DataError, match=r"labels of 2 of 9 images differ \(the first at row 1\)"):
        change_of(answers(BEFORE), answers(AFTER, targets=other), metric="accuracy")
    with pytest.raises(DataError, match="9 and 8 images; both models must predict the same ones"):
        change_of(answers(BEFORE), answers(AFTER[:8], targets=TARGETS[:8]), metric="accuracy")


def test_an_unknown_metric_is_refused_with_those_that_are_allowed():
    with pytest.raises(DataError, match="metric 'recall' is unknown; use one of accuracy, macro_f1"):
        change_of(answers(BEFORE), answers(AFTER), metric="recall")
