"""Every head keeps the contract of heads, on a CNN, a ViT and a network with a wider head than features."""

from __future__ import annotations

import pytest
import torch

from vision_ft.errors import ModelError
from vision_ft.models.assemble import build_model
from vision_ft.models.backbone import create_backbone
from vision_ft.models.folder import load_model, save_model
from vision_ft.models.heads import HEADS
from vision_ft.types import ClassSpace

every_head = pytest.mark.parametrize("head", [name for name, spec in HEADS.items() if spec.takes == "pooled"])
three_families = pytest.mark.parametrize("name", ["resnet10t", "vit_tiny_patch16_224", "mobilenetv3_small_050"])


def model_of(name, head, num_classes, **options):
    torch.manual_seed(0)
    return build_model(create_backbone(name, pretrained=False, image_size=64), head, num_classes, **options)


@every_head
@three_families
@pytest.mark.parametrize("num_classes", [1, 2, 7])
def test_logits_have_one_column_a_class(name, head, num_classes):
    model = model_of(name, head, num_classes).eval()
    assert model(torch.rand(3, 3, 64, 64)).shape == (3, num_classes)


@every_head
@three_families
def test_every_parameter_gets_a_gradient(name, head):
    model = model_of(name, head, 4).train()
    loss = torch.nn.functional.cross_entropy(model(torch.rand(4, 3, 64, 64)), torch.tensor([0, 1, 2, 3]))
    loss.backward()
    missing = [key for key, parameter in model.named_parameters() if parameter.grad is None]
    assert missing == []
    assert all(parameter.grad.abs().sum() > 0 for parameter in model.head.parameters())


@every_head
@three_families
@pytest.mark.parametrize("num_classes", [1, 5])
def test_saved_and_loaded_heads_give_equal_logits(name, head, num_classes, tmp_path):
    model = model_of(name, head, num_classes, dropout=0.3).eval()
    classes = ClassSpace(tuple(f"class {number}" for number in range(num_classes)))
    save_model(
        model, tmp_path, classes=classes, preprocessing=model.backbone.preprocessing, extra={"temperature": 1.25}
    )
    again, read, preprocessing, extra = load_model(tmp_path)
    pictures = torch.rand(2, 3, 64, 64)
    with torch.no_grad():
        assert torch.equal(model(pictures), again(pictures))
    assert (read, preprocessing, extra) == (classes, model.backbone.preprocessing, {"temperature": 1.25})
    assert (again.head_name, again.dropout) == (head, 0.3)
    assert not again.training


@every_head
def test_dropout_acts_in_training_only(head):
    model = model_of("resnet10t", head, 4, dropout=0.5)
    pooled = torch.rand(2, model.backbone.num_features)
    torch.nn.init.normal_(next(p for n, p in model.head.named_parameters() if n.endswith("weight") and p.ndim == 2))
    model.eval()
    assert torch.equal(model.forward_head(pooled), model.forward_head(pooled))
    model.train()
    assert not torch.equal(model.forward_head(pooled), model.forward_head(pooled))


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
