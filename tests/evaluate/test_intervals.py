"""Intervals against hand computation and statsmodels' published values."""

from __future__ import annotations

import json

import numpy as np
import pytest

from vision_ft.evaluate.intervals import average_intervals, count_classes, f1_interval, plain, wilson


def test_wilson_interval_of_eight_out_of_ten_matches_the_published_value():
    low, high = wilson(8, 10)
    assert (float(low), float(high)) == pytest.approx((0.4902, 0.9433), abs=1e-4)


def test_wilson_interval_keeps_its_width_at_the_ends_and_is_nan_without_trials():
    low, high = wilson([0, 10, 0], [10, 10, 0])
    assert low[:2] == pytest.approx([0.0, 0.7225], abs=1e-4)
    assert high[:2] == pytest.approx([0.2775, 1.0], abs=1e-4)
    assert np.isnan(low[2])
    assert np.isnan(high[2])


def test_wilson_interval_covers_the_truth_about_95_times_in_100():
    rng = np.random.default_rng(0)
    low, high = wilson(rng.binomial(30, 0.85, size=20_000), 30)
    assert np.mean((low <= 0.85) & (high >= 0.85)) == pytest.approx(0.95, abs=0.02)


def test_f1_interval_is_the_wilson_interval_of_the_jaccard_index_mapped_to_f1():
    low, high = f1_interval(8, 2)
    jaccard_low, jaccard_high = wilson(8, 10)
    assert float(low) == pytest.approx(2 * jaccard_low / (1 + jaccard_low))
    assert float(high) == pytest.approx(2 * jaccard_high / (1 + jaccard_high))
    assert low < 2 * 8 / (2 * 8 + 2) < high


def test_counts_without_the_matrix_equal_the_matrix():
    counts = count_classes(np.array([0, 0, 1, 2]), np.array([0, 1, 1, 0]), 4)
    assert counts.cells.tolist() == [[0, 0, 1], [0, 1, 1], [1, 1, 1], [2, 0, 1]]
    assert counts.hits.tolist() == [1, 1, 0, 0]
    assert counts.support.tolist() == [2, 1, 1, 0]
    assert counts.predicted.tolist() == [2, 2, 0, 0]


def test_bootstrap_interval_of_balanced_accuracy_agrees_with_the_binomial_one_for_one_class():
    targets, predicted = np.zeros(200, np.int64), np.repeat([0, 1], [160, 40])
    low, high = average_intervals(count_classes(targets, predicted, 2))["balanced_accuracy"]
    assert (low, high) == pytest.approx((0.745, 0.855), abs=0.015)


def test_a_faultless_small_set_has_no_interval_of_width_zero():
    labels = np.repeat([0, 1], 10)
    low, high = average_intervals(count_classes(labels, labels, 2))["macro_f1"]
    assert (low, high) == (pytest.approx(float(wilson(20, 20)[0])), 1.0)


def test_plain_turns_numpy_and_nan_into_json():
    value = plain({"a": np.float32(0.5), "b": np.array([[1, 2]]), "c": (float("nan"), np.int64(3)), 4: np.bool_(True)})
    assert json.loads(json.dumps(value, allow_nan=False)) == {"a": 0.5, "b": [[1, 2]], "c": [None, 3], "4": True}
