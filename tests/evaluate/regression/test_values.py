"""Metrics of predicted values against scikit-learn and scipy, and their summary."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.stats import spearmanr
from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error

from vision_ft.errors import DataError
from vision_ft.evaluate.regression.metrics import VALUE_METRICS
from vision_ft.evaluate.regression.predictions import (
    ValuePredictions,
    read_value_predictions,
    write_value_predictions,
)
from vision_ft.evaluate.regression.summary import summarise_values

REFERENCE = {
    "mae": mean_absolute_error,
    "rmse": root_mean_squared_error,
    "r2": r2_score,
    "spearman": lambda true, found: spearmanr(true, found).statistic,
}


def drawn(count: int = 40, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    targets = rng.integers(0, 12, count).astype(np.float64)  # with ties
    return targets, np.round(targets + rng.normal(0, 2, count), 1)


def predictions(count: int = 40, **changes) -> ValuePredictions:
    targets, found = drawn(count)
    values = {"classes": ("cells",), "paths": [f"{n}.png" for n in range(count)]}
    values |= {"targets": targets[:, None], "predicted": found[:, None]}
    return ValuePredictions(**values | changes)


@pytest.mark.parametrize("name", list(VALUE_METRICS))
def test_a_metric_equals_that_of_the_reference_library(name):
    targets, found = drawn()
    assert VALUE_METRICS[name](targets, found, np.ones((1, 40)))[0] == pytest.approx(REFERENCE[name](targets, found))


@pytest.mark.parametrize("name", list(VALUE_METRICS))
def test_an_image_of_weight_two_counts_as_if_it_were_given_twice(name):
    targets, found = drawn()
    weights = np.random.default_rng(1).integers(0, 4, (3, 40))
    expected = [
        VALUE_METRICS[name](np.repeat(targets, w), np.repeat(found, w), np.ones((1, w.sum())))[0] for w in weights
    ]
    assert VALUE_METRICS[name](targets, found, weights) == pytest.approx(expected)


@pytest.mark.parametrize("name", list(VALUE_METRICS))
def test_no_image_gives_no_number(name):
    assert np.isnan(VALUE_METRICS[name](np.empty(0), np.empty(0), np.ones((1, 0)))).all()


def test_r2_and_spearman_of_equal_targets_are_not_defined():
    same, found = np.full(5, 0.1), np.arange(5.0)
    assert np.isnan(VALUE_METRICS["r2"](same, found, np.ones((1, 5)))).all()
    assert np.isnan(VALUE_METRICS["spearman"](same, found, np.ones((1, 5)))).all()


def test_r2_of_large_values_keeps_its_digits():
    targets, found = drawn()
    shifted = VALUE_METRICS["r2"](targets + 1e9, found + 1e9, np.ones((1, 40)))[0]
    assert shifted == pytest.approx(r2_score(targets, found), abs=1e-6)


def test_always_predicting_the_mean_has_an_r2_of_zero():
    targets = np.array([1.0, 2.0, 6.0])
    assert VALUE_METRICS["r2"](targets, np.full(3, 3.0), np.ones((1, 3)))[0] == pytest.approx(0.0)


def test_the_summary_holds_the_numbers_and_their_intervals():
    summary = summarise_values(predictions(), seed=3)
    targets, found = drawn()
    assert summary["n"] == 40
    assert summary["mae"] == pytest.approx(mean_absolute_error(targets, found), abs=1e-6)
    assert summary["r2_interval"][0] < summary["r2"] < summary["r2_interval"][1]
    (target,) = summary["per_target"]
    assert target["bias"] == pytest.approx((found - targets).mean(), abs=1e-6)
    assert target["mae_of_median"] == pytest.approx(np.abs(targets - np.median(targets)).mean(), abs=1e-6)


def test_the_seed_decides_the_interval():
    first, again, other = (summarise_values(predictions(), seed=seed)["r2_interval"] for seed in (0, 0, 1))
    assert first == again
    assert first != other


def test_a_missing_value_is_left_out_of_its_target_only():
    targets = np.array([[1.0, 10.0], [2.0, np.nan], [3.0, 30.0], [np.nan, np.nan]])
    found = np.array([[1.0, 11.0], [2.0, 0.0], [3.0, 31.0], [5.0, 5.0]])
    two = ValuePredictions(("a", "b"), ["1", "2", "3", "4"], targets, found)
    summary = summarise_values(two)
    assert (summary["n"], summary["unlabelled"]) == (3, 1)
    assert [row["n"] for row in summary["per_target"]] == [3, 2]
    assert [row["mae"] for row in summary["per_target"]] == [0.0, 1.0]
    assert summary["mae"] is None, "targets of different units have no common mean error"
    assert summary["r2"] == pytest.approx(np.mean([1.0, 1 - 2 / 200]))
    assert "per target" in summary["notes"][0]


def test_fewer_than_five_images_give_no_interval():
    assert summarise_values(predictions(4))["mae_interval"] is None
    assert summarise_values(predictions(5))["mae_interval"] is not None


def test_eight_groups_are_drawn_whole():
    groups = np.array([f"g{n % 8}" for n in range(40)], dtype=object)
    by_image, by_group = summarise_values(predictions()), summarise_values(predictions(groups=groups))
    assert by_image["mae_interval"] != by_group["mae_interval"]
    assert [row["n"] for row in by_group["by_group"]] == [5] * 8


def test_predictions_come_back_as_they_were_written(tmp_path: Path):
    targets, found = drawn(6)
    targets[2] = np.nan
    groups = np.array(["a", None, "b", "a", "b", None], dtype=object)
    made = predictions(6, targets=targets[:, None], predicted=found[:, None], groups=groups, ids=np.arange(6) * 2)
    write_value_predictions(tmp_path / "val.parquet", made)
    read = read_value_predictions(tmp_path / "val.parquet")
    np.testing.assert_array_equal(read.targets, made.targets)
    np.testing.assert_array_equal(read.predicted, made.predicted)
    assert (read.classes, list(read.paths), list(read.groups)) == (made.classes, list(made.paths), list(groups))
    assert read.ids.tolist() == [0, 2, 4, 6, 8, 10]


def test_a_value_that_is_not_finite_is_refused():
    with pytest.raises(DataError, match="row 1: a predicted value is not finite"):
        ValuePredictions(("a",), ["1", "2"], np.zeros((2, 1)), np.array([[0.0], [np.inf]]))


def test_another_task_is_refused(tmp_path: Path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.table({"path": ["a"]}), tmp_path / "val.parquet")
    with pytest.raises(DataError, match="predictions that another tool wrote; expected .* for regression"):
        read_value_predictions(tmp_path / "val.parquet")
