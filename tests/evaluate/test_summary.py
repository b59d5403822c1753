"""The summary of a split, number by number against scikit-learn and by hand."""

from __future__ import annotations

import json
import time

import numpy as np
import pytest
from sklearn import metrics as sk

from vision_ft.errors import DataError
from vision_ft.evaluate.classification.metrics import accuracy, balanced_accuracy, macro_f1, summarise, top_k_accuracy


def draw(num_pictures: int, num_classes: int, seed: int = 0, strength: float = 1.5):
    rng = np.random.default_rng(seed)
    targets = rng.integers(0, num_classes, num_pictures)
    logits = rng.normal(size=(num_pictures, num_classes))
    logits[np.arange(num_pictures), targets] += strength
    scores = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return targets, scores, scores.argmax(axis=1)


@pytest.mark.parametrize("num_classes", [2, 3, 20])
def test_summary_agrees_with_scikit_learn(num_classes):
    targets, scores, predicted = draw(400, num_classes)
    names = [f"c{k}" for k in range(num_classes)]
    result = summarise(targets, scores, predicted, classes=names)
    labels = list(range(num_classes))
    assert result["accuracy"] == pytest.approx(sk.accuracy_score(targets, predicted), abs=1e-6)
    assert result["balanced_accuracy"] == pytest.approx(sk.balanced_accuracy_score(targets, predicted), abs=1e-6)
    assert result["macro_f1"] == pytest.approx(sk.f1_score(targets, predicted, average="macro"), abs=1e-6)
    assert result["log_loss"] == pytest.approx(sk.log_loss(targets, scores), abs=1e-6)
    precision, recall, f1, support = sk.precision_recall_fscore_support(targets, predicted, labels=labels)
    assert [row["precision"] for row in result["per_class"]] == pytest.approx(precision, abs=1e-6)
    assert [row["recall"] for row in result["per_class"]] == pytest.approx(recall, abs=1e-6)
    assert [row["f1"] for row in result["per_class"]] == pytest.approx(f1, abs=1e-6)
    assert [row["support"] for row in result["per_class"]] == support.tolist()
    matrix = np.zeros((num_classes, num_classes), int)
    for true, guess, count in result["confusion"]:
        matrix[true, guess] = count
    assert (matrix == sk.confusion_matrix(targets, predicted)).all()
    if num_classes == 2:
        assert result["top_k"] is None
        assert result["top_k_accuracy"] is None
    else:
        k = min(5, num_classes - 1)
        assert result["top_k"] == k
        assert result["top_k_accuracy"] == pytest.approx(sk.top_k_accuracy_score(targets, scores, k=k), abs=1e-6)


def test_every_interval_holds_its_number():
    targets, scores, predicted = draw(300, 5)
    result = summarise(targets, scores, predicted, classes=list("abcde"), groups=[f"g{i % 8}" for i in range(300)])
    assert result["interval_over"] == "groups"
    for name in ("accuracy", "balanced_accuracy", "macro_f1", "top_k_accuracy"):
        low, high = result[f"{name}_interval"]
        assert low < result[name] < high, name
    for row in result["per_class"]:
        for name in ("precision", "recall", "f1"):
            low, high = row[f"{name}_interval"]
            assert low <= row[name] <= high, (row["class"], name)
    assert result["accuracy_interval_by_group"] == result["accuracy_interval"]
    few = summarise(targets, scores, predicted, classes=list("abcde"), groups=[f"g{i % 7}" for i in range(300)])
    assert (few["interval_over"], few["accuracy_interval_by_group"]) == ("pictures", None)


def test_a_class_without_pictures_is_null_and_not_counted_in_averages():
    targets, predicted = np.array([0, 0, 1, 1]), np.array([0, 2, 1, 1])
    result = summarise(targets, None, predicted, classes=["a", "b", "absent"])
    absent = result["per_class"][2]
    assert (absent["recall"], absent["f1"], absent["f1_interval"]) == (None, None, [None, None])
    assert absent["precision"] == 0.0  # predicted once, wrongly
    assert result["macro_f1"] == pytest.approx((2 / 3 + 1) / 2, abs=1e-6)
    assert result["balanced_accuracy"] == pytest.approx((0.5 + 1) / 2)
    assert result["classes_without_pictures"] == ["absent"]
    assert "never counted as 0" in result["notes"][0]


def test_a_class_never_predicted_has_no_precision_but_an_f1_of_zero():
    result = summarise(np.array([0, 1]), None, np.array([0, 0]), classes=["a", "b"])
    assert result["per_class"][1]["precision"] is None
    assert result["per_class"][1]["f1"] == 0.0


def test_no_picture_at_all_gives_nulls_and_valid_json():
    result = summarise(np.zeros(0, int), np.zeros((0, 3)), np.zeros(0, int), classes=list("abc"), groups=[])
    assert result["n"] == 0
    assert result["accuracy"] is result["macro_f1"] is result["ece"] is None
    json.dumps(result, allow_nan=False)


def test_pictures_without_a_label_are_counted_and_left_out():
    result = summarise(np.array([0, -1, 1]), None, np.array([0, 1, 1]), classes=["a", "b"])
    assert (result["n"], result["unlabelled"], result["accuracy"]) == (2, 1, 1.0)


def test_most_confused_pair_comes_first_with_its_share():
    targets = np.array([0] * 10 + [1] * 10)
    predicted = np.array([0] * 7 + [1] * 3 + [1] * 9 + [0])
    pairs = summarise(targets, None, predicted, classes=["grosbeak", "bunting"])["confused_pairs"]
    assert [(p["true"], p["predicted"], p["count"], p["of"]) for p in pairs] == [
        ("grosbeak", "bunting", 3, 10),
        ("bunting", "grosbeak", 1, 10),
    ]
    assert pairs[0]["share"] == pytest.approx(0.3)
    assert pairs[0]["interval"][0] < 0.3 < pairs[0]["interval"][1]


def test_per_group_numbers_by_hand():
    result = summarise(
        np.array([0, 0, 1, 1, 0]),
        None,
        np.array([0, 1, 1, 1, 0]),
        classes=["a", "b"],
        groups=["x", "x", "y", "y", None],
    )
    assert [(g["group"], g["n"], g["accuracy"]) for g in result["groups"]] == [
        ("x", 2, 0.5),
        ("y", 2, 1.0),
        (None, 1, 1.0),
    ]
    assert result["accuracy_interval_by_group"] is None  # two groups tell nothing about other groups


def test_top_k_breaks_ties_by_class_index_so_that_constant_scores_earn_no_more_than_k():
    targets, scores = np.arange(4), np.full((4, 4), 0.25)
    assert top_k_accuracy(targets, scores, 2) == 0.5


def test_cheap_functions_agree_with_the_summary():
    targets, scores, predicted = draw(200, 4)
    result = summarise(targets, scores, predicted, classes=list("abcd"))
    assert accuracy(targets, predicted) == pytest.approx(result["accuracy"], abs=1e-6)
    assert macro_f1(targets, predicted, 4) == pytest.approx(result["macro_f1"], abs=1e-6)
    assert balanced_accuracy(targets, predicted, 4) == pytest.approx(result["balanced_accuracy"], abs=1e-6)


@pytest.mark.parametrize(
    ("targets", "scores", "predicted", "message"),
    [
        ([0, 1], None, [0], "lengths differ: 2 targets, 1 predictions"),
        ([0, 5], None, [0, 1], r"row 1: target 5 is not one of the 2 classes"),
        ([0, 1], None, [0, -1], r"row 1: prediction -1"),
        ([0, 1], [[1.0, 0.0]], [0, 1], r"scores have shape \(1, 2\), expected \(2, 2\)"),
        ([0, 1], [[1.0, 0.0], [float("nan"), 1.0]], [0, 1], "row 1: scores must be probabilities"),
    ],
)
def test_arrays_that_disagree_are_refused_with_the_row(targets, scores, predicted, message):
    with pytest.raises(DataError, match=message):
        summarise(np.array(targets), scores, np.array(predicted), classes=["a", "b"])


def test_five_hundred_classes_and_twenty_thousand_pictures_take_seconds():
    targets, scores, predicted = draw(20_000, 500, strength=3.0)
    start = time.perf_counter()
    result = summarise(targets, scores.astype(np.float32), predicted, classes=[str(k) for k in range(500)])
    assert time.perf_counter() - start < 20  # about 1.5 s on an idle core
    assert len(json.dumps(result)) < 2_000_000
