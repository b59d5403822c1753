"""What heads on maps keep: a logit for each pixel and class, or losses while they learn and boxes else."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from vision_ft.models.assemble import DenseModel
from vision_ft.types import Detections, Target

SIDE = 64


def check_pixels(model: DenseModel) -> None:
    """Every pixel gets a logit of every class, alone and among others, and every parameter of the head learns."""
    model.eval()
    images = _pictures(3)
    with torch.no_grad():
        together = model(images)
        wanted = (3, model.num_classes, SIDE, SIDE)
        assert together.shape == wanted, f"the head gives {tuple(together.shape)}; (B, K, H, W) = {wanted} is expected"
        assert together.isfinite().all(), "logits are not finite"
        alone = model(images[:1])[0]
    assert torch.allclose(alone, together[0], atol=1e-5), "an image is predicted otherwise alone than among others"
    model.train()
    F.cross_entropy(model(images[:2]), torch.zeros(2, SIDE, SIDE, dtype=torch.int64)).backward()
    _assert_all_learn(model)


def check_boxes(model: DenseModel) -> None:
    """Losses are finite and reach every parameter of the head; boxes lie in the image, most certain first."""
    model.eval()
    with torch.no_grad():
        found = model(_pictures(2))
    assert isinstance(found, list), "without a target the head gives one Detections an image"
    assert len(found) == 2, f"{len(found)} outputs for 2 images"
    for one in found:
        _check_detections(one, model.num_classes)
    model.train()
    boxes = torch.tensor([[4.0, 6.0, 30.0, 40.0], [20.0, 20.0, 60.0, 56.0]])
    nothing = torch.zeros(0, 4), torch.zeros(0, dtype=torch.int64)
    labels = torch.tensor([0, model.num_classes - 1])
    losses = model(_pictures(2), Target(boxes=(boxes, nothing[0]), box_labels=(labels, nothing[1])))
    assert isinstance(losses, dict), "given a target the head gives its losses by name"
    for key, value in losses.items():
        assert value.shape == (), f"the loss {key} has the shape {tuple(value.shape)}; one number is expected"
        assert value.isfinite(), f"the loss {key} is {value}"
    torch.stack([value.float() for value in losses.values()]).sum().backward()
    _assert_all_learn(model)


def _check_detections(found: Detections, num_classes: int) -> None:
    assert isinstance(found, Detections), f"{type(found).__name__} is no Detections"
    assert found.boxes.shape == (len(found.scores), 4), "boxes are (M, 4), x1 y1 x2 y2 in pixels of the input"
    assert (found.scores.diff() <= 0).all(), "boxes are sorted, most certain first"
    assert ((found.scores >= 0) & (found.scores <= 1)).all(), "scores lie in [0, 1]"
    assert ((found.labels >= 0) & (found.labels < num_classes)).all(), "labels are class indices"
    assert ((found.boxes >= 0) & (found.boxes <= SIDE)).all(), "boxes lie inside the image"


def _assert_all_learn(model: DenseModel) -> None:
    silent = [key for key, value in model.head.named_parameters() if value.grad is None or not value.grad.abs().sum()]
    assert silent == [], f"parameters of the head without a gradient: {silent}"


def _pictures(count: int) -> Tensor:
    return torch.rand(count, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(1))
