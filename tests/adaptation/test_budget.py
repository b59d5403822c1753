"""The label-budget curve: what is drawn, what is counted, and what the sentence concludes."""

from __future__ import annotations

import json

import numpy as np
import pytest

from vision_ft.adaptation.budget import draw_order, label_budget_curve, say_curve
from vision_ft.adaptation.linear_head import LabelledFeatures, Predict, domain_weights, fit_head
from vision_ft.errors import DataError


def pictures(num: int, *, seed: int = 0, shift: float = 0.0, groups: np.ndarray | None = None) -> LabelledFeatures:
    """Two classes in 6 dimensions; a shift moves what separates them onto another axis."""
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(num) % 2)
    features = rng.normal(size=(num, 6))
    features[:, 0] += (1 - shift) * 4 * labels
    features[:, 1] += shift * 4 * labels
    return LabelledFeatures(features.astype(np.float32), labels, groups)


class Spy:
    """Records what it was fitted on and always answers class 0."""

    def __init__(self) -> None:
        self.calls: list[tuple[LabelledFeatures, np.ndarray]] = []

    def __call__(self, train: LabelledFeatures, weights: np.ndarray | None) -> Predict:
        assert weights is not None
        self.calls.append((train, weights))
        return lambda features: np.zeros(len(features), np.int64)


def points(*means: float) -> list[dict]:
    return [{"labels": labels, "mean": mean} for labels, mean in zip((10, 25, 50, 100), means, strict=False)]


def test_more_labels_give_more_accuracy_where_the_cameras_differ():
    curve = label_budget_curve(pictures(200, shift=1.0), pictures(300, seed=1, shift=1.0), old=pictures(200, seed=2))
    means = [point["mean"] for point in curve["points"]]
    assert [point["labels"] for point in curve["points"]] == [10, 25, 50, 100, 200]
    assert [point["draws"] for point in curve["points"]] == [5, 5, 5, 5, 1]
    assert means[-1] > means[0] + 0.02
    assert means[-1] > 0.9
    assert all(point["low"] <= point["mean"] <= point["high"] for point in curve["points"])
    json.dumps(curve, allow_nan=False)


def test_the_same_seed_gives_the_same_curve_and_another_seed_another():
    new, test = pictures(60, shift=1.0), pictures(100, seed=1, shift=1.0)
    curves = [label_budget_curve(new, test, budgets=[10, 20], seed=seed)["points"] for seed in (0, 0, 1)]
    assert curves[0] == curves[1]
    assert curves[0] != curves[2]


def test_a_larger_budget_holds_the_pictures_of_the_smaller_ones_of_its_draw():
    spy, new = Spy(), pictures(40)
    label_budget_curve(new, pictures(10, seed=1), fit=spy, budgets=[5, 10], draws=2)
    sizes = [len(train) for train, _ in spy.calls]
    assert sizes == [5, 10, 40, 5, 10]
    for small, large in ((0, 1), (1, 2), (3, 4)):
        assert np.array_equal(spy.calls[small][0].features, spy.calls[large][0].features[: sizes[small]])
    assert not np.array_equal(spy.calls[0][0].features, spy.calls[3][0].features)


def test_old_pictures_are_bounded_and_weigh_as_much_as_the_labels():
    spy = Spy()
    label_budget_curve(pictures(20), pictures(10, seed=1), old=pictures(700, seed=2), fit=spy, budgets=[10], draws=1)
    train, weights = spy.calls[0]
    assert (len(train), len(weights)) == (510, 510)
    assert weights[:500].sum() == pytest.approx(weights[500:].sum())
    assert weights.mean() == pytest.approx(1.0)


def test_accuracy_is_counted_on_the_test_pictures_alone():
    test = LabelledFeatures(np.zeros((4, 6)), np.array([0, 0, 0, 1]))
    curve = label_budget_curve(pictures(20), test, fit=Spy(), budgets=[10])
    assert [point["mean"] for point in curve["points"]] == [0.75, 0.75]
    assert curve["test_pictures"] == 4


def test_labels_are_drawn_from_every_group_before_a_second_one_of_any():
    groups = np.array(["a"] * 30 + ["b"] * 5 + ["c"] * 5 + [None] * 2, dtype=object)
    new = pictures(42, groups=groups)
    for seed in range(5):
        order = draw_order(new, np.random.default_rng(seed))
        assert sorted(order) == list(range(42))
        first = [groups[row] for row in order[:5]]
        assert sorted(first, key=str) == [None, None, "a", "b", "c"]
        assert sorted(groups[row] for row in order[5:8]) == ["a", "b", "c"]


def test_no_pictures_give_no_curve_and_few_give_one_point():
    nothing = LabelledFeatures(np.zeros((0, 6)), np.zeros(0, np.int64))
    assert label_budget_curve(nothing, pictures(10)) is None
    assert label_budget_curve(pictures(10), nothing) is None
    few = label_budget_curve(pictures(6), pictures(10, seed=1), old=nothing)
    assert [point["labels"] for point in few["points"]] == [6]
    assert "a curve needs more labels" in few["sentence"]


def test_a_draw_of_one_class_answers_that_class():
    new = LabelledFeatures(np.random.default_rng(0).normal(size=(5, 6)), np.full(5, 3))
    assert fit_head(new)(np.zeros((2, 6))).tolist() == [3, 3]
    curve = label_budget_curve(new, LabelledFeatures(np.zeros((2, 6)), np.array([3, 1])))
    assert curve["points"][0]["mean"] == 0.5


def test_the_sentence_names_the_budget_from_which_labels_gain_little():
    assert say_curve(points(0.70, 0.80, 0.895, 0.90), source=None) == (
        "From 50 labels on (89.5%), more labels gain less than a point, up to the 100 there are."
    )
    # a step that gains nothing is no end where a later one gains again
    assert "From 50" in say_curve(points(0.80, 0.80, 0.90, 0.90), source=None)


def test_the_sentence_says_when_the_curve_still_rises():
    assert say_curve(points(0.70, 0.80, 0.85, 0.90), source=None) == (
        "The curve still rises at its end: from 50 to 100 labels it goes from 85.0% to 90.0%, so more labels are "
        "likely to help."
    )


def test_the_sentence_compares_with_the_source_model():
    assert say_curve(points(0.70, 0.80, 0.85), source=0.75).startswith(
        "The source model is right on 75.0% of the new camera's test images; a head fitted on 25 labels on 80.0%. "
    )
    assert "a head fitted on up to 50 labels does not beat it." in say_curve(points(0.70, 0.80, 0.85), source=0.9)


def test_weights_of_one_camera_alone_are_all_one():
    assert domain_weights(np.ones(3, bool)).tolist() == [1, 1, 1]
    assert domain_weights(np.zeros(3, bool)).tolist() == [1, 1, 1]
    assert domain_weights(np.array([0, 0, 0, 1]), new_share=0.25).tolist() == [1, 1, 1, 1]


def test_labelled_features_of_unequal_lengths_or_without_a_label_are_refused():
    with pytest.raises(DataError, match="3 rows of features, 2 labels; they must be as many"):
        LabelledFeatures(np.zeros((3, 2)), np.zeros(2, np.int64))
    with pytest.raises(DataError, match="3 rows of features, 3 labels, 1 groups"):
        LabelledFeatures(np.zeros((3, 2)), np.zeros(3, np.int64), np.array(["a"], dtype=object))
    with pytest.raises(DataError, match="row 1: label -1; images without a label have to be left out"):
        LabelledFeatures(np.zeros((2, 2)), np.array([0, -1]))
