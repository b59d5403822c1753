"""Distances of two cameras: known values, the level of the tests, and degenerate sets."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from vision_ft.adaptation.distances import (
    Pair,
    _auc,
    frechet_distance,
    kernel_distance,
    median_bandwidth,
    p_value,
    permuted_membership,
    separability,
    squared_discrepancy,
)


def pair(*, old=60, new=60, move=0.0, width=4, seed=0, old_groups=None, new_groups=None):
    rng = np.random.default_rng(seed)
    return Pair(
        rng.normal(size=(old, width)),
        rng.normal(size=(new, width)) + move,
        np.arange(old) if old_groups is None else old_groups,
        np.arange(new) if new_groups is None else new_groups,
    )


def grouped(*, groups, size, seed=0, width=4):
    """Two cameras of one kind whose images are nearly equal within a group."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(2, groups, width))
    old, new = (np.repeat(c, size, axis=0) + 0.01 * rng.normal(size=(groups * size, width)) for c in centres)
    member = np.repeat(np.arange(groups), size)
    return Pair(old, new, member, member)


def test_cameras_far_apart_are_told_apart_and_equal_ones_are_not():
    apart, alike = separability(pair(move=5.0)), separability(pair(move=0.0, old=200, new=200))
    assert apart["value"] == 1.0
    assert apart["low"] == 1.0
    assert 0.4 < alike["value"] < 0.6
    assert alike["low"] < 0.5 < alike["high"]


def test_domain_auc_of_one_gaussian_direction_has_its_known_value():
    moved = pair(move=1.0, width=1, old=1500, new=500)
    assert separability(moved)["value"] == pytest.approx(0.760, abs=0.03)  # normal cdf of 1 / sqrt(2)


def test_nearly_equal_pictures_of_a_group_do_not_make_cameras_look_different():
    cameras = grouped(groups=12, size=10, width=30)
    by_group = separability(cameras)
    alone = np.arange(120)
    by_picture = separability(Pair(cameras.old, cameras.new, alone, alone))
    assert by_group["by"] == "groups"
    assert by_group["low"] < 0.5
    assert by_picture["by"] == "pictures"
    assert by_picture["value"] > 0.9  # what leaking frames feign


def test_weighted_auc_equals_scikit_learn_with_ties_and_repeated_rows():
    rng = np.random.default_rng(0)
    scores, is_new = rng.integers(0, 6, 50).astype(float), rng.random(50) < 0.4
    weights = rng.integers(0, 3, (3, 50)).astype(float)
    expected = [roc_auc_score(is_new, scores, sample_weight=row) for row in weights]
    assert _auc(scores, is_new, weights) == pytest.approx(expected)


def test_more_columns_than_pictures_and_constant_columns_still_give_an_auc():
    wide = pair(old=20, new=15, width=80, move=2.0)
    wide.old[:, 0] = wide.new[:, 0] = 3.0
    assert separability(wide)["value"] > 0.95


def test_sets_without_any_difference_between_pictures_are_not_told_apart():
    same = Pair(np.ones((9, 3)), np.ones((10, 3)), np.arange(9), np.arange(10))
    assert separability(same) == {"value": 0.5, "low": 0.5, "high": 0.5, "by": "pictures"}
    assert kernel_distance(same) == {"value": 0.0, "p_value": 1.0, "bandwidth": 0.0, "by": "pictures"}
    assert frechet_distance(same) == 0.0


def test_fewer_than_eight_pictures_of_a_camera_give_no_distance():
    few = pair(old=7, new=50)
    assert (separability(few), kernel_distance(few), frechet_distance(few)) == (None, None, None)
    assert kernel_distance(pair(old=8, new=50)) is not None


def test_kernel_distance_equals_the_double_sums_of_its_definition():
    cameras = pair(old=9, new=11, move=1.0)
    width = median_bandwidth(cameras)

    def kernel(a, b):
        return np.exp(-((a - b) ** 2).sum() / (2 * width**2))

    within_old = np.mean([kernel(a, b) for i, a in enumerate(cameras.old) for j, b in enumerate(cameras.old) if i != j])
    within_new = np.mean([kernel(a, b) for i, a in enumerate(cameras.new) for j, b in enumerate(cameras.new) if i != j])
    across = np.mean([kernel(a, b) for a in cameras.old for b in cameras.new])
    expected = within_old + within_new - 2 * across
    assert kernel_distance(cameras)["value"] == pytest.approx(expected)
    assert squared_discrepancy(cameras.old, cameras.new, bandwidth=width) == pytest.approx(expected)


def test_the_kernel_test_rejects_equal_cameras_about_as_often_as_its_level_says():
    p_values = [kernel_distance(pair(old=20, new=25, seed=seed), seed=seed)["p_value"] for seed in range(100)]
    assert np.mean(np.array(p_values) <= 0.1) == pytest.approx(0.1, abs=0.09)
    assert kernel_distance(pair(move=1.0))["p_value"] == pytest.approx(1 / 501)


def test_the_kernel_test_deals_out_whole_groups_where_there_are_enough():
    cameras = grouped(groups=12, size=10)
    alone = np.arange(120)
    by_group, by_picture = kernel_distance(cameras), kernel_distance(Pair(cameras.old, cameras.new, alone, alone))
    assert (by_group["by"], by_picture["by"]) == ("groups", "pictures")
    assert by_group["p_value"] > 0.05
    assert by_picture["p_value"] < 0.01  # what leaking frames feign
    assert kernel_distance(grouped(groups=4, size=10))["by"] == "pictures"  # 70 ways to deal out eight groups


def test_permuted_membership_keeps_groups_whole_and_their_number():
    cameras = grouped(groups=7, size=3)
    permuted, by = permuted_membership(cameras, seed=1)
    assert by == "groups"
    assert permuted.shape == (500, 42)
    assert (permuted.reshape(500, 14, 3) == permuted.reshape(500, 14, 3)[..., :1]).all()
    assert (permuted.reshape(500, 14, 3)[..., 0].sum(axis=1) == 7).all()


def test_the_p_value_counts_the_observed_value_in():
    assert p_value(3.0, np.array([1.0, 2.0, 3.0, 4.0])) == pytest.approx(3 / 5)


def test_frechet_distance_of_moved_and_stretched_gaussians_comes_near_its_formula():
    rng = np.random.default_rng(0)
    old, new = rng.normal(size=(4000, 3)), 2 * rng.normal(size=(4000, 3)) + 1.5
    alone = np.arange(4000)
    assert frechet_distance(Pair(old, new, alone, alone)) == pytest.approx(3 * 1.5**2 + 3 * (2 - 1) ** 2, rel=0.05)


def test_frechet_distance_of_one_set_with_itself_is_zero():
    cameras = pair(old=12, width=40)
    assert frechet_distance(Pair(cameras.old, cameras.old, np.arange(12), np.arange(12))) == pytest.approx(0, abs=1e-6)


def test_the_same_seed_gives_the_same_numbers():
    assert separability(pair(move=0.5), seed=3) == separability(pair(move=0.5), seed=3)
    assert kernel_distance(pair(move=0.2), seed=3) == kernel_distance(pair(move=0.2), seed=3)
