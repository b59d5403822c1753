"""The convex fit of a linear head."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from vision_ft.errors import TrainingError
from vision_ft.tasks.convex import fit_linear


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


@pytest.mark.parametrize("balanced", [False, True])
def test_a_weight_of_three_is_the_row_given_three_times(balanced):
    features, labels = blobs(3, 20, seed=1, spread=3.0)
    val = blobs(3, 10, seed=2, spread=3.0)
    times = np.where(np.arange(60) % 4 == 0, 3, 1)
    repeated = (features.repeat(times, axis=0), labels.repeat(times))
    weighted = fit_linear((features, labels), val, num_classes=3, balanced=balanced, weights=times.astype(float))
    given_often = fit_linear(repeated, val, num_classes=3, balanced=balanced)
    assert weighted.strength == given_often.strength
    assert weighted.weight == pytest.approx(given_often.weight, abs=2e-3)
    assert weighted.bias == pytest.approx(given_often.bias, abs=2e-3)


def test_weights_of_one_change_nothing():
    train = blobs(3, 20, seed=1, spread=3.0)
    plain = fit_linear(train, None, num_classes=3)
    weighted = fit_linear(train, None, num_classes=3, weights=np.ones(60))
    assert weighted.val_loss == pytest.approx(plain.val_loss, abs=1e-6)
    assert weighted.weight == pytest.approx(plain.weight, abs=1e-4)


def test_rows_with_more_weight_win_where_two_sets_disagree():
    """Two cameras call the same places by opposite names: the heavier camera decides."""
    features, labels = blobs(2, 40, seed=1)
    both = (np.concatenate([features, features]), np.concatenate([labels, 1 - labels]))
    for heavy, expected in ((0, labels), (1, 1 - labels)):
        weights = np.ones(160)
        weights[80 * heavy : 80 * heavy + 80] = 5.0
        fitted = fit_linear(both, None, num_classes=2, weights=weights)
        agrees = (features @ fitted.weight.T + fitted.bias).argmax(axis=1) == expected
        assert agrees.mean() > 0.9


@pytest.mark.parametrize(
    ("weights", "got"),
    [([1.0, 2.0], r"shape \(2,\), from 1 to 2"), ([1.0, 0.0, 1.0], "from 0 to 1"), ([1.0, np.nan, 1.0], "from nan")],
)
def test_weights_that_cannot_be_used_are_named(weights, got):
    with pytest.raises(TrainingError, match=rf"weights of the convex fit: got .*{got}.*3 finite numbers above 0"):
        fit_linear((np.eye(3), np.arange(3)), None, num_classes=3, weights=np.array(weights))
