"""Every head keeps the contract of heads, on a CNN, a ViT and a network with a wider head than features."""

from __future__ import annotations

import pytest
import torch

from vision_ft.errors import ModelError
from vision_ft.models.assemble import build_model
from vision_ft.models.backbone import create_backbone
from vision_ft.models.heads import HEADS
from vision_ft.testing.heads import check_dropout, check_gradients, check_head, check_logits, check_round_trip, model_of

every_head = pytest.mark.parametrize("head", [name for name, spec in HEADS.items() if spec.takes == "pooled"])
SMALL = {"fpn": {"width": 32}, "fcos": {"width": 64}, "faster-rcnn": {"width": 32, "hidden": 64}}
three_families = pytest.mark.parametrize("name", ["resnet10t", "vit_tiny_patch16_224", "mobilenetv3_small_050"])


@every_head
@three_families
@pytest.mark.parametrize("num_classes", [1, 2, 7])
def test_logits_have_one_column_a_class(name, head, num_classes):
    check_logits(model_of(name, head, num_classes))


@every_head
@three_families
def test_every_parameter_gets_a_gradient(name, head):
    check_gradients(model_of(name, head, 4))


@every_head
@three_families
@pytest.mark.parametrize("num_classes", [1, 5])
def test_saved_and_loaded_heads_give_equal_logits(name, head, num_classes, tmp_path):
    check_round_trip(model_of(name, head, num_classes, dropout=0.3), tmp_path)


@every_head
def test_dropout_acts_in_training_only(head):
    check_dropout(model_of("resnet10t", head, 4, dropout=0.5))


@pytest.mark.parametrize("head", [name for name, spec in HEADS.items() if spec.takes == "pyramid"])
def test_heads_on_maps_keep_what_an_author_can_check(head):
    check_head(head, backbones=("test_resnet",), head_args=SMALL.get(head))


def test_cosine_head_ignores_the_length_of_the_features():
    head = HEADS["cosine"].build(8, 3, dropout=0.0).eval()
    pooled = torch.rand(2, 8)
    assert torch.allclose(head(pooled), head(pooled * 100), atol=1e-5)
    assert head(pooled).abs().max() <= 10.0 + 1e-4


def test_unknown_head_names_the_nearest():
    backbone = create_backbone("resnet10t", pretrained=False, image_size=32)
    with pytest.raises(ModelError, match=r"head: got 'liner'; allowed are \['linear', 'mlp', 'cosine', .*\"linear\""):
        build_model(backbone, "liner", 3)
    with pytest.raises(ModelError, match="num_classes: got 0"):
        build_model(backbone, "linear", 0)
    with pytest.raises(ModelError, match=r"dropout: got 1.0; it must lie in \[0, 1\)"):
        build_model(backbone, "linear", 2, dropout=1.0)
