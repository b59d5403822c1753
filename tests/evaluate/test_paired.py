"""Paired differences against hand computation, known coverage and published examples."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import f1_score

from vision_ft.errors import DataError
from vision_ft.evaluate.comparing.paired import adjust_holm, mcnemar, paired_bootstrap, paired_macro_f1
from vision_ft.evaluate.resampling import group_units


def test_the_difference_is_the_mean_of_after_minus_before():
    difference = paired_bootstrap(np.array([1.0, 0.0, 0.0, 1.0]), np.array([1.0, 1.0, 1.0, 0.0]))
    assert difference.value == 0.25
    assert difference.low < 0.25 < difference.high


def test_the_interval_of_a_continuous_difference_is_that_of_the_normal_theory():
    rng = np.random.default_rng(0)
    change = rng.normal(0.3, 1.0, 400)
    difference = paired_bootstrap(np.zeros(400), change)
    half = 1.96 * change.std() / 20
    assert difference.low == pytest.approx(change.mean() - half, abs=0.015)
    assert difference.high == pytest.approx(change.mean() + half, abs=0.015)


def test_what_both_models_find_hard_does_not_widen_the_interval():
    rng = np.random.default_rng(0)
    hard = rng.normal(0, 10, 300)
    difference = paired_bootstrap(hard, hard + rng.normal(0.1, 0.1, 300))
    assert difference.high - difference.low < 0.03


def test_the_interval_covers_the_truth_about_95_times_in_100():
    rng = np.random.default_rng(1)
    covered = []
    for seed in range(400):
        before = rng.random(150) < 0.7
        after = np.where(rng.random(150) < 0.2, rng.random(150) < 0.9, before)  # truth: 0.2 * (0.9 - 0.7)
        difference = paired_bootstrap(before, after, replicates=600, seed=seed)
        covered.append(difference.low <= 0.04 <= difference.high)
    assert np.mean(covered) == pytest.approx(0.95, abs=0.03)


def test_whole_groups_are_drawn_from_eight_groups_on():
    rng = np.random.default_rng(0)
    change = np.repeat(rng.normal(0, 1, 8), 50)
    groups = np.repeat([f"camera {k}" for k in range(8)], 50)
    by_picture = paired_bootstrap(np.zeros(400), change)
    by_group = paired_bootstrap(np.zeros(400), change, groups=groups)
    assert by_group.value == by_picture.value
    assert by_group.high - by_group.low > 4 * (by_picture.high - by_picture.low)
    seven = np.where(groups == "camera 7", "camera 6", groups)
    assert paired_bootstrap(np.zeros(400), change, groups=seven) == by_picture


def test_a_sample_without_a_group_is_a_group_of_its_own():
    groups = [f"g{k % 8}" for k in range(16)] + [None, None]
    units = group_units(groups, 18)
    assert units[:8].tolist() == units[8:16].tolist() == list(range(8))
    assert units[16:].tolist() == [8, 9]
    assert group_units([None] * 20, 20) is None


def test_the_same_seed_gives_the_same_interval():
    rng = np.random.default_rng(0)
    before, after = rng.random(50), rng.random(50)
    assert paired_bootstrap(before, after, seed=3) == paired_bootstrap(before, after, seed=3)
    assert paired_bootstrap(before, after, seed=3) != paired_bootstrap(before, after, seed=4)


def test_no_sample_gives_nan_and_not_a_warning():
    difference = paired_bootstrap(np.zeros(0), np.zeros(0))
    assert np.isnan([difference.value, difference.low, difference.high]).all()
    assert np.isnan(paired_macro_f1(np.zeros(0, int), np.zeros(0, int), np.zeros(0, int), num_classes=2).value)


def test_arrays_of_different_lengths_are_refused():
    with pytest.raises(DataError, match="lengths differ: 3 values before, 2 after"):
        paired_bootstrap(np.zeros(3), np.zeros(2))
    with pytest.raises(DataError, match="3 values before, 3 after and 1 groups"):
        paired_bootstrap(np.zeros(3), np.zeros(3), groups=["a"])
    with pytest.raises(DataError, match="lengths differ: 3 values before, 2 after"):
        mcnemar(np.zeros(3), np.zeros(2))


def answers(rng, count=300, classes=4):
    targets = rng.integers(0, classes - 1, count)  # the last class has no image
    before = np.where(rng.random(count) < 0.6, targets, rng.integers(0, classes, count))
    after = np.where(rng.random(count) < 0.8, targets, rng.integers(0, classes, count))
    return targets, before, after


@pytest.mark.parametrize("grouped", [False, True])
def test_the_difference_in_macro_f1_is_that_of_scikit_learn_and_its_interval_that_of_plain_resampling(grouped):
    rng = np.random.default_rng(0)
    targets, before, after = answers(rng)
    groups = np.array([f"g{k % 20}" for k in range(300)], object) if grouped else None

    def change(rows):
        shown = np.unique(targets[rows])
        first, second = (
            f1_score(targets[rows], predicted[rows], labels=shown, average="macro") for predicted in (before, after)
        )
        return second - first

    got = paired_macro_f1(targets, before, after, num_classes=4, groups=groups)
    assert got.value == pytest.approx(change(np.arange(300)))
    members = [np.arange(k, 300, 20) for k in range(20)] if grouped else [np.array([k]) for k in range(300)]
    draws = [np.concatenate([members[k] for k in rng.integers(0, len(members), len(members))]) for _ in range(400)]
    low, high = np.percentile([change(rows) for rows in draws], [2.5, 97.5])
    assert (got.low, got.high) == pytest.approx((low, high), abs=0.02)


def test_mcnemar_counts_what_only_one_model_has_right():
    before = np.repeat([True, True, False, False], [50, 2, 9, 4])
    after = np.repeat([True, False, True, False], [50, 2, 9, 4])
    found = mcnemar(before, after)
    assert (found["b"], found["c"]) == (2, 9)
    assert found["p_value"] == pytest.approx(2 * (1 + 11 + 55) / 2**11)  # two tails of Binomial(11, 1/2)


def test_mcnemar_of_equal_answers_has_p_one():
    assert mcnemar(np.array([True, False]), np.array([True, False])) == {"b": 0, "c": 0, "p_value": 1.0}


def test_holm_adjusts_in_the_order_given_and_never_above_one():
    assert adjust_holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert adjust_holm([0.9, 0.8]) == [1.0, 1.0]
    assert adjust_holm([0.02]) == [0.02]
    assert adjust_holm([]) == []
