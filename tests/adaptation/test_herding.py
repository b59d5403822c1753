"""Which old images are kept for rehearsal."""

from __future__ import annotations

import numpy as np
import pytest

from vision_ft.adaptation.herding import choose_herding, choose_random
from vision_ft.errors import DataError, RecipeError

LABELS = np.repeat([0, 1, 2, -1], [40, 10, 3, 5])


def features_of(seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return (rng.normal(size=(len(LABELS), 6)) + LABELS[:, None]).astype(np.float32)


def herd_by_the_book(unit: np.ndarray, count: int) -> list[int]:
    """Algorithm 4 of the iCaRL paper, word by word."""
    taken: list[int] = []
    for k in range(1, count + 1):
        distances = [
            np.inf if x in taken else np.linalg.norm(unit.mean(0) - (unit[x] + unit[taken].sum(0)) / k)
            for x in range(len(unit))
        ]
        taken.append(int(np.argmin(distances)))
    return taken


def test_herding_equals_the_algorithm_of_the_paper():
    features = features_of()
    unit = features / np.linalg.norm(features, axis=1, keepdims=True)
    chosen = choose_herding(features, LABELS, per_class=8)
    assert chosen[:8].tolist() == herd_by_the_book(unit[:40], 8)
    assert (chosen[8:16] - 40).tolist() == herd_by_the_book(unit[40:50], 8)


def test_the_first_of_a_larger_choice_are_the_smaller_choice():
    features = features_of()
    assert choose_herding(features, LABELS, per_class=9)[:4].tolist() == (
        choose_herding(features, LABELS, per_class=4)[:4].tolist()
    )


def test_the_mean_of_a_herd_is_nearer_to_the_class_mean_than_that_of_random_choices():
    features = features_of()[:40]
    unit = features / np.linalg.norm(features, axis=1, keepdims=True)

    def distance(rows):
        return np.linalg.norm(unit[rows].mean(axis=0) - unit.mean(axis=0))

    labels = np.zeros(40, dtype=int)
    herd = distance(choose_herding(features, labels, per_class=8))
    draws = [distance(choose_random(labels, per_class=8, seed=seed)) for seed in range(20)]
    assert herd < min(draws)


@pytest.mark.parametrize("method", ["herding", "random"])
def test_both_choose_equally_many_of_each_class_without_repeats(method):
    chosen = (
        choose_herding(features_of(), LABELS, per_class=8)
        if method == "herding"
        else choose_random(LABELS, per_class=8, seed=1)
    )
    assert np.bincount(LABELS[chosen]).tolist() == [8, 8, 3], "the third class has three images only"
    assert len(set(chosen.tolist())) == len(chosen)
    assert LABELS[chosen].min() == 0, "an image without a label is never chosen"


def test_a_random_choice_follows_from_the_seed_and_not_from_other_classes():
    chosen = choose_random(LABELS, per_class=4, seed=1)
    assert chosen.tolist() == choose_random(LABELS, per_class=4, seed=1).tolist()
    assert chosen.tolist() != choose_random(LABELS, per_class=4, seed=2).tolist()
    without_first = np.where(LABELS == 0, -1, LABELS)
    assert choose_random(without_first, per_class=4, seed=1).tolist() == chosen[4:].tolist()


def test_equal_and_zero_features_still_give_different_pictures():
    chosen = choose_herding(np.zeros((6, 3)), np.array([0, 0, 0, 1, 1, 1]), per_class=2)
    assert chosen.tolist() == [0, 1, 3, 4]


def test_nothing_labelled_gives_an_empty_choice():
    nothing = np.full(4, -1)
    assert choose_herding(np.ones((4, 2)), nothing, per_class=2).tolist() == []
    assert choose_random(nothing, per_class=2, seed=0).tolist() == []


def test_bad_input_is_named():
    with pytest.raises(RecipeError, match="rehearsal per_class: got 0; allowed: 1 or more"):
        choose_herding(np.ones((2, 2)), np.zeros(2, dtype=int), per_class=0)
    with pytest.raises(RecipeError, match="rehearsal per_class: got -1"):
        choose_random(np.zeros(2, dtype=int), per_class=-1, seed=0)
    with pytest.raises(DataError, match=r"features are of shape \(3, 2\), but there are 2 labels"):
        choose_herding(np.ones((3, 2)), np.zeros(2, dtype=int), per_class=1)
    with pytest.raises(DataError, match="a feature is infinite or not a number"):
        choose_herding(np.array([[1.0, np.nan]]), np.zeros(1, dtype=int), per_class=1)
