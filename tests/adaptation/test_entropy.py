"""Entropy minimisation: it lowers the entropy by normalisation layers alone, and its guard rolls back exactly."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from vision_ft.adaptation import entropy
from vision_ft.adaptation.entropy import Guard, affine_parameters, minimise_entropy
from vision_ft.errors import DataError, ModelError


def small_network(*, classes: int = 3) -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Dropout(0.5), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        nn.LayerNorm(8), nn.Linear(8, classes),
    ).eval()  # fmt: skip


def pictures(count: int = 64) -> list[torch.Tensor]:
    return list(torch.randn(count, 3, 10, 10, generator=torch.Generator().manual_seed(1)).split(32))


def state(model: nn.Module) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in model.state_dict().items()}


def changed_names(model: nn.Module, before: dict[str, torch.Tensor]) -> list[str]:
    return [name for name, value in model.state_dict().items() if not torch.equal(value, before[name])]


def entropy_of(model: nn.Module, batches: list[torch.Tensor]) -> float:
    with torch.no_grad():
        scores = torch.cat([model(batch) for batch in batches]).double().softmax(1)
    return float(-(scores * scores.log()).sum(1).mean())


LOOSE = Guard(max_class_gain=1.0, max_changed=1.0)


def test_the_entropy_falls_and_only_normalisation_layers_change():
    model, batches = small_network(), pictures()
    before, start = state(model), entropy_of(model, batches)
    result = minimise_entropy(model, batches, lr=0.01, passes=3, guard=LOOSE)
    assert result.kept
    assert entropy_of(model, batches) < start
    assert result.entropy_before == pytest.approx(start, abs=1e-5)
    assert result.entropy_after == pytest.approx(entropy_of(model, batches), abs=1e-5)
    assert changed_names(model, before) == [
        "1.weight", "1.bias", "1.running_mean", "1.running_var", "6.weight", "6.bias",
    ]  # fmt: skip
    assert (result.steps, result.trained_parameters) == (6, 32)
    assert result.reason.startswith(f"Kept: the mean entropy fell from {start:.3f} to ")


def test_flags_modes_and_gradients_are_left_as_they_were():
    model = small_network()
    model[7].weight.requires_grad_(False)
    model[3].train()
    minimise_entropy(model, pictures(), guard=LOOSE)
    assert [name for name, each in model.named_parameters() if not each.requires_grad] == ["7.weight"]
    assert [name for name, module in model.named_modules() if module.training] == ["3"]
    assert all(parameter.grad is None for parameter in model.parameters())


def test_frozen_parameters_and_frozen_statistics_stay():
    model = small_network()
    model[6].requires_grad_(False)
    model.frozen_modules = (model[1],)
    before = state(model)
    result = minimise_entropy(model, pictures(), lr=0.01, guard=LOOSE)
    assert result.kept
    assert changed_names(model, before) == ["1.weight", "1.bias"]


def rolled_back(guard: Guard, **options) -> str:
    model = small_network()
    before = state(model)
    result = minimise_entropy(model, pictures(), guard=guard, **options)
    assert not result.kept
    assert changed_names(model, before) == []
    return result.reason


def test_a_collapse_toward_one_class_is_rolled_back_bit_by_bit():
    reason = rolled_back(Guard(max_class_gain=0.1, max_changed=1.0), lr=0.3, passes=10)
    assert reason.startswith("Rolled back: the predictions collapse toward class number ")
    assert "% of the images before, " in reason
    assert "a gain of 10% is allowed" in reason


def test_too_many_changed_predictions_are_rolled_back():
    reason = rolled_back(Guard(max_class_gain=1.0, max_changed=0.0), lr=0.3, passes=3)
    assert reason.startswith("Rolled back: ")
    assert "of the predictions changed, more than the allowed 0%" in reason


def test_an_entropy_that_does_not_fall_is_rolled_back():
    assert "the mean entropy did not fall" in rolled_back(LOOSE, lr=0.0, prior=float("inf"))


def test_a_broken_loss_is_rolled_back():
    assert "no longer a finite number. Lower the learning rate" in rolled_back(LOOSE, lr=1e30, passes=5)


def test_a_generator_no_pictures_and_too_few_are_refused():
    model = small_network()
    with pytest.raises(DataError, match="got a generator, which can be read once. Hand over a list or a loader"):
        minimise_entropy(model, iter(pictures()))
    with pytest.raises(DataError, match="got no images of the new camera"):
        minimise_entropy(model, [])
    with pytest.raises(DataError, match="got 31 images of the new camera; a model with BatchNorm needs at least 32"):
        minimise_entropy(model, pictures(31))


def test_a_model_that_cannot_adapt_is_refused():
    plain = nn.Sequential(nn.Flatten(), nn.Linear(300, 3))
    with pytest.raises(ModelError, match="has none that can train. Unfreeze a group"):
        minimise_entropy(plain, pictures())
    with pytest.raises(ModelError, match="knows one class only, so it is always sure"):
        minimise_entropy(small_network(classes=1), pictures())


def test_every_kind_of_normalisation_is_found_once():
    norm = nn.GroupNorm(2, 4)
    model = nn.Sequential(norm, norm, nn.BatchNorm1d(4, affine=False), nn.RMSNorm(4), nn.Linear(4, 2))
    assert [parameter.shape for parameter in affine_parameters(model)] == [(4,), (4,), (4,)]


def test_entropy_and_class_shares_are_computed_by_hand():
    before = np.array([[1.0, 0.0], [0.5, 0.5], [0.2, 0.8], [0.9, 0.1]])
    after = before[[2, 1, 2, 3]]
    assert entropy._entropy(before[:2]) == pytest.approx(np.log(2) / 2)
    assert entropy._changed(before, after) == 0.25
    assert entropy._class_gain(before, after) == (0.25, 1)
