"""Every family of networks keeps the backbone's contract: features, groups, freezing, channels, folder."""

from __future__ import annotations

import copy
import functools

import pytest
import timm
import torch
from torch import nn

from vision_ft.models.assemble import Classifier, build_model
from vision_ft.models.backbone import create_backbone
from vision_ft.models.folder import load_model, save_model
from vision_ft.models.stages import parameter_groups, set_trainable
from vision_ft.types import ClassSpace

SIZES = {  # the smallest variant of each family, and a side in pixels that it takes
    "resnet10t": 64,
    "resnetv2_18": 64,
    "vit_tiny_patch16_224": 48,
    "deit_tiny_distilled_patch16_224": 48,
    "swin_tiny_patch4_window7_224": 64,
    "convnext_atto": 64,
    "mobilenetv2_035": 64,
    "mobilenetv3_small_050": 64,
    "efficientnet_lite0": 64,
    "regnetx_002": 64,
    "densenet121": 64,
    "coatnet_pico_rw_224": 64,
    "maxvit_rmlp_pico_rw_256": 64,
    "fastvit_t8": 64,
    "mobilevit_xxs": 64,
    "edgenext_xx_small": 64,
    "levit_128s": 96,
    "poolformer_s12": 64,
    "xcit_nano_12_p16_224": 64,
    "visformer_tiny": 64,
}
CLASSES = ClassSpace(("heron", "ibis", "stork"))
families = pytest.mark.parametrize("name", SIZES)


@functools.cache
def model_of(name: str) -> Classifier:
    """Build a family once; tests that change it take a copy."""
    torch.manual_seed(0)
    backbone = create_backbone(name, pretrained=False, image_size=SIZES[name])
    return build_model(backbone, "linear", len(CLASSES)).eval()


def pictures(name: str, *, channels: int = 3) -> torch.Tensor:
    return torch.rand(2, channels, SIZES[name], SIZES[name], generator=torch.Generator().manual_seed(1))


def test_at_least_fourteen_families_are_covered():
    assert len({name.split("_")[0] for name in SIZES}) >= 14


@families
def test_pooled_vector_is_what_timms_classifier_reads(name):
    model = model_of(name)
    with torch.no_grad():
        pooled = model.forward_features(pictures(name))
    assert pooled.shape == (2, model.backbone.num_features)
    classifier = timm.create_model(name, num_classes=5).get_classifier()
    first = classifier[0] if isinstance(classifier, tuple) else classifier
    linear = getattr(first, "linear", first)
    assert linear.weight.shape[1] == model.backbone.num_features


@families
def test_pyramid_has_the_channels_and_strides_it_states(name):
    backbone = model_of(name).backbone
    with torch.no_grad():
        maps = backbone.forward_pyramid(pictures(name))
    sides = [-(-SIZES[name] // stride) for stride in backbone.strides]
    assert [tuple(each.shape) for each in maps] == [
        (2, channels, side, side) for channels, side in zip(backbone.channels, sides, strict=True)
    ]
    assert list(backbone.strides) == sorted(backbone.strides), "fine to coarse"


@families
def test_groups_hold_every_parameter_once_from_stem_to_head(name):
    model = model_of(name)
    groups = parameter_groups(model)
    members = [parameter for group in groups.values() for parameter in group]
    assert sorted(members) == sorted(parameter for parameter, _ in model.named_parameters())
    stages = [f"stage{number}" for number in range(1, len(groups) - 1)]
    assert list(groups) == ["stem", *stages, "head"]
    assert len(stages) >= 3
    assert all(groups.values())
    assert groups["head"] == ["head.weight", "head.bias"]
    assert next(iter(model.backbone.model.named_parameters()))[0] in {g.split("model.")[1] for g in groups["stem"]}


@families
def test_frozen_groups_are_bit_identical_after_training(name):
    model = copy.deepcopy(model_of(name))
    groups = parameter_groups(model)
    last_stage = list(groups)[-2]
    set_trainable(model, [last_stage, "head"])
    before = {key: value.clone() for key, value in model.state_dict().items()}
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(2):
        model.train()
        optimizer.zero_grad()
        model(pictures(name)).square().sum().backward()
        optimizer.step()
    moving = {*groups[last_stage], *groups["head"]}
    parents = {key.rpartition(".")[0] for key in moving}
    for key, value in model.state_dict().items():
        if key.rpartition(".")[0] not in parents:
            assert torch.equal(value, before[key]), f"{key} changed although it is frozen"
    changed = [key for key in moving if not torch.equal(model.state_dict()[key], before[key])]
    assert len(changed) > len(moving) / 2
    frozen = [key for key, parameter in model.named_parameters() if key not in moving]
    assert all(dict(model.named_parameters())[key].grad is None for key in frozen)


@families
def test_frozen_backbone_gives_in_training_what_it_gives_in_evaluation(name):
    model = copy.deepcopy(model_of(name))
    set_trainable(model, ["head"])
    with torch.no_grad():
        expected = model.eval().forward_features(pictures(name))
        got = model.train().forward_features(pictures(name))
    assert model.training
    assert torch.equal(expected, got)


@families
def test_batchnorm_policy_eval_keeps_all_statistics_but_trains_the_weights(name):
    model = copy.deepcopy(model_of(name))
    norms = {
        key: module for key, module in model.named_modules() if isinstance(module, nn.modules.batchnorm._BatchNorm)
    }
    if not norms:
        return  # nothing to keep: a network of LayerNorm
    groups = set_trainable(model, list(parameter_groups(model)), batchnorm="eval")
    before = {key: value.clone() for key, value in model.state_dict().items()}
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    model.train()
    model(pictures(name)).square().sum().backward()
    optimizer.step()
    after = model.state_dict()
    for key, norm in norms.items():
        assert not norm.training
        assert torch.equal(after[f"{key}.running_mean"], before[f"{key}.running_mean"])
        assert torch.equal(after[f"{key}.num_batches_tracked"], before[f"{key}.num_batches_tracked"])
    assert any(not torch.equal(after[f"{key}.bias"], before[f"{key}.bias"]) for key in norms)
    assert len(groups) == len(parameter_groups(model))


@families
@pytest.mark.parametrize("channels", [1, 5])
def test_grayscale_and_many_channels_are_taken(name, channels):
    backbone = create_backbone(name, pretrained=False, in_chans=channels, image_size=SIZES[name])
    assert backbone.preprocessing.size == (channels, SIZES[name], SIZES[name])
    assert len(backbone.preprocessing.mean) == len(backbone.preprocessing.std) == channels
    with torch.no_grad():
        pooled = backbone.eval().forward_pooled(pictures(name, channels=channels))
    assert pooled.shape == (2, backbone.num_features)


@families
def test_folder_gives_the_same_scores_here_and_in_timm(name, tmp_path):
    model = model_of(name)
    save_model(model, tmp_path, classes=CLASSES, preprocessing=model.backbone.preprocessing)
    again, classes, preprocessing, _ = load_model(tmp_path)
    other = timm.create_model(f"local-dir:{tmp_path}", pretrained=True).eval()
    with torch.no_grad():
        expected = model(pictures(name))
        assert torch.equal(again(pictures(name)), expected)
        assert torch.allclose(other(pictures(name)), expected, atol=1e-5, rtol=1e-5)
    assert classes == CLASSES
    assert preprocessing == model.backbone.preprocessing
    assert again.backbone.weights_id == model.backbone.weights_id
