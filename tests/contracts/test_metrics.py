"""What every registered metric promises."""

from __future__ import annotations

import numpy as np
import pytest

from vision_ft.evaluate.classification.metrics import METRICS, Answers, summarise

RNG = np.random.default_rng(0)
TARGETS = RNG.integers(0, 4, 120)
SCORES = RNG.dirichlet(np.ones(4), 120) * 0.6 + 0.4 * np.eye(4)[TARGETS]


def answers(rows, scores=SCORES) -> Answers:
    return Answers(TARGETS[rows], scores[rows].argmax(axis=1), 4, scores[rows])


@pytest.mark.parametrize("name", METRICS)
def test_metric_is_a_number_that_the_order_of_pictures_does_not_change(name):
    value = METRICS[name].compute(answers(np.arange(120)))
    assert np.isfinite(value)
    assert METRICS[name].compute(answers(RNG.permutation(120))) == pytest.approx(value, abs=1e-12)


@pytest.mark.parametrize("name", METRICS)
def test_metric_of_no_picture_is_nan(name):
    assert np.isnan(METRICS[name].compute(answers(np.arange(0))))


@pytest.mark.parametrize("name", METRICS)
def test_perfect_answers_are_the_best_value(name):
    metric = METRICS[name]
    perfect = metric.compute(answers(np.arange(120), np.eye(4)[TARGETS]))
    assert perfect == pytest.approx(1.0 if metric.higher_is_better else 0.0)
    shuffled = METRICS[name].compute(Answers(TARGETS, (TARGETS + 1) % 4, 4, np.eye(4)[(TARGETS + 1) % 4]))
    assert shuffled < perfect if metric.higher_is_better else shuffled > perfect


@pytest.mark.parametrize("name", METRICS)
def test_metric_without_scores_is_nan_just_when_it_needs_them(name):
    value = METRICS[name].compute(Answers(TARGETS, TARGETS, 4, None))
    assert np.isnan(value) == METRICS[name].needs_scores


@pytest.mark.parametrize("name", METRICS)
def test_metric_is_part_of_the_summary_and_says_what_it_means(name):
    assert name in summarise(TARGETS, SCORES, SCORES.argmax(axis=1), classes=list("abcd"))
    assert METRICS[name].meaning
