"""What the scoring of every task promises."""

from __future__ import annotations

import json

import numpy as np
import pytest

from tests import compared_dense, compared_labels
from vision_ft.evaluate import summaries
from vision_ft.evaluate.read import read_any_predictions, take_rows
from vision_ft.evaluate.regression.summary import ValueSummary
from vision_ft.evaluate.scoring import SCORINGS

MADE = {
    "classification": compared_labels.answers,
    "multilabel": compared_labels.label_sets,
    "multitask": compared_labels.label_columns,
    "segmentation": compared_dense.masks,
    "detection": compared_dense.boxes,
    "regression": compared_labels.values,
}
SUMMARIES = {
    "classification": summaries.ClassSummary,
    "multilabel": summaries.LabelSetSummary,
    "multitask": summaries.ColumnsSummary,
    "segmentation": summaries.MaskSummary,
    "detection": summaries.BoxSummary,
    "regression": ValueSummary,
}


def test_every_task_is_tried():
    assert MADE.keys() == SCORINGS.keys() == SUMMARIES.keys()


@pytest.mark.parametrize("task", SCORINGS)
def test_a_summary_has_the_keys_of_its_type(task):
    kind, summary = SUMMARIES[task], SCORINGS[task].summarise(MADE[task]())
    assert kind.__required_keys__ <= summary.keys() <= kind.__required_keys__ | kind.__optional_keys__


@pytest.mark.parametrize("task", SCORINGS)
def test_the_headline_is_what_the_summary_says(task):
    scoring, made = SCORINGS[task], MADE[task]()
    summary = scoring.summarise(made, seed=3)
    json.dumps(summary, allow_nan=False)
    assert summary["n"] == scoring.judged(made).sum()
    assert summary["interval_over"] == "groups"
    for name, value in scoring.headline(made).items():
        assert summary[name] == pytest.approx(value, abs=1e-6)
        assert summary.get(f"{name}_interval") is not None
    assert set(scoring.headline(made)) == set(scoring.names)


@pytest.mark.parametrize("task", SCORINGS)
def test_the_numbers_of_a_camera_have_the_intervals_of_the_summary(task):
    scoring, made = SCORINGS[task], MADE[task]()
    numbers, summary = scoring.numbers(made, seed=3), scoring.summarise(made, seed=3)
    for name in scoring.names:
        assert numbers[name] == pytest.approx(summary[name], abs=1e-6)
        assert numbers[f"{name}_interval"] == pytest.approx(summary[f"{name}_interval"], abs=1e-6)
    assert scoring.numbers(take_rows(made, np.array([], np.int64))) is None


@pytest.mark.parametrize("task", SCORINGS)
def test_measured_once_each_image_gives_the_headline(task):
    scoring, made = SCORINGS[task], MADE[task]()
    measured = scoring.measure(made, np.ones((1, len(made))))
    assert {name: values[0] for name, values in measured.scores.items()} == pytest.approx(scoring.headline(made))
    assert measured.classes.shape == (1, len(made.classes))
    assert scoring.compared.holding(made).shape == (len(made), len(made.classes))


@pytest.mark.parametrize("task", SCORINGS)
def test_a_change_is_the_difference_of_the_headlines_within_its_interval(task):
    scoring, before, after = SCORINGS[task], MADE[task](), MADE[task](mended=0.5)
    for name in scoring.names:
        change = scoring.change(before, after, name, seed=1)
        assert change.value == pytest.approx(scoring.headline(after)[name] - scoring.headline(before)[name])
        assert change.low <= change.value <= change.high
        assert (change.low > 0) if scoring.info(name).higher_is_better else (change.high < 0)
        assert scoring.change(before, before, name).value == 0


@pytest.mark.parametrize("task", SCORINGS)
def test_predictions_survive_the_disk_and_are_read_by_the_task_they_name(task, tmp_path):
    scoring, made = SCORINGS[task], MADE[task]()
    file = tmp_path / "test.parquet"
    scoring.write(file, made)
    again = read_any_predictions(file)
    assert (again.task, again.classes, list(again.paths)) == (task, made.classes, list(made.paths))
    assert scoring.headline(again) == pytest.approx(scoring.headline(made))


@pytest.mark.parametrize("task", SCORINGS)
def test_what_val_settles_is_the_same_for_all_splits_and_needs_no_val(task):
    scoring = SCORINGS[task]
    val, test = MADE[task](), MADE[task](mended=0.5)
    settled = scoring.settle({"val": val, "test": test})
    assert scoring.settled(settled["val"]) == scoring.settled(settled["test"])
    json.dumps(scoring.settled(settled["val"]), allow_nan=False)
    assert list(scoring.settle({"test": test})) == ["test"]


@pytest.mark.parametrize("task", SCORINGS)
def test_classes_in_another_order_change_no_number(task):
    scoring, made = SCORINGS[task], MADE[task]()
    turned = scoring.compared.with_classes(made, made.classes[::-1])
    assert turned.classes == made.classes[::-1]
    assert scoring.headline(turned) == pytest.approx(scoring.headline(made))
    back = scoring.compared.with_classes(turned, made.classes)
    assert scoring.compared.equal(made, back).all()
    assert scoring.compared.same_truth(made, back).all()


@pytest.mark.parametrize("task", SCORINGS)
def test_the_images_that_were_mended_score_higher(task):
    scoring = SCORINGS[task]
    before, after = (scoring.compared.per_image(MADE[task](mended=share)) for share in (0.0, 0.5))
    known = ~np.isnan(before)
    assert np.nanmean(after) > np.nanmean(before)
    assert (before[known] >= 0).all()
    assert (before[known] <= 1).all()
