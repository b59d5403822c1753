"""Loss, decoding and scores of several label columns."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from vision_ft.errors import RecipeError
from vision_ft.tasks import classification
from vision_ft.tasks.multitask import bind, build_loss
from vision_ft.types import Target

SIZES = [3, 2]
COUNTS = np.array([10, 20, 30, 15, 45])


def batch(seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(8, 5, generator=generator).requires_grad_()
    labels = torch.stack([torch.randint(0, size, (8,), generator=generator) for size in SIZES], dim=1)
    return logits, labels


def test_the_loss_is_the_sum_of_the_columns_over_their_known_labels():
    logits, labels = batch()
    labels[:3, 0], labels[5, 1] = -1, -1
    found = build_loss(COUNTS, sizes=SIZES)(logits, Target(labels=labels))
    first = F.cross_entropy(logits[3:, :3], labels[3:, 0])
    second = F.cross_entropy(logits[[0, 1, 2, 3, 4, 6, 7], 3:], labels[[0, 1, 2, 3, 4, 6, 7], 1])
    assert found.item() == pytest.approx((first + second).item())
    found.backward()
    assert (logits.grad[:3, :3] == 0).all()
    assert (logits.grad[5, 3:] == 0).all()


def test_a_batch_without_any_known_label_gives_zero_with_a_gradient_of_zero():
    logits, labels = batch()
    found = build_loss(COUNTS, sizes=SIZES)(logits, Target(labels=torch.full_like(labels, -1)))
    found.backward()
    assert found.item() == 0.0
    assert torch.equal(logits.grad, torch.zeros_like(logits))


@pytest.mark.parametrize("imbalance", ["weights", "logit-adjust"])
def test_imbalance_is_treated_within_each_column(imbalance):
    logits, labels = batch()
    found = build_loss(COUNTS, sizes=SIZES, imbalance=imbalance, label_smoothing=0.1)(logits, Target(labels=labels))
    expected = 0.0
    for part, counts, own in ((slice(0, 3), COUNTS[:3], labels[:, 0]), (slice(3, 5), COUNTS[3:], labels[:, 1])):
        alone = classification.build_loss(counts, imbalance=imbalance, label_smoothing=0.1)
        expected += alone(logits[:, part], Target(labels=own)).item()
    assert found.item() == pytest.approx(expected)


def test_what_does_not_go_is_named():
    with pytest.raises(RecipeError, match='optim.loss: got "bce"; allowed for multitask: auto, cross-entropy'):
        build_loss(COUNTS, sizes=SIZES, name="bce")
    with pytest.raises(
        RecipeError, match='optim.imbalance: got "sampler"; allowed for multitask: none, weights, logit'
    ):
        build_loss(COUNTS, sizes=SIZES, imbalance="sampler")


def test_probabilities_of_each_column_sum_to_one():
    logits, _ = batch()
    scores = bind(SIZES).decode(logits, Target())
    assert scores[:, :3].sum(dim=1).tolist() == pytest.approx([1.0] * 8)
    assert scores[:, 3:].sum(dim=1).tolist() == pytest.approx([1.0] * 8)
    assert torch.equal(scores[:, :3].argmax(dim=1), logits[:, :3].argmax(dim=1))


def test_scores_are_means_over_the_columns_that_are_known():
    task = bind(SIZES)
    scores = np.array([[0.8, 0.1, 0.1, 0.6, 0.4], [0.8, 0.1, 0.1, 0.6, 0.4]])
    found = task.score(scores, np.array([[0, 0], [1, -1]]))
    assert found["accuracy"] == pytest.approx((0.5 + 1.0) / 2)
    assert found["loss"] == pytest.approx(-np.log([0.8, 0.1]).mean() - np.log(0.6))
    assert task.score(scores, np.array([[0, -1], [1, -1]]))["accuracy"] == 0.5
    assert np.isnan(task.score(scores, np.array([[-1, -1], [-1, -1]]))["macro_f1"])
