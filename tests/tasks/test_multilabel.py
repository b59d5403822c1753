"""Losses and scores of several labels per image: blind to what is not known, in value and gradient."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from timm.loss import AsymmetricLossMultiLabel

from vision_ft.errors import RecipeError
from vision_ft.tasks import TASKS
from vision_ft.tasks.multilabel import LOSSES, build_loss, decode, positive_weights, score
from vision_ft.types import Target

NAN = float("nan")
COUNTS = np.array([[90, 50, 0], [10, 50, 0]])
every_loss = pytest.mark.parametrize("name", LOSSES)


def batch(seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(6, 3, generator=generator).requires_grad_()
    return logits, (torch.rand(6, 3, generator=generator) < 0.4).float()


def test_bce_is_the_mean_over_all_labels():
    logits, labels = batch()
    found = build_loss(COUNTS)(logits, Target(labels=labels))
    assert found.item() == pytest.approx(F.binary_cross_entropy_with_logits(logits, labels).item())


def test_the_asymmetric_loss_is_that_of_timm_for_each_known_label():
    logits, labels = batch()
    found = build_loss(COUNTS, name="asymmetric")(logits, Target(labels=labels))
    reference = AsymmetricLossMultiLabel()(logits.reshape(1, -1), labels.reshape(1, -1)) / labels.numel()
    assert found.item() == pytest.approx(reference.item())


@every_loss
def test_a_label_that_is_not_known_adds_nothing_to_value_or_gradient(name):
    logits, labels = batch()
    unknown = torch.rand(6, 3, generator=torch.Generator().manual_seed(1)) < 0.3
    loss = build_loss(COUNTS, name=name)
    found = loss(logits, Target(labels=labels.masked_fill(unknown, NAN)))
    found.backward()
    assert (logits.grad[unknown] == 0).all()
    assert (logits.grad[~unknown] != 0).all()
    other = (logits.detach() + 5 * unknown).requires_grad_()
    assert loss(other, Target(labels=labels.masked_fill(unknown, NAN))).item() == pytest.approx(found.item())


@every_loss
def test_a_batch_of_which_nothing_is_known_gives_zero_with_a_gradient_of_zero(name):
    logits, labels = batch()
    found = build_loss(COUNTS, name=name)(logits, Target(labels=torch.full_like(labels, NAN)))
    found.backward()
    assert found.item() == 0.0
    assert torch.equal(logits.grad, torch.zeros_like(logits))


def test_weights_make_a_rare_label_count_as_much_as_its_absence():
    assert positive_weights(COUNTS).tolist() == [9.0, 1.0, 1.0]
    assert positive_weights(np.array([[10_000], [1]])).tolist() == [100.0]
    logits = torch.zeros(1, 3)
    loss = build_loss(COUNTS, imbalance="weights")
    found = loss(logits, Target(labels=torch.tensor([[1.0, NAN, NAN]])))
    assert found.item() == pytest.approx(9 * np.log(2))
    found = loss(logits, Target(labels=torch.tensor([[0.0, NAN, NAN]])))
    assert found.item() == pytest.approx(np.log(2))


def test_smoothing_moves_targets_to_a_half():
    logits, labels = batch()
    found = build_loss(COUNTS, label_smoothing=0.2)(logits, Target(labels=labels))
    expected = F.binary_cross_entropy_with_logits(logits, labels * 0.8 + 0.1)
    assert found.item() == pytest.approx(expected.item())


def test_what_does_not_go_is_named():
    with pytest.raises(RecipeError, match='optim.loss: got "focal"; allowed for multilabel: auto, bce, asymmetric'):
        build_loss(COUNTS, name="focal")
    with pytest.raises(RecipeError, match='optim.imbalance: got "logit-adjust"; allowed for multilabel: none, weights'):
        build_loss(COUNTS, imbalance="logit-adjust")
    with pytest.raises(RecipeError, match='"weights" does not go with optim.loss "asymmetric".*Drop one of the two'):
        build_loss(COUNTS, name="asymmetric", imbalance="weights")


def test_probabilities_are_each_of_their_own():
    scores = decode(torch.tensor([[0.0, 100.0]]), Target())
    assert scores.tolist() == [[0.5, 1.0]]


def test_scores_take_the_best_thresholds_and_know_nothing_of_unknown_labels():
    scores = np.array([[0.3, 0.2], [0.2, 0.1], [0.1, 0.9]])
    labels = np.array([[1, 1], [0, 0], [0, NAN]])
    found = score(scores, labels)
    assert (found["macro_f1"], found["map"]) == (1.0, 1.0)
    assert found["loss"] == pytest.approx(-np.log([0.3, 0.2, 0.8, 0.9, 0.9]).mean())
    assert np.isnan(score(np.zeros((0, 0)), np.zeros((0, 2)))["macro_f1"])


def test_the_registered_tasks_name_their_metrics_and_losses():
    assert TASKS["multilabel"].metrics == ("macro_f1", "map")
    assert tuple(LOSSES) == ("bce", "asymmetric")
    assert TASKS["multitask"].metrics == ("macro_f1", "accuracy")
