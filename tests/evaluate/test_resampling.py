"""One bootstrap for all: groups, strata and kinds of equal units, against plain loops and by hand."""

from __future__ import annotations

import numpy as np
import pytest

from vision_ft.evaluate.intervals import class_intervals, wilson
from vision_ft.evaluate.resampling import (
    draw_kinds,
    draw_tallies,
    draw_units,
    draw_weights,
    draw_within,
    drawn_over,
    interval,
)


def groups_of(number: int, size: int) -> np.ndarray:
    return np.array([f"camera {row // size}" for row in range(number * size)], dtype=object)


def joined(parts) -> np.ndarray:
    return np.concatenate(list(parts))


def test_every_set_has_as_many_images_as_there_are():
    assert (joined(draw_weights(30, replicates=50)).sum(axis=1) == 30).all()


def test_whole_groups_are_drawn_from_eight_on_and_images_below():
    eight, seven = groups_of(8, 5), groups_of(7, 5)
    assert (drawn_over(eight, 40), drawn_over(seven, 35), drawn_over(None, 40)) == ("groups", "pictures", "pictures")
    whole = joined(draw_weights(40, groups=eight, replicates=50)).reshape(50, 8, 5)
    assert (whole == whole[:, :, :1]).all()
    single = joined(draw_weights(35, groups=seven, replicates=50)).reshape(50, 7, 5)
    assert (single != single[:, :, :1]).any()


def test_an_image_without_a_group_is_one_of_its_own():
    groups = np.append(groups_of(8, 2), [None, None])
    weights = joined(draw_weights(18, groups=groups, replicates=100))
    assert (weights[:, 16] != weights[:, 17]).any()
    assert (weights[:, 0] == weights[:, 1]).all()


def test_drawing_kinds_of_equal_units_is_drawing_the_units():
    counts = np.array([3, 1])
    kinds = joined(draw_kinds(counts, replicates=4000))
    assert (kinds.sum(axis=1) == 4).all()
    assert kinds.mean(axis=0) == pytest.approx([3, 1], abs=0.05)
    assert kinds[:, 1].var() == pytest.approx(4 * 0.25 * 0.75, abs=0.05)  # binomial: n p (1 - p)


def test_parts_are_the_same_draws_as_one_whole(monkeypatch):
    whole = joined(draw_units(np.arange(10), replicates=40, seed=3))
    monkeypatch.setattr("vision_ft.evaluate.resampling.CHUNK_DRAWS", 70)
    np.testing.assert_array_equal(joined(draw_units(np.arange(10), replicates=40, seed=3)), whole)


def test_tallies_are_summed_as_their_images_are_drawn():
    tallies, groups = np.arange(48.0).reshape(16, 3), groups_of(8, 2)
    weights = joined(draw_weights(16, groups=groups, replicates=20, seed=5))
    np.testing.assert_allclose(draw_tallies(tallies, groups=groups, replicates=20, seed=5), weights @ tallies)


def test_a_stratum_keeps_its_size():
    first, second = draw_within([np.array([2, 3]), np.array([4])], replicates=30)
    assert (first.sum(axis=1) == 5).all()
    assert (second == 4).all()


def test_values_that_are_not_defined_are_left_out_of_an_interval():
    assert interval(np.array([1.0, np.nan, 3.0])) == pytest.approx((1.05, 2.95))
    assert np.isnan(interval(np.array([np.nan]))).all()


def test_intervals_of_page_one_are_by_group_where_there_are_eight():
    targets = np.tile([0, 1], 200)
    predicted = np.where(np.repeat(np.arange(8), 50) < 6, targets, 1 - targets)  # six cameras right, two wrong
    by_image = class_intervals(targets, predicted, 2)
    by_group = class_intervals(targets, predicted, 2, groups=groups_of(8, 50))
    assert by_image["accuracy"] == pytest.approx(tuple(float(end) for end in wilson(300, 400)))
    for name in ("accuracy", "macro_f1", "balanced_accuracy"):
        low, high = by_group[name]  # two of eight fail: of eight drawn, 0 to 4 or 5 fail in 95% of the draws
        assert low in (pytest.approx(3 / 8), pytest.approx(4 / 8))
        assert high == pytest.approx(1.0)
        assert high - low > 2 * (by_image[name][1] - by_image[name][0])
    assert class_intervals(targets, predicted, 2, groups=groups_of(4, 100)) == by_image


def test_without_a_mistake_the_interval_is_that_of_the_images():
    targets = np.tile([0, 1], 80)
    found = class_intervals(targets, targets, 2, groups=groups_of(8, 20))
    assert found == class_intervals(targets, targets, 2)
    assert found["accuracy"][0] == pytest.approx(float(wilson(160, 160)[0]))
