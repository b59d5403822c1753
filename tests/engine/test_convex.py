"""The convex fit of a linear head."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from vision_ft.engine.convex import fit_linear


def blobs(num_classes: int, per_class: int, seed: int, spread: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    centres = np.random.default_rng(0).normal(size=(num_classes, 8)) * 2
    labels = np.repeat(np.arange(num_classes), per_class)
    noise = np.random.default_rng(seed).normal(size=(len(labels), 8))
    return centres[labels] + spread * noise, labels


@pytest.mark.parametrize("num_classes", [2, 5])
def test_the_fit_equals_scikit_learn_on_standardised_features(num_classes):
    features, labels = blobs(num_classes, 30, seed=1)
    fitted = fit_linear((features, labels), blobs(num_classes, 10, seed=2), num_classes=num_classes, strengths=[1.0])
    standard = (features - features.mean(0)) / features.std(0)
    reference = LogisticRegression(C=1.0, max_iter=500).fit(standard, labels).predict_log_proba(standard)
    logits = features @ fitted.weight.T + fitted.bias
    ours = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    assert ours == pytest.approx(reference, abs=1e-3)


def test_val_chooses_strong_regularisation_for_noise_and_weak_for_clean_data():
    rng = np.random.default_rng(0)
    noise = (rng.normal(size=(60, 30)), rng.integers(0, 2, 60))
    noisy = fit_linear(noise, (rng.normal(size=(60, 30)), rng.integers(0, 2, 60)), num_classes=2)
    clean = fit_linear(blobs(3, 20, seed=1, spread=0.2), blobs(3, 20, seed=2, spread=0.2), num_classes=3)
    assert noisy.strength <= 1e-2 < 1 <= clean.strength


def test_a_class_without_training_pictures_is_never_predicted():
    features, labels = blobs(3, 20, seed=1)
    fitted = fit_linear((features[labels != 1], labels[labels != 1]), None, num_classes=3)
    assert 1 not in (features @ fitted.weight.T + fitted.bias).argmax(axis=1)


def test_logit_adjustment_favours_the_rare_class():
    features, labels = blobs(2, 100, seed=1, spread=4.0)
    keep = np.r_[0:100, 100:110]
    train = (features[keep], labels[keep])
    plain = fit_linear(train, None, num_classes=2)
    adjusted = fit_linear(train, None, num_classes=2, log_prior=np.log([100 / 110, 10 / 110]))
    balanced = fit_linear(train, None, num_classes=2, balanced=True)

    def rare(fit):
        return (features @ fit.weight.T + fit.bias).argmax(axis=1).mean()

    assert rare(plain) < rare(adjusted)
    assert rare(plain) < rare(balanced)


def test_one_picture_a_class_can_still_be_fitted():
    fitted = fit_linear((np.eye(3), np.arange(3)), None, num_classes=3)
    assert (np.eye(3) @ fitted.weight.T + fitted.bias).argmax(axis=1).tolist() == [0, 1, 2]
