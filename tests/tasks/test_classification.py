"""The classification task: loss, decoding and scores."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from vision_ft.errors import RecipeError
from vision_ft.tasks.classification import build_loss, class_weights, decode, log_prior, score
from vision_ft.types import Target


def test_weights_are_inverse_to_counts_with_mean_one_over_pictures():
    weights = class_weights(np.array([30, 10, 0]))
    assert weights == pytest.approx([40 / 60, 2.0, 0.0])
    assert (weights * [30, 10, 0]).sum() / 40 == pytest.approx(1.0)


def test_plain_loss_is_cross_entropy():
    logits, labels = torch.tensor([[2.0, 0.0], [0.0, 1.0]]), torch.tensor([0, 0])
    loss = build_loss(np.array([1, 1]))(logits, Target(labels=labels))
    assert loss.item() == pytest.approx(F.cross_entropy(logits, labels).item())


def test_loss_takes_class_shares_after_mixup():
    logits = torch.tensor([[2.0, 0.0]])
    loss = build_loss(np.array([1, 1]))(logits, Target(labels=torch.tensor([[0.25, 0.75]])))
    expected = -(0.25 * logits.log_softmax(1)[0, 0] + 0.75 * logits.log_softmax(1)[0, 1])
    assert loss.item() == pytest.approx(expected.item())


def test_logit_adjustment_adds_the_log_prior():
    logits, labels = torch.zeros(1, 2), torch.tensor([1])
    loss = build_loss(np.array([98, 0]), imbalance="logit-adjust")(logits, Target(labels=labels))
    assert loss.item() == pytest.approx(-log_prior(np.array([98, 0]))[1])
    assert log_prior(np.array([98, 0]))[1] == pytest.approx(np.log(1 / 100))


def test_an_unknown_imbalance_mode_is_named():
    with pytest.raises(RecipeError, match='optim.imbalance: got "smote"; allowed: none, weights'):
        build_loss(np.array([1, 1]), imbalance="smote")


def test_decode_gives_probabilities():
    assert decode(torch.zeros(2, 4), Target()).sum(dim=1).tolist() == pytest.approx([1.0, 1.0])


def test_score_counts_only_classes_that_are_present():
    scores = np.array([[0.9, 0.1, 0.0], [0.2, 0.8, 0.0], [0.6, 0.4, 0.0]])
    result = score(scores, np.array([0, 1, 1]))
    assert result["accuracy"] == pytest.approx(2 / 3)
    assert result["macro_f1"] == pytest.approx(2 / 3)
    assert result["loss"] == pytest.approx(-np.log([0.9, 0.8, 0.4]).mean())


def test_score_of_nothing_is_not_a_number():
    assert np.isnan(score(np.zeros((0, 0)), np.zeros(0, dtype=int))["macro_f1"])
