"""Further classes on a trained classifier."""

from __future__ import annotations

import copy

import pytest
import torch

from vision_ft.errors import ModelError
from vision_ft.models.assemble import Classifier, build_model
from vision_ft.models.backbone import create_backbone
from vision_ft.models.extend import extend_classes
from vision_ft.models.folder import load_model, save_model
from vision_ft.models.heads import HEADS
from vision_ft.models.heads.extending import UNTRAINED_SHARE
from vision_ft.types import ClassSpace

CLASSES = ClassSpace(("busy", "free", "blocked"))
LAST = {"linear": ("weight", "bias"), "mlp": ("output.weight", "output.bias"), "cosine": ("weight",)}
every_head = pytest.mark.parametrize("head", [name for name, spec in HEADS.items() if spec.takes == "pooled"])


def trained(head: str, num_classes: int = 3, backbone: str = "test_resnet") -> Classifier:
    """A model whose head has weights of a usual size."""
    torch.manual_seed(0)
    model = build_model(create_backbone(backbone, pretrained=False, image_size=32), head, num_classes, dropout=0.1)
    with torch.no_grad():
        for parameter in model.head.parameters():
            if parameter.ndim:
                parameter.normal_()
    return model.eval()


def usual_features(model: Classifier, count: int) -> torch.Tensor:
    """Features of images of the known classes; for a cosine head near the class directions, as after training."""
    noise = torch.randn(count, model.backbone.num_features) * 5
    if model.head_name != "cosine":
        return noise
    rows = model.head.weight.detach()
    return rows[torch.randint(len(rows), (count,))] + 0.05 * noise


@every_head
def test_known_classes_and_the_backbone_stay_bit_identical(head):
    model = trained(head)
    before = copy.deepcopy(model.state_dict())
    extended, classes = extend_classes(model, CLASSES, ["snow", "bicycle"])
    assert classes.names == ("busy", "free", "blocked", "snow", "bicycle")
    assert extended.num_classes == 5
    after = extended.state_dict()
    for name, value in before.items():
        kept = after[name][:3] if name.removeprefix("head.") in LAST[head] else after[name]
        assert torch.equal(kept, value), name
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items()), (
        "the source is untouched"
    )


@every_head
def test_the_copy_shares_no_memory_with_the_source(head):
    model = trained(head)
    extended, _ = extend_classes(model, CLASSES, ["snow"])
    before = copy.deepcopy(model.state_dict())
    with torch.no_grad():
        for value in extended.state_dict().values():
            value.add_(1)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


@every_head
@pytest.mark.parametrize("count", [1, 4])
def test_new_classes_are_not_predicted_before_training(head, count):
    model = trained(head)
    extended, _ = extend_classes(model, CLASSES, [f"new {number}" for number in range(count)])
    features = usual_features(model, 500)
    with torch.no_grad():
        before, after = model.forward_head(features), extended.forward_head(features)
    assert torch.equal(before.argmax(dim=1), after.argmax(dim=1))
    assert torch.allclose(before, after[:, :3], rtol=1e-4, atol=1e-4)
    if head != "cosine":
        scores = after.softmax(dim=1)
        assert (scores[:, 3:].sum(dim=1) <= UNTRAINED_SHARE * scores[:, :3].max(dim=1).values * 1.001).all()


@every_head
def test_a_new_class_learns_from_its_pictures(head):
    """A row that is never predicted must still get gradients of usual size."""
    model = trained(head)
    extended, _ = extend_classes(model, CLASSES, ["snow"])
    features = torch.randn(20, model.backbone.num_features) * 0.1 + 3 * torch.randn(model.backbone.num_features)
    labels = torch.full((20,), 3)
    optimizer = torch.optim.AdamW(extended.head.parameters(), lr=0.1)
    for _ in range(60):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(extended.forward_head(features), labels).backward()
        optimizer.step()
    assert (extended.forward_head(features).argmax(dim=1) == 3).all()


@every_head
def test_an_extended_model_is_saved_and_loaded(head, tmp_path):
    extended, classes = extend_classes(trained(head), CLASSES, ["snow"])
    save_model(extended, tmp_path, classes=classes, preprocessing=extended.backbone.preprocessing)
    again, read, _, _ = load_model(tmp_path)
    images = torch.rand(2, 3, 32, 32)
    with torch.no_grad():
        assert torch.equal(again(images), extended(images))
    assert read == classes


@every_head
def test_one_known_class_can_be_extended(head):
    extended, classes = extend_classes(trained(head, 1), ClassSpace(("busy",)), ["free"])
    features = usual_features(trained(head, 1), 50)
    assert len(classes) == 2
    assert (extended.forward_head(features).argmax(dim=1) == 0).all()


def test_opposite_cosine_directions_get_a_new_one_apart_from_both():
    model = trained("cosine", 2)
    with torch.no_grad():
        model.head.weight[1] = -model.head.weight[0]
    extended, _ = extend_classes(model, ClassSpace(("busy", "free")), ["snow"])
    rows = torch.nn.functional.normalize(extended.head.weight.detach(), dim=1)
    assert (rows[2] @ rows[:2].T).abs().max() < 1e-4
    assert torch.equal(
        extended.forward_head(usual_features(model, 50)).argmax(dim=1) < 2, torch.ones(50, dtype=torch.bool)
    )


@every_head
def test_no_new_names_give_a_plain_copy_in_the_same_mode(head):
    model = trained(head).train()
    extended, classes = extend_classes(model, CLASSES, [])
    assert classes == CLASSES
    assert extended.training
    assert extended is not model
    assert all(torch.equal(value, extended.state_dict()[name]) for name, value in model.state_dict().items())


def test_names_that_do_not_fit_are_named():
    model = trained("linear")
    with pytest.raises(ModelError, match=r"\['free'\] are classes of the model already; it knows \['busy', 'free'"):
        extend_classes(model, CLASSES, ["snow", "free"])
    with pytest.raises(ModelError, match=r"\['snow'\] are given more than once"):
        extend_classes(model, CLASSES, ["snow", "snow"])
    with pytest.raises(ModelError, match="the model has 3 outputs, but 2 classes were given"):
        extend_classes(model, ClassSpace(("busy", "free")), ["snow"])
    model.head_name = "prototype"
    with pytest.raises(ModelError, match="head 'prototype' cannot take further classes; heads that can: .'linear'"):
        extend_classes(model, CLASSES, ["snow"])
