"""Temperature, reliability and calibration error on scores whose truth is known."""

from __future__ import annotations

import numpy as np
import pytest

from vision_ft.evaluate import calibration


def draw_overconfident(factor: float, num_pictures: int = 4000):
    """Labels drawn from a softmax, scores reported after multiplying its logits by `factor`."""
    rng = np.random.default_rng(1)
    logits = rng.normal(size=(num_pictures, 4)) * 2
    honest = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    labels = (honest.cumsum(axis=1) < rng.random((num_pictures, 1))).sum(axis=1)
    return labels, calibration.temper(honest, 1 / factor), honest


@pytest.mark.parametrize("factor", [0.5, 1.0, 3.0])
def test_fitted_temperature_undoes_the_factor_on_the_logits(factor):
    labels, scores, _ = draw_overconfident(factor)
    assert calibration.fit_temperature(labels, scores) == pytest.approx(factor, rel=0.07)


def test_temperature_lowers_log_loss_and_calibration_error_of_an_overconfident_model():
    labels, scores, _ = draw_overconfident(3.0)
    temperature = calibration.fit_temperature(labels, scores)
    predicted = scores.argmax(axis=1)
    before = calibration.calibration_error(calibration.score_of(scores, predicted), labels == predicted)
    tempered = calibration.score_of(scores, predicted, temperature=temperature)
    after = calibration.calibration_error(tempered, labels == predicted)
    assert before > 0.1
    assert after < 0.03
    assert calibration.log_loss(labels, scores, temperature=temperature) < calibration.log_loss(labels, scores)


def test_temperature_stays_1_without_a_mistake_or_with_few_pictures():
    perfect = np.tile([0.9, 0.1], (50, 1))
    assert calibration.fit_temperature(np.zeros(50, int), perfect) == 1.0
    assert calibration.fit_temperature(np.ones(5, int), perfect[:5]) == 1.0


def test_temper_is_softmax_of_scaled_logits_and_survives_zeros():
    logits = np.array([[2.0, 0.0, -1.0]])
    softmax = np.exp(logits) / np.exp(logits).sum()
    expected = np.exp(logits / 2) / np.exp(logits / 2).sum()
    assert calibration.temper(softmax, 2.0) == pytest.approx(expected)
    assert np.isfinite(calibration.temper(np.array([[1.0, 0.0]]), 0.5)).all()


def test_calibration_error_by_hand():
    confidence = np.array([0.9] * 10 + [0.6] * 10)
    correct = np.array([1] * 8 + [0] * 2 + [1] * 3 + [0] * 7, bool)
    assert calibration.calibration_error(confidence, correct, num_bins=2) == pytest.approx((0.1 + 0.3) / 2)


def test_error_by_chance_is_what_an_honest_model_shows():
    labels, _, honest = draw_overconfident(1.0, num_pictures=400)
    predicted = honest.argmax(axis=1)
    confidence = calibration.score_of(honest, predicted)
    chance = calibration.calibration_noise(confidence)
    assert 0.03 < chance < 0.1
    assert calibration.calibration_error(confidence, labels == predicted) < 2 * chance


def test_reliability_bins_hold_all_pictures_in_order_of_confidence():
    labels, scores, _ = draw_overconfident(1.0, num_pictures=500)
    confidence = scores.max(axis=1)
    points = calibration.reliability(confidence, labels == scores.argmax(axis=1))
    assert sum(point["count"] for point in points) == 500
    assert [point["confidence"] for point in points] == sorted(point["confidence"] for point in points)
    assert all(point["low"] <= point["accuracy"] <= point["high"] for point in points)
    assert calibration.reliability(np.zeros(0), np.zeros(0, bool)) == []
