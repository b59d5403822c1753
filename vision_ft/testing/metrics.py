"""What every metric of classification keeps: a number, whatever the order, best for perfect inputs."""

from __future__ import annotations

import math

import numpy as np

from vision_ft.evaluate.classification.metrics import METRICS, MetricInputs, summarise

RNG = np.random.default_rng(0)
TARGETS = RNG.integers(0, 4, 120)
SCORES = RNG.dirichlet(np.ones(4), 120) * 0.6 + 0.4 * np.eye(4)[TARGETS]


def check_metric(name: str) -> None:
    """Check a registered metric on 120 images of 4 classes.

    Raises:
        AssertionError: it does not keep the contract of metrics.
    """
    check_order(name)
    check_nothing(name)
    check_perfect(name)
    check_scores(name)
    check_summary(name)


def inputs(rows: np.ndarray, scores: np.ndarray = SCORES) -> MetricInputs:
    """Return inputs of some of the images."""
    return MetricInputs(TARGETS[rows], scores[rows].argmax(axis=1), 4, scores[rows])


def check_order(name: str) -> None:
    """A finite number that the order of the images does not change."""
    metric = METRICS[name]
    value = metric.compute(inputs(np.arange(120)))
    assert np.isfinite(value), f"{name} of 120 images is {value}"
    shuffled = metric.compute(inputs(np.random.default_rng(1).permutation(120)))
    assert math.isclose(shuffled, value, rel_tol=1e-9, abs_tol=1e-12), (
        f"{name}: the order changes {value} to {shuffled}"
    )


def check_nothing(name: str) -> None:
    """NaN without an image."""
    value = METRICS[name].compute(inputs(np.arange(0)))
    assert np.isnan(value), f"{name} of no image is {value}; it must be NaN, not 0, which reads as a measurement"


def check_perfect(name: str) -> None:
    """Perfect inputs are better than wrong ones; a share of them is 1, an error 0."""
    metric = METRICS[name]
    perfect = metric.compute(inputs(np.arange(120), np.eye(4)[TARGETS]))
    if metric.is_share:
        best = 1.0 if metric.higher_is_better else 0.0
        assert math.isclose(perfect, best, rel_tol=1e-6, abs_tol=1e-6), f"{name} of perfect inputs is {perfect}"
    wrong = metric.compute(MetricInputs(TARGETS, (TARGETS + 1) % 4, 4, np.eye(4)[(TARGETS + 1) % 4]))
    better = perfect > wrong if metric.higher_is_better else perfect < wrong
    assert better, f"{name}: perfect inputs give {perfect}, wrong ones {wrong}; see higher_is_better"


def check_scores(name: str) -> None:
    """Without scores NaN just when it needs them."""
    metric = METRICS[name]
    value = metric.compute(MetricInputs(TARGETS, TARGETS, 4, None))
    assert np.isnan(value) == metric.needs_scores, f"{name} without scores is {value}; needs_scores says otherwise"


def check_summary(name: str) -> None:
    """Part of the summary, with a meaning."""
    assert name in summarise(TARGETS, SCORES, SCORES.argmax(axis=1), classes=list("abcd"))
    assert METRICS[name].meaning, f"{name}: say in a few words what it means"
