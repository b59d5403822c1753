"""Every adaptation without labels keeps the contract, on a network of BatchNorm and one of LayerNorm."""

from __future__ import annotations

import copy
import functools

import pytest
import torch

from vision_ft.adaptation import batchnorm, entropy, pseudo_labels
from vision_ft.errors import ModelError
from vision_ft.models.assemble import Classifier, build_model
from vision_ft.models.backbone import create_backbone
from vision_ft.models.stages import module_groups, parameter_groups, set_trainable

BACKBONES = ["test_resnet", "test_vit"]
SIZES = {"test_resnet": 32, "test_vit": 160}  # the ViT's patches and positions are made for 160 px


@functools.cache
def source_of(name: str) -> Classifier:
    torch.manual_seed(0)
    backbone = create_backbone(name, pretrained=False, image_size=SIZES[name])
    model = build_model(backbone, "linear", 4, dropout=0.5)
    torch.nn.init.normal_(model.head.weight)  # predictions that differ from image to image
    return model.eval()


def pictures(name: str) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    return list((2 * torch.randn(40, 3, SIZES[name], SIZES[name], generator=generator) + 1).split(16))


def state(model: Classifier) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in model.state_dict().items()}


def reestimated(model: Classifier, batches: list[torch.Tensor]) -> None:
    batchnorm.reestimate(model, batches, count=40)


def aligned(model: Classifier, batches: list[torch.Tensor]) -> None:
    reference = batchnorm.collect_statistics(model, [batch / 2 for batch in batches], adapted=False)
    batchnorm.reestimate(model, batches, count=40, prior=16, reference=reference)


def surer(model: Classifier, batches: list[torch.Tensor]) -> None:
    everything = entropy.Guard(max_class_gain=1.0, max_changed=1.0)
    result = entropy.minimise_entropy(model, batches, lr=0.01, passes=5, prior=1000, guard=everything)
    assert result.kept, result.reason


METHODS = [
    pytest.param("test_resnet", reestimated, id="batchnorm-cnn"),
    pytest.param("test_resnet", aligned, id="batchnorm-aligned-cnn"),
    pytest.param("test_resnet", surer, id="entropy-cnn"),
    pytest.param("test_vit", surer, id="entropy-vit"),
]
every_method = pytest.mark.parametrize(("name", "method"), METHODS)


@every_method
def test_the_source_is_bit_identical_when_its_copy_adapts(name, method):
    source = source_of(name)
    before = state(source)
    model = copy.deepcopy(source)
    method(model, pictures(name))
    assert all(torch.equal(value, before[key]) for key, value in source.state_dict().items())
    assert any(not torch.equal(value, before[key]) for key, value in model.state_dict().items())


@every_method
def test_the_same_pictures_give_the_same_model_whatever_the_global_seed(name, method):
    found = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        model = copy.deepcopy(source_of(name))
        method(model, pictures(name))
        found.append(state(model))
    assert all(torch.equal(found[0][key], found[1][key]) for key in found[0])


@every_method
def test_frozen_groups_stay_bit_identical(name, method):
    model = copy.deepcopy(source_of(name))
    groups = parameter_groups(model)
    moving = {list(groups)[-2], "head"}
    set_trainable(model, list(moving))
    model.eval()
    before, owner = state(model), module_groups(model, groups)
    method(model, pictures(name))
    changed = {key for key, value in model.state_dict().items() if not torch.equal(value, before[key])}
    assert changed
    assert {key for key in changed if not owner[key.rpartition(".")[0]] <= moving} == set()


@every_method
def test_the_head_and_all_convolutions_stay(name, method):
    model = copy.deepcopy(source_of(name))
    before = state(model)
    method(model, pictures(name))
    changed = [key for key, value in model.state_dict().items() if not torch.equal(value, before[key])]
    assert all(value.ndim == 1 for key, value in before.items() if key in changed)
    assert not any(key.startswith("head.") for key in changed)


def test_a_vit_is_told_that_it_has_no_batchnorm_and_stays_as_it_was():
    model = copy.deepcopy(source_of("test_vit"))
    before = state(model)
    assert not batchnorm.has_batchnorm(model)
    with pytest.raises(ModelError, match="has no BatchNorm: re-estimation does nothing for a ViT"):
        reestimated(model, pictures("test_vit"))
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())


@pytest.mark.parametrize("name", BACKBONES)
def test_pseudo_labels_are_what_the_source_predicts(name):
    model = source_of(name)
    with torch.no_grad():
        scores = torch.cat([model(batch) for batch in pictures(name)]).softmax(1).numpy()
    floor = float(sorted(scores.max(1))[10])
    rows, labels = pseudo_labels.choose(scores, floor=floor, min_classes=1)
    assert len(rows)
    assert (labels == scores[rows].argmax(1)).all()
    assert (scores[rows].max(1) >= floor).all()
