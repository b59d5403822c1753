"""The losses of masks: what counts, what does not, and equality with the libraries where they compute the same."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from segmentation_models_pytorch.losses import DiceLoss
from torchvision.ops import sigmoid_focal_loss

from vision_ft.errors import RecipeError
from vision_ft.tasks.classification import class_weights
from vision_ft.tasks.segmentation_losses import MASK_LOSSES, build_mask_loss, pixel_class_weights

every_loss = pytest.mark.parametrize("name", MASK_LOSSES)


def example(num_classes: int = 4, *, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Logits (2, K, 12, 10) and masks whose upper third is ignored and whose last class is absent."""
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(2, num_classes, 12, 10, generator=generator)
    masks = torch.randint(0, num_classes - 1, (2, 12, 10), generator=generator)
    masks[:, :4] = -1
    return logits, masks


def value_and_gradient(loss, logits: torch.Tensor, masks: torch.Tensor) -> tuple[float, torch.Tensor]:
    logits = logits.clone().requires_grad_()
    value = loss(logits, masks)
    value.backward()
    return value.item(), logits.grad


@every_loss
def test_ignored_pixels_change_neither_value_nor_gradient(name):
    logits, masks = example()
    loss = build_mask_loss(name, class_weights=torch.tensor([1.0, 2.0, 3.0, 4.0]))
    value, gradient = value_and_gradient(loss, logits, masks)
    other = logits.clone()
    other[:, :, :4] = 30 * torch.randn(2, 4, 4, 10, generator=torch.Generator().manual_seed(1))
    value_after, gradient_after = value_and_gradient(loss, other, masks)
    assert value_after == value > 0
    assert torch.equal(gradient_after, gradient)
    assert gradient[:, :, :4].abs().max() == 0
    assert gradient[:, :, 4:].abs().max() > 0


@every_loss
def test_ignoring_pixels_equals_leaving_them_out(name):
    logits, masks = example()
    loss = build_mask_loss(name)
    assert loss(logits, masks).item() == pytest.approx(loss(logits[:, :, 4:], masks[:, 4:]).item(), abs=1e-6)


@every_loss
def test_another_ignored_index_may_be_used_even_one_of_a_class(name):
    logits, masks = example()
    expected = build_mask_loss(name)(logits, masks).item()
    assert build_mask_loss(name, ignore=255)(logits, masks.where(masks >= 0, 255)).item() == expected
    assert build_mask_loss(name, ignore=3)(logits, masks.where(masks >= 0, 3)).item() == expected


@every_loss
@pytest.mark.parametrize("weights", [None, torch.tensor([1.0, 0.0, 3.0, 0.5])])
def test_a_batch_without_a_counted_pixel_has_loss_and_gradient_zero(name, weights):
    logits, masks = example()
    value, gradient = value_and_gradient(build_mask_loss(name, class_weights=weights), logits, masks.fill_(-1))
    assert value == 0
    assert gradient.abs().max() == 0


@every_loss
def test_a_batch_whose_classes_weigh_nothing_has_loss_and_gradient_zero(name):
    logits, masks = example()
    loss = build_mask_loss(name, class_weights=torch.tensor([0.0, 0.0, 0.0, 1.0]))
    value, gradient = value_and_gradient(loss, logits, masks)
    assert value == 0
    assert gradient.abs().max() == 0


@every_loss
def test_a_sure_and_right_answer_costs_nothing_and_a_sure_and_wrong_one_much(name):
    _, masks = example()
    right = 40.0 * F.one_hot(masks.clamp_min(0), 4).movedim(3, 1)
    loss = build_mask_loss(name)
    assert loss(right, masks).item() == pytest.approx(0, abs=1e-6)
    assert loss(right.roll(1, dims=1), masks).item() > 0.9


@every_loss
def test_descent_finds_a_class_of_four_pixels_beside_large_ones(name):
    masks = torch.zeros(1, 16, 16, dtype=torch.int64)
    masks[:, :, 8:] = 1
    masks[:, 3:5, 3:5] = 2
    logits = torch.zeros(1, 3, 16, 16, requires_grad=True)
    loss, optimizer = build_mask_loss(name), torch.optim.Adam([logits], lr=0.3)
    for _ in range(30):
        optimizer.zero_grad()
        loss(logits, masks).backward()
        optimizer.step()
    assert torch.equal(logits.argmax(dim=1), masks)


@every_loss
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_summed_in_float32(name, dtype):
    """In float16 the sum of the 90 000 pixels would be infinite."""
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(1, 3, 300, 300, generator=generator).to(dtype)
    masks = torch.randint(-1, 3, (1, 300, 300), generator=generator)
    loss = build_mask_loss(name, class_weights=torch.tensor([1.0, 0.3, 5.0]))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        value = loss(logits, masks)
    assert value.dtype == torch.float32
    assert value.item() == loss(logits.float(), masks).item()


@every_loss
def test_only_the_ratios_of_the_class_weights_matter(name):
    logits, masks = example()
    weights = torch.tensor([1.0, 2.0, 5.0, 3.0], dtype=torch.float64)
    weighted = build_mask_loss(name, class_weights=weights)(logits, masks).item()
    assert build_mask_loss(name, class_weights=7 * weights)(logits, masks).item() == pytest.approx(weighted)
    assert build_mask_loss(name)(logits, masks).item() != pytest.approx(weighted, rel=1e-3)


@pytest.mark.parametrize("weights", [None, torch.tensor([1.0, 2.0, 5.0, 3.0])])
def test_cross_entropy_is_that_of_torch(weights):
    logits, masks = example()
    loss = build_mask_loss("cross-entropy", class_weights=weights)
    expected = F.cross_entropy(logits, masks, weight=weights, ignore_index=-1)
    assert loss(logits, masks).item() == pytest.approx(expected.item(), abs=1e-6)


def test_focal_loss_of_two_classes_is_that_of_torchvision():
    """A softmax over (0, z) is the sigmoid of z, for which torchvision has the loss; alpha = -1 leaves weights out."""
    logits, masks = example(num_classes=3)
    binary = torch.stack([torch.zeros_like(logits[:, 0]), logits[:, 1]], dim=1)
    kept = masks >= 0
    expected = sigmoid_focal_loss(logits[:, 1][kept], masks[kept].float(), alpha=-1, gamma=2, reduction="mean")
    assert build_mask_loss("focal")(binary, masks).item() == pytest.approx(expected.item(), abs=1e-6)


def test_focal_loss_of_a_nearly_right_pixel_is_the_hundredth_of_its_cross_entropy():
    logits = torch.tensor([0.9, 0.1]).log().reshape(1, 2, 1, 1)
    loss = build_mask_loss("focal")(logits, torch.zeros(1, 1, 1, dtype=torch.int64))
    assert loss.item() == pytest.approx(0.1**2 * -np.log(0.9), rel=1e-5)


def test_dice_is_that_of_segmentation_models_over_the_classes_present():
    logits, masks = example()
    reference = DiceLoss("multiclass", classes=[0, 1, 2], ignore_index=-1)
    value, gradient = value_and_gradient(build_mask_loss("dice"), logits, masks)
    expected, expected_gradient = value_and_gradient(reference, logits, masks)
    assert value == pytest.approx(expected, abs=1e-6)
    assert torch.allclose(gradient, expected_gradient, atol=1e-7)


def test_dice_of_two_pixels_is_what_paper_and_pencil_give():
    shares = torch.tensor([[0.75, 0.5], [0.25, 0.5]])  # row = class, column = pixel
    masks = torch.tensor([[[0, 1]]])
    dice = [2 * 0.75 / (1 + 1.25), 2 * 0.5 / (1 + 0.75)]
    loss = build_mask_loss("dice")(shares.log().reshape(1, 2, 1, 2), masks)
    assert loss.item() == pytest.approx(1 - np.mean(dice), abs=1e-6)
    weighted = build_mask_loss("dice", class_weights=torch.tensor([3.0, 1.0]))(shares.log().reshape(1, 2, 1, 2), masks)
    assert weighted.item() == pytest.approx(1 - np.average(dice, weights=[3, 1]), abs=1e-6)


@every_loss
def test_a_class_that_the_batch_does_not_hold_pulls_nothing_unless_it_is_answered(name):
    logits, masks = example(num_classes=4)
    logits[:, 3] = -100
    loss = build_mask_loss(name)
    without = loss(logits[:, :3], masks).item()
    assert loss(logits, masks).item() == pytest.approx(without, abs=1e-6)
    logits[:, 3] = 3
    assert loss(logits, masks).item() > without


def test_a_combined_loss_is_the_sum_of_its_parts():
    logits, masks = example()
    value = {name: build_mask_loss(name)(logits, masks).item() for name in MASK_LOSSES}
    assert value["ce-dice"] == pytest.approx(value["cross-entropy"] + value["dice"])
    assert value["focal-dice"] == pytest.approx(value["focal"] + value["dice"])


def test_an_unknown_loss_is_named_with_those_allowed():
    with pytest.raises(
        RecipeError,
        match='optim.loss: got "cedice"; allowed for segmentation: cross-entropy, dice, focal, ce-dice, focal-dice. '
        'Did you mean "ce-dice"?',
    ):
        build_mask_loss("cedice")


def test_pixel_weights_are_one_for_the_median_class_and_capped_for_the_rare():
    weights = pixel_class_weights(np.array([4_000_000, 1_000_000, 500_000, 10, 0, 2_000_000]))
    assert weights == pytest.approx([0.25, 1.0, 2.0, 10.0, 0.0, 0.5])


def test_pixel_weights_without_the_cap_give_the_loss_of_inverse_counts():
    logits, masks = example()
    counts = np.array([300, 50, 120, 90])
    ours, inverse = (torch.tensor(weigh(counts)) for weigh in (pixel_class_weights, class_weights))
    expected = build_mask_loss("ce-dice", class_weights=inverse)(logits, masks).item()
    assert build_mask_loss("ce-dice", class_weights=ours)(logits, masks).item() == pytest.approx(expected, abs=1e-6)


def test_pixel_weights_of_no_pixel_are_zero():
    assert pixel_class_weights(np.zeros(3)).tolist() == [0, 0, 0]
