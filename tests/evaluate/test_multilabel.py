"""Numbers of several labels per image: equal to scikit-learn's, blind to unknown labels, with honest intervals."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from sklearn import metrics as sk

from vision_ft.errors import DataError
from vision_ft.evaluate.labels.metrics import (
    average_precision,
    best_thresholds,
    count_labels,
    subset_accuracy,
)
from vision_ft.evaluate.labels.multilabel import NO_SAMPLE_RULE, summarise_labels, taken_for
from vision_ft.evaluate.labels.predictions import LabelPredictions, read_label_predictions, write_label_predictions
from vision_ft.evaluate.resampling import draw_weights

NAN = np.nan


def random_set(seed: int = 0, count: int = 120, labels: int = 5, unknown: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    targets = (rng.random((count, labels)) < np.linspace(0.1, 0.6, labels)).astype(np.float32)
    scores = np.clip(targets * 0.3 + rng.random((count, labels)) * 0.7, 0, 1).round(2).astype(np.float32)  # with ties
    targets[rng.random(targets.shape) < unknown] = np.nan
    return targets, scores


def predictions(targets, scores, *, thresholds=None, **more) -> LabelPredictions:
    targets, scores = np.array(targets, np.float32), np.array(scores, np.float32)
    labels = targets.shape[1]
    return LabelPredictions(
        classes=tuple("abcdefgh"[:labels]),
        paths=[f"{row}.png" for row in range(len(targets))],
        targets=targets,
        scores=scores,
        thresholds=np.full(labels, 0.5) if thresholds is None else np.array(thresholds, np.float64),
        **more,
    )


@pytest.mark.parametrize("seed", range(4))
def test_the_numbers_equal_those_of_scikit_learn(seed):
    targets, scores = random_set(seed)
    numbers = summarise_labels(predictions(targets, scores), draws=50)
    truth, answer = targets.astype(int), (scores >= 0.5).astype(int)
    for name, average in (("macro_f1", "macro"), ("micro_f1", "micro")):
        assert numbers[name] == pytest.approx(sk.f1_score(truth, answer, average=average), abs=1e-6)
    assert numbers["map"] == pytest.approx(sk.average_precision_score(truth, scores, average="macro"), abs=1e-6)
    assert numbers["hamming_loss"] == pytest.approx(sk.hamming_loss(truth, answer), abs=1e-6)
    assert numbers["subset_accuracy"] == pytest.approx(sk.accuracy_score(truth, answer), abs=1e-6)
    per_label = sk.precision_recall_fscore_support(truth, answer, zero_division=0)
    for place, name in enumerate(("precision", "recall", "f1", "support")):
        assert [row[name] for row in numbers["per_class"]] == pytest.approx(per_label[place], abs=1e-6)
    expected = sk.multilabel_confusion_matrix(truth, answer)
    assert [row["confusion"] for row in numbers["per_class"]] == expected.tolist()


@pytest.mark.parametrize("seed", range(3))
def test_a_weighted_average_precision_equals_that_of_scikit_learn(seed):
    targets, scores = random_set(seed, count=60, labels=3)
    (weights,) = draw_weights(60, replicates=5, seed=seed)
    found = average_precision(targets, scores, weights=weights)
    for row, weight in enumerate(weights):
        for label in range(3):
            expected = sk.average_precision_score(targets[:, label], scores[:, label], sample_weight=weight)
            assert found[row, label] == pytest.approx(expected, abs=1e-9)


def test_labels_that_are_not_known_change_nothing():
    targets, scores = random_set(5, count=80, labels=3, unknown=0.4)
    numbers = summarise_labels(predictions(targets, scores), draws=50)
    for label, row in enumerate(numbers["per_class"]):
        known = ~np.isnan(targets[:, label])
        alone = sk.average_precision_score(targets[known, label], scores[known, label])
        assert row["ap"] == pytest.approx(alone, abs=1e-6)
        assert row["known"] == known.sum() == np.sum(row["confusion"])
    other = np.where(np.isnan(targets), 1 - scores, scores)  # other answers where nothing is known
    again = summarise_labels(predictions(targets, other), draws=50)
    assert {key: value for key, value in again.items() if "interval" not in key} == {
        key: value for key, value in numbers.items() if "interval" not in key
    }


def test_pictures_that_are_not_wholly_known_leave_subset_accuracy_alone():
    targets = np.array([[1, 0], [1, NAN], [0, 1]])
    answers = np.array([[True, False], [False, True], [True, True]])
    assert subset_accuracy(targets, answers) == 0.5
    numbers = summarise_labels(predictions(targets, answers.astype(float)), draws=20)
    assert (numbers["subset_accuracy"], numbers["complete"], numbers["n"]) == (0.5, 2, 3)


def test_a_label_that_applies_nowhere_is_no_zero():
    numbers = summarise_labels(
        predictions([[1, 0], [0, 0], [NAN, NAN]], [[0.9, 0.1], [0.2, 0.7], [0.5, 0.5]]), draws=20
    )
    assert (numbers["macro_f1"], numbers["map"]) == (1.0, 1.0)
    assert numbers["classes_without_pictures"] == ["b"]
    assert numbers["notes"] == [NO_SAMPLE_RULE]
    absent = numbers["per_class"][1]
    assert (absent["f1"], absent["ap"], absent["recall"], absent["predicted"]) == (None, None, None, 1)
    assert (numbers["n"], numbers["unlabelled"]) == (2, 1)


def test_nothing_gives_nulls_that_json_can_hold():
    numbers = summarise_labels(predictions(np.zeros((0, 2)), np.zeros((0, 2))), draws=20)
    assert (numbers["n"], numbers["macro_f1"], numbers["map_interval"]) == (0, None, [None, None])
    json.dumps(numbers, allow_nan=False)


def test_a_flawless_set_keeps_an_interval():
    targets = np.tile([[1, 0], [0, 1]], (5, 1))
    numbers = summarise_labels(predictions(targets, targets), draws=50)
    assert numbers["macro_f1"] == numbers["map"] == 1.0
    low, high = numbers["macro_f1_interval"]
    assert 0.6 < low < 0.8
    assert high == 1.0
    assert numbers["hamming_loss"] == 0.0


def test_an_interval_holds_the_number_and_grows_when_whole_groups_are_drawn():
    targets, scores = random_set(1, count=200)
    groups = np.array([f"camera {row // 20}" for row in range(200)], dtype=object)
    scores[:100] = 1 - scores[:100]  # half of the cameras fail
    alone = summarise_labels(predictions(targets, scores))
    grouped = summarise_labels(predictions(targets, scores, groups=groups))
    for name in ("macro_f1", "micro_f1", "map", "hamming_loss"):
        low, high = alone[f"{name}_interval"]
        assert low <= alone[name] <= high
        wide_low, wide_high = grouped[f"{name}_interval"]
        assert wide_high - wide_low > 1.5 * (high - low)
    assert grouped["by_group"]["camera 0"]["n"] == 20
    assert grouped["by_group"]["camera 9"]["micro_f1"] > grouped["by_group"]["camera 0"]["micro_f1"]
    assert alone["by_group"] is None


def slow_best_f1(target: np.ndarray, score: np.ndarray) -> float:
    cuts = [-1.0, *score]
    return max(sk.f1_score(target, score >= cut, zero_division=0) for cut in cuts)


@pytest.mark.parametrize("seed", range(5))
def test_a_threshold_gives_the_best_f1_there_is(seed):
    targets, scores = random_set(seed, count=40, labels=4)
    thresholds = best_thresholds(targets, scores)
    counts = count_labels(targets, scores >= thresholds)
    expected = [slow_best_f1(targets[:, label], scores[:, label]) for label in range(4)]
    assert counts.f1.tolist() == pytest.approx(expected)


def test_a_threshold_lies_between_the_scores_and_near_a_half():
    targets = np.array([[1.0, 0.0, NAN], [1.0, 0.0, NAN], [0.0, 0.0, NAN], [NAN, 0.0, NAN]])
    scores = np.array([[0.9, 0.9, 0.9], [0.3, 0.8, 0.8], [0.1, 0.7, 0.7], [0.2, 0.6, 0.6]])
    assert best_thresholds(targets, scores).tolist() == pytest.approx([0.2, 0.5, 0.5])
    every = best_thresholds(np.ones((2, 1)), np.array([[0.9], [0.8]]))
    assert every[0] == pytest.approx(0.4)


def test_missed_and_ghost_labels_of_a_picture_are_paired():
    targets = np.array([[1, 0, 0], [1, 1, 0], [0, 1, NAN], [1, 0, 1]], np.float64)
    answers = np.array([[0, 1, 0], [1, 1, 1], [0, 0, 1], [0, 1, 1]], bool)
    assert taken_for(targets, answers).tolist() == [[1, 2, 0], [0, 1, 0], [0, 0, 1]]


def test_predictions_survive_the_disk(tmp_path: Path):
    targets, scores = random_set(3, count=7, labels=3, unknown=0.3)
    groups = np.array(["x", None, "y", "y", "x", None, "z"], dtype=object)
    made = predictions(targets, scores, thresholds=[0.2, 0.123456789012345, 0.5], groups=groups, ids=np.arange(7) * 3)
    write_label_predictions(tmp_path / "val.parquet", made)
    again = read_label_predictions(tmp_path / "val.parquet")
    for name in ("targets", "scores", "thresholds", "groups", "ids"):
        np.testing.assert_array_equal(getattr(again, name), getattr(made, name))
    assert (again.classes, list(again.paths), again.task) == (made.classes, made.paths, "multilabel")
    np.testing.assert_array_equal(again.predicted, made.predicted)


def test_damaged_or_foreign_predictions_are_refused(tmp_path: Path):
    from vision_ft.evaluate.labels.predictions import read_column_predictions

    file = tmp_path / "val.parquet"
    with pytest.raises(DataError, match="val.parquet: no such predictions file"):
        read_label_predictions(file)
    write_label_predictions(file, predictions([[1, 0]], [[0.5, 0.5]]))
    with pytest.raises(DataError, match='predictions of the task "multilabel"; expected .* for multitask'):
        read_column_predictions(file)
    file.write_bytes(file.read_bytes()[:100])
    with pytest.raises(DataError, match="not a readable parquet file"):
        read_label_predictions(file)


def test_arrays_that_do_not_fit_are_refused():
    with pytest.raises(DataError, match=r"predictions: scores have shape \(1, 3\), expected \(1, 2\)"):
        predictions([[1, 0]], [[0.5, 0.5, 0.5]])
    with pytest.raises(DataError, match=r"predictions: thresholds have shape \(1,\), expected \(2,\)"):
        predictions([[1, 0]], [[0.5, 0.5]], thresholds=[0.5])
    with pytest.raises(DataError, match="predictions row 1: a score is not finite"):
        predictions([[1], [0]], [[0.5], [NAN]])
