"""What every registered metric promises."""

from __future__ import annotations

import pytest

from vision_ft.evaluate.classification.metrics import METRICS
from vision_ft.testing.metrics import check_nothing, check_order, check_perfect, check_scores, check_summary


@pytest.mark.parametrize("name", METRICS)
def test_metric_is_a_number_that_the_order_of_pictures_does_not_change(name):
    check_order(name)


@pytest.mark.parametrize("name", METRICS)
def test_metric_of_no_picture_is_nan(name):
    check_nothing(name)


@pytest.mark.parametrize("name", METRICS)
def test_perfect_answers_are_the_best_value(name):
    check_perfect(name)


@pytest.mark.parametrize("name", METRICS)
def test_metric_without_scores_is_nan_just_when_it_needs_them(name):
    check_scores(name)


@pytest.mark.parametrize("name", METRICS)
def test_metric_is_part_of_the_summary_and_says_what_it_means(name):
    check_summary(name)
