"""Image regression: its losses, the ridge fit of its head, and the score that chooses an epoch."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from sklearn.linear_model import Ridge
from torch import nn

from vision_ft.errors import RecipeError
from vision_ft.tasks.regression import build_loss, fit_head, prepare, score
from vision_ft.tasks.ridge import fit_ridge
from vision_ft.types import Target

STATISTICS = np.array([[10.0], [4.0], [50.0]])  # mean, spread, number


@pytest.mark.parametrize(("name", "reference"), [("auto", F.smooth_l1_loss), ("mse", F.mse_loss), ("l1", F.l1_loss)])
def test_a_loss_is_that_of_errors_in_units_of_the_spread(name, reference):
    outputs, values = torch.tensor([[9.0], [20.0]]), torch.tensor([[10.0], [10.0]])
    found = build_loss(STATISTICS, name=name)(outputs, Target(labels=values))
    assert float(found) == pytest.approx(float(reference(outputs / 4, values / 4)))


def test_a_missing_value_adds_nothing_to_loss_and_gradient():
    outputs = torch.tensor([[9.0], [20.0]], requires_grad=True)
    build_loss(STATISTICS)(outputs, Target(labels=torch.tensor([[10.0], [float("nan")]]))).backward()
    assert outputs.grad[0] != 0
    assert outputs.grad[1] == 0


def test_a_batch_without_any_value_gives_zero():
    outputs = torch.ones(2, 1, requires_grad=True)
    loss = build_loss(STATISTICS)(outputs, Target(labels=torch.full((2, 1), float("nan"))))
    loss.backward()
    assert float(loss.detach()) == 0
    assert outputs.grad.abs().sum() == 0


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"name": "huber"}, 'optim.loss: got "huber"; allowed for regression: auto, smooth-l1, mse, l1'),
        ({"imbalance": "weights"}, "numbers have no classes to balance"),
        ({"label_smoothing": 0.1}, "numbers are not smoothed"),
    ],
)
def test_what_numbers_cannot_have_is_refused(options, words):
    with pytest.raises(RecipeError, match=words):
        build_loss(STATISTICS, **options)


def test_the_ridge_fit_equals_scikit_learns_at_the_chosen_strength():
    rng = np.random.default_rng(0)
    features = rng.normal(3, [1, 2, 0.1, 5, 1], (60, 5))
    values = features @ [1, -2, 5, 0.3, 0] + rng.normal(0, 0.5, 60)
    fit = fit_ridge((features[:40], values[:40]), (features[40:], values[40:]))
    mean, scale = features[:40].mean(axis=0), features[:40].std(axis=0)
    reference = Ridge(alpha=fit.strength).fit((features[:40] - mean) / scale, values[:40])
    expected = reference.predict((features[40:] - mean) / scale)
    np.testing.assert_allclose(features[40:] @ fit.weight + fit.bias, expected, rtol=1e-4)
    assert fit.error == pytest.approx(np.sqrt(np.mean((expected - values[40:]) ** 2)), rel=1e-5)


def test_more_features_than_images_are_fitted_as_well():
    rng = np.random.default_rng(0)
    features, values = rng.normal(size=(12, 40)), rng.normal(size=12)
    fit = fit_ridge((features, values), None, strengths=(10.0,))
    reference = Ridge(alpha=10.0).fit((features - features.mean(axis=0)) / features.std(axis=0), values)
    np.testing.assert_allclose(fit.weight * features.std(axis=0), reference.coef_, rtol=1e-4, atol=1e-6)


def test_a_weight_of_two_is_the_row_given_twice():
    rng = np.random.default_rng(0)
    features, values = rng.normal(size=(20, 3)), rng.normal(size=20)
    weights = np.where(np.arange(20) < 5, 2.0, 1.0)
    twice = np.concatenate([features, features[:5]]), np.concatenate([values, values[:5]])
    val = (features, values)
    weighted, repeated = fit_ridge((features, values), val, weights=weights), fit_ridge(twice, val)
    if weighted.strength == repeated.strength:
        np.testing.assert_allclose(weighted.weight, repeated.weight, rtol=0.3)
    assert weighted.bias == pytest.approx(repeated.bias, abs=0.05)


def test_noise_is_shrunk_away_and_signal_is_kept():
    rng = np.random.default_rng(0)
    features, signal, noise = rng.normal(size=(200, 30)), np.arange(30) == 0, rng.normal(size=200)
    assert np.abs(fit_ridge((features, noise), None).weight).max() < 0.1
    kept = fit_ridge((features, features @ signal * 5 + 0.1 * noise), None).weight
    assert kept[0] == pytest.approx(5, rel=0.05)


def test_each_target_is_fitted_on_its_own_known_values():
    rng = np.random.default_rng(0)
    features = rng.normal(size=(1, 80, 4)).astype(np.float32)
    values = np.stack([features[0, :, 0] * 3 + 7, features[0, :, 1] * -2], axis=1)
    values[:40, 1] = np.nan
    fit = fit_head((features, values), None, num_outputs=2)
    np.testing.assert_allclose(fit.weight, [[3, 0, 0, 0], [0, -2, 0, 0]], atol=0.05)
    np.testing.assert_allclose(fit.bias, [7, 0], atol=0.05)


def test_a_fresh_head_starts_at_the_mean_of_the_target():
    head = nn.Sequential(nn.Linear(3, 5), nn.GELU(), nn.Linear(5, 1))
    before = head[2].weight.clone()
    prepare(head, STATISTICS)
    torch.testing.assert_close(head[2].weight, before * 4)
    assert head[2].bias.item() == 10


def test_the_score_of_the_mean_is_an_r2_of_zero():
    targets = np.array([[1.0], [2.0], [6.0]])
    found = score(np.full((3, 1), 3.0), targets)
    assert found["r2"] == pytest.approx(0)
    assert found["mae"] == pytest.approx(2.0)
    assert np.isnan(score(np.zeros((0, 1)), np.zeros((0, 1)))["r2"])
