"""Groups, freezing and learning-rate scales on small models whose answers can be read off."""

from __future__ import annotations

import copy
import pickle

import pytest
import torch

from vision_ft.errors import ModelError
from vision_ft.models.assemble import build_model
from vision_ft.models.backbone import create_backbone
from vision_ft.models.stages import decay_scales, module_groups, parameter_groups, set_trainable


def model_of(name, **options):
    torch.manual_seed(0)
    return build_model(create_backbone(name, pretrained=False, image_size=64, **options), "mlp", 3, dropout=0.5)


def test_final_norms_and_convolutions_belong_to_the_last_stage():
    vit = parameter_groups(model_of("vit_tiny_patch16_224"))
    assert "backbone.model.norm.weight" in vit["stage12"]
    assert "backbone.model.pos_embed" in vit["stem"]
    mobilenet = parameter_groups(model_of("mobilenetv3_small_050"))
    assert "backbone.model.conv_head.weight" in mobilenet[list(mobilenet)[-2]]
    metaformer = parameter_groups(model_of("poolformer_s12"))
    assert "backbone.model.head.norm.weight" in metaformer["stage4"]


def test_modules_without_parameters_follow_the_part_they_serve():
    model = model_of("vit_tiny_patch16_224", drop_path=0.2, model_args={"pos_drop_rate": 0.1, "proj_drop_rate": 0.1})
    owner = module_groups(model, parameter_groups(model))
    assert owner["backbone.model.pos_drop"] == {"stem"}
    assert owner["backbone.model.blocks.3.drop_path1"] == {"stage4"}
    assert owner["backbone.model.blocks.3.attn.proj_drop"] == {"stage4"}
    assert owner["head.dropout"] == {"head"}
    assert owner["backbone.model.blocks"] == {f"stage{number}" for number in range(1, 13)}


def test_dropout_of_frozen_groups_is_off_and_of_training_groups_on():
    model = model_of("vit_tiny_patch16_224", drop_path=0.2, model_args={"pos_drop_rate": 0.1})
    set_trainable(model, ["stage12", "head"])
    model.train()
    network = model.backbone.model
    assert not network.pos_drop.training
    assert not network.blocks[10].drop_path1.training
    assert network.blocks[11].drop_path1.training
    assert model.head.dropout.training
    set_trainable(model, list(parameter_groups(model)))
    assert network.pos_drop.training, "a later phase thaws what an earlier one froze"
    assert all(parameter.requires_grad for parameter in model.parameters())


def test_freezing_survives_copies_and_pickles():
    model = model_of("resnet10t")
    set_trainable(model, ["head"])
    for twin in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        twin.train()
        assert not twin.backbone.model.bn1.training
        assert twin.head.dropout.training
        assert model.backbone.model.bn1 not in twin.frozen_modules


def test_eval_turns_everything_off_and_freezing_adds_no_weights():
    model = model_of("resnet10t")
    names = list(model.state_dict())
    set_trainable(model, ["head"])
    model.eval()
    assert not any(module.training for module in model.modules())
    assert list(model.state_dict()) == names


def test_a_frozen_prefix_records_no_graph():
    model = model_of("resnet10t")
    set_trainable(model, ["head"])
    assert not model.train().forward_features(torch.rand(1, 3, 64, 64)).requires_grad


def test_an_unknown_group_is_refused_with_the_groups_there_are():
    with pytest.raises(ModelError, match=r"unknown parameter groups \['stage9'\]; this model has \['stem', 'stage1'"):
        set_trainable(model_of("resnet10t"), ["stage9"])


def test_scales_fall_from_the_head_to_the_stem():
    assert decay_scales(["stem", "stage1", "head"], 0.5) == {"stem": 0.25, "stage1": 0.5, "head": 1.0}
    assert list(decay_scales(["stem", "stage1", "head"], 0.5)) == ["stem", "stage1", "head"]
