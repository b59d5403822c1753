"""The number a random frame split would have shown, beside the honest one."""

from __future__ import annotations

import json

import numpy as np
import pytest

from vision_ft.adaptation.honest_split import MAX_IMAGES, compare_splits
from vision_ft.adaptation.linear_head import LabelledFeatures, Predict


def sequences(num_groups: int, per_group: int, *, own: float, seed: int = 0) -> LabelledFeatures:
    """Images in sequences of one class each; `own` is how far a sequence's look lies from its class's."""
    rng = np.random.default_rng(seed)
    label = np.arange(num_groups) % 2
    centres = rng.normal(size=(num_groups, 60)) * own
    centres[:, 0] += label
    group = np.repeat(np.arange(num_groups), per_group)
    features = centres[group] + 0.1 * rng.normal(size=(len(group), 60))
    names = np.array([f"sequence {number}" for number in group], dtype=object)
    return LabelledFeatures(features.astype(np.float32), label[group], names)


def test_a_random_split_flatters_where_the_look_of_a_sequence_gives_its_class_away():
    result = compare_splits(sequences(16, 10, own=1.0))
    assert result["random"]["accuracy"] > 0.95
    assert result["honest"]["accuracy"] < result["random"]["accuracy"] - 0.2
    assert (result["honest"]["n"], result["random"]["n"], result["groups"]) == (160, 160, 16)
    assert result["gap"]["value"] == pytest.approx(
        result["random"]["accuracy"] - result["honest"]["accuracy"], abs=2e-6
    )
    assert "of the random number come from images of one group on both sides." in result["sentence"]
    assert f"would have shown {result['random']['accuracy']:.1%}" in result["sentence"]
    json.dumps(result, allow_nan=False)


def test_groups_that_say_nothing_give_equal_numbers_and_the_sentence_says_so():
    rng = np.random.default_rng(0)
    labels = np.arange(160) % 2
    features = rng.normal(size=(160, 5)) + labels[:, None]
    pictures = LabelledFeatures(features, labels, np.array([f"day {row // 10}" for row in range(160)], dtype=object))
    result = compare_splits(pictures)
    assert abs(result["gap"]["value"]) < 0.03
    assert "is within what chance does" in result["sentence"]


def test_honest_folds_keep_groups_whole_and_random_folds_have_the_same_sizes():
    trained: list[np.ndarray] = []

    def fit(train: LabelledFeatures, weights: np.ndarray | None) -> Predict:
        assert weights is None
        trained.append(train.features[:, 0].astype(int))
        return lambda features: np.zeros(len(features), np.int64)

    pictures = sequences(9, 6, own=1.0)
    numbered = LabelledFeatures(np.arange(54.0)[:, None], pictures.labels, pictures.groups)
    compare_splits(numbered, fit=fit, draws=1)
    honest, random = trained[:4], trained[4:]
    assert [len(rows) for rows in honest] == [len(rows) for rows in random]
    for rows in honest:
        assert all(
            np.isin(np.arange(6) + 6 * group, rows).all() or not np.isin(np.arange(6) + 6 * group, rows).any()
            for group in range(9)
        )
    assert any(len(np.unique(rows // 6)) == 9 for rows in random), "a random fold trains on every sequence"
    assert sum(54 - len(rows) for rows in honest) == 54, "each image is held out once"


def test_the_same_seed_gives_the_same_numbers():
    pictures = sequences(12, 5, own=1.0)
    assert compare_splits(pictures, seed=1) == compare_splits(pictures, seed=1)
    assert compare_splits(pictures, seed=1) != compare_splits(pictures, seed=2)


def test_without_shared_groups_or_with_one_group_there_is_nothing_to_compare():
    pictures = sequences(8, 4, own=1.0)
    assert compare_splits(LabelledFeatures(pictures.features, pictures.labels)) is None
    own = np.array([None] * 32, dtype=object)
    assert compare_splits(LabelledFeatures(pictures.features, pictures.labels, own)) is None
    assert compare_splits(LabelledFeatures(pictures.features, pictures.labels, np.full(32, "a", object))) is None
    assert compare_splits(LabelledFeatures(np.zeros((0, 3)), np.zeros(0, np.int64))) is None


def test_rare_classes_and_few_groups_are_split_without_a_warning():
    pictures = sequences(3, 6, own=1.0)
    labels = pictures.labels.copy()
    labels[0] = 5
    result = compare_splits(LabelledFeatures(pictures.features, labels, pictures.groups))
    assert result["honest"]["n"] == 18
    assert result["sentence"].endswith("There are 3 groups only, so this is a rough number.")


def test_many_pictures_are_bounded_by_whole_groups():
    result = compare_splits(sequences(60, 50, own=1.0), draws=1)
    assert result["honest"]["n"] <= MAX_IMAGES
    assert result["honest"]["n"] % 50 == 0
