"""What every head keeps: shapes, gradients, the same numbers after a round trip through a model folder."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import torch

from vision_ft.models.assemble import Classifier, DenseModel, build_model
from vision_ft.models.backbone import create_backbone
from vision_ft.models.folder import load_model, save_model
from vision_ft.models.heads import HEADS
from vision_ft.tasks import TASKS
from vision_ft.testing.dense_heads import check_boxes, check_pixels
from vision_ft.types import ClassSpace

CNN, VIT, WIDE = "resnet10t", "vit_tiny_patch16_224", "mobilenetv3_small_050"  # the last has a wider head than features
SIDE = 64


def check_head(
    name: str, *, backbones: tuple[str, ...] = (CNN, VIT), head_args: Mapping[str, Any] | None = None
) -> None:
    """Check a registered head on random backbones.

    Args:
        name: in the registry.
        backbones: timm names that take images of 64 x 64 pixels.
        head_args: arguments that it cannot do without, or that make it small.

    Raises:
        AssertionError: it does not keep the contract of heads.
    """
    arguments = dict(head_args or {})
    pooled = HEADS[name].takes == "pooled"
    for backbone in backbones:
        for num_classes in (1, 2, 7):
            model = model_of(backbone, name, num_classes, head_args=arguments, dropout=0.3)
            if pooled:
                check_logits(model)
            with tempfile.TemporaryDirectory() as folder:
                check_round_trip(model, Path(folder))
        model = model_of(backbone, name, 4, head_args=arguments)
        if pooled:
            check_gradients(model)
        elif TASKS[HEADS[name].task].returns_losses:
            check_boxes(cast(DenseModel, model))
        else:
            check_pixels(cast(DenseModel, model))
    if pooled:
        check_dropout(model_of(backbones[0], name, 4, head_args=arguments, dropout=0.5))


def model_of(backbone: str, head: str, num_classes: int, **options: Any) -> Classifier | DenseModel:
    """Build a seeded model with random weights for images of 64 x 64 pixels."""
    torch.manual_seed(0)
    return build_model(create_backbone(backbone, pretrained=False, image_size=SIDE), head, num_classes, **options)


def check_logits(model: Classifier | DenseModel) -> None:
    """Logits have one column a class."""
    found = model.eval()(torch.rand(3, 3, SIDE, SIDE))
    wanted = (3, model.num_classes)
    assert found.shape == wanted, f"the head gives {tuple(found.shape)} for 3 images; (B, K) = {wanted} is expected"


def check_gradients(model: Classifier | DenseModel) -> None:
    """Every parameter of the model gets a gradient, each of the head one that is not zero."""
    model.train()
    targets = torch.arange(model.num_classes)
    logits = model(torch.rand(len(targets), 3, SIDE, SIDE, generator=torch.Generator().manual_seed(1)))
    torch.nn.functional.cross_entropy(logits, targets).backward()
    missing = [key for key, parameter in model.named_parameters() if parameter.grad is None]
    assert missing == [], f"parameters without a gradient: {missing}; use them in forward, or do not register them"
    silent = [key for key, value in model.head.named_parameters() if value.grad is None or not value.grad.abs().sum()]
    assert silent == [], f"parameters of the head with a gradient of zero: {silent}"


def check_round_trip(model: Classifier | DenseModel, folder: Path) -> None:
    """A model folder gives back the same outputs, classes and settings."""
    model.eval()
    classes = ClassSpace(tuple(f"class {number}" for number in range(model.num_classes)))
    kept = {"temperature": 1.25}
    preprocessing = model.backbone.preprocessing
    save_model(model, folder, classes=classes, preprocessing=preprocessing, extra=kept)
    again, read, prepared, extra = load_model(folder)
    pictures = torch.rand(2, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        same = _equal(model(pictures), again(pictures))
    assert same, "outputs differ after saving and loading: keep all that decides them in parameters or buffers"
    assert (read, prepared, extra) == (classes, preprocessing, kept)
    assert (again.head_name, again.dropout) == (model.head_name, model.dropout)
    assert not again.training


def check_dropout(model: Classifier | DenseModel) -> None:
    """Dropout acts in training and nowhere else."""
    assert model.takes == "pooled", "of heads on the pooled vector"
    pooled = torch.rand(2, model.backbone.num_features, generator=torch.Generator().manual_seed(1))
    first = next(value for key, value in model.head.named_parameters() if key.endswith("weight") and value.ndim == 2)
    torch.nn.init.normal_(first, generator=torch.Generator().manual_seed(2))
    model.eval()
    steady = torch.equal(model.forward_head(pooled), model.forward_head(pooled))
    assert steady, "in eval mode two calls on the same features differ"
    model.train()
    moves = not torch.equal(model.forward_head(pooled), model.forward_head(pooled))
    assert moves, "dropout=0.5 changes nothing in training: pass it on to a Dropout layer"


def _equal(first: Any, second: Any) -> bool:
    if isinstance(first, torch.Tensor):
        return torch.equal(first, second)
    return all(
        torch.equal(getattr(one, name), getattr(other, name))
        for one, other in zip(first, second, strict=True)
        for name in ("boxes", "scores", "labels")
    )
