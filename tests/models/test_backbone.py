"""Backbones: names, weights from files, sizes, arguments; and what the messages say when something is wrong."""

from __future__ import annotations

import pytest
import timm
import torch
from safetensors.torch import save_file

from vision_ft.errors import ModelError
from vision_ft.models.backbone import create_backbone


@pytest.fixture
def resnet_file(tmp_path):
    torch.manual_seed(0)
    network = timm.create_model("resnet10t", num_classes=11)
    save_file(network.state_dict(), tmp_path / "resnet.safetensors")
    torch.save(network.state_dict(), tmp_path / "resnet.pth")
    torch.save({"state_dict": {f"module.{k}": v for k, v in network.state_dict().items()}}, tmp_path / "wrapped.pt")
    return tmp_path, network.eval()


@pytest.mark.parametrize("name", ["resnet.safetensors", "resnet.pth", "wrapped.pt"])
def test_a_file_with_any_number_of_classes_gives_its_backbone(resnet_file, name):
    folder, network = resnet_file
    backbone = create_backbone("resnet10t", pretrained=folder / name).eval()
    images = torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        expected = network.forward_head(network.forward_features(images), pre_logits=True)
        assert torch.equal(backbone.forward_pooled(images), expected)
    assert "state_dict" not in backbone.model.pretrained_cfg


def test_a_file_without_classifier_gives_its_backbone(resnet_file):
    folder, network = resnet_file
    rest = {key: value for key, value in network.state_dict().items() if not key.startswith("fc.")}
    save_file(rest, folder / "headless.safetensors")
    backbone = create_backbone("resnet10t", pretrained=folder / "headless.safetensors")
    assert torch.equal(backbone.model.state_dict()["conv1.0.weight"], rest["conv1.0.weight"])


def test_half_precision_files_give_single_precision_networks(resnet_file):
    folder, network = resnet_file
    half = {key: value.half() if value.is_floating_point() else value for key, value in network.state_dict().items()}
    save_file(half, folder / "half.safetensors")
    backbone = create_backbone("resnet10t", pretrained=folder / "half.safetensors")
    assert {parameter.dtype for parameter in backbone.parameters()} == {torch.float32}


def test_first_layer_of_a_colour_file_is_adapted_to_grayscale(resnet_file):
    folder, network = resnet_file
    backbone = create_backbone("resnet10t", pretrained=folder / "resnet.safetensors", in_chans=1)
    colour = network.state_dict()["conv1.0.weight"]
    assert torch.allclose(backbone.model.state_dict()["conv1.0.weight"], colour.sum(1, keepdim=True), atol=1e-6)


def test_position_embeddings_of_a_file_are_resampled(tmp_path):
    network = timm.create_model("vit_tiny_patch16_224", num_classes=5)
    save_file(network.state_dict(), tmp_path / "vit.safetensors")
    backbone = create_backbone("vit_tiny_patch16_224", pretrained=tmp_path / "vit.safetensors", image_size=96)
    assert backbone.model.pos_embed.shape == (1, 6 * 6 + 1, 192)
    assert backbone.preprocessing.size == (3, 96, 96)


def test_weights_of_another_network_list_what_is_missing_and_unexpected(resnet_file):
    folder, _ = resnet_file
    with pytest.raises(ModelError) as caught:
        create_backbone("resnet14t", pretrained=folder / "resnet.safetensors")
    assert str(caught.value).startswith(f"{folder / 'resnet.safetensors'}: the weights do not fit resnet14t; ")
    assert "missing: layer1.0.conv3.weight" in str(caught.value)
    assert "size mismatch for layer1.0.conv1.weight" in str(caught.value)


def test_a_file_with_one_name_missing_lists_it(resnet_file):
    folder, network = resnet_file
    rest = {key: value for key, value in network.state_dict().items() if key != "fc.bias"}
    save_file(rest, folder / "no_bias.safetensors")
    with pytest.raises(ModelError, match=r"no_bias.safetensors: the weights do not fit resnet10t; 1 missing: fc.bias"):
        create_backbone("resnet10t", pretrained=folder / "no_bias.safetensors")


def test_weights_id_follows_the_content_and_what_changes_the_function(resnet_file):
    folder, _ = resnet_file
    first = create_backbone("resnet10t", pretrained=folder / "resnet.safetensors")
    second = create_backbone("resnet10t", pretrained=folder / "resnet.pth")
    assert first.weights_id == second.weights_id
    padded = [
        create_backbone("mobilenetv2_035", pretrained=False, model_args={"pad_type": pad}) for pad in ("", "same")
    ]
    padded[1].load_state_dict(padded[0].state_dict())
    assert padded[0].weights_id != padded[1].weights_id
    with torch.no_grad():
        next(second.parameters()).view(-1)[0] += 1e-3
    assert first.weights_id != second.weights_id


def test_model_args_reach_timm_and_change_the_function():
    torch.manual_seed(0)
    plain = create_backbone("mobilenetv2_035", pretrained=False).eval()
    same = create_backbone("mobilenetv2_035", pretrained=False, model_args={"pad_type": "same"}).eval()
    same.load_state_dict(plain.state_dict())
    images = torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        assert not torch.allclose(plain.forward_pooled(images), same.forward_pooled(images))
    assert same.model_args == {"pad_type": "same", "in_chans": 3}


def test_drop_path_acts_in_training_only():
    backbone = create_backbone("vit_tiny_patch16_224", pretrained=False, image_size=32, drop_path=0.9)
    images = torch.rand(1, 3, 32, 32)
    torch.manual_seed(0)
    with torch.no_grad():
        runs = [backbone.train().forward_pooled(images) for _ in range(6)]
        evaluated = [backbone.eval().forward_pooled(images) for _ in range(2)]
    assert any(not torch.equal(runs[0], run) for run in runs)
    assert torch.equal(*evaluated)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"name": "resnet5O"}, r"^resnet5O: timm has no backbone of this name. Did you mean resnet50 or "),
        ({"name": "resnet50.foo"}, r"^resnet50.foo: resnet50 has no weights tagged 'foo'; its tags are \['a1_in1k'"),
        ({"name": "timm/resnet18.a1_in1k"}, r"written 'hf-hub:timm/resnet18.a1_in1k', a folder 'local-dir:timm/"),
        ({"name": "local-dir:/nowhere"}, r"^local-dir:/nowhere: /nowhere/config.json not found; a timm folder holds"),
        ({"name": "resnet10t", "pretrained": "/nowhere/w.pt"}, r"^/nowhere/w.pt: no such weights file. Give the path"),
        ({"name": "resnet10t", "model_args": {"foo": 1}}, r"^resnet10t: timm cannot build it with .*argument 'foo'"),
        ({"name": "resnet10t", "model_args": {"num_classes": 1}}, r"^model_args: \['num_classes'\] are set by"),
        ({"name": "resnet10t", "image_size": 0}, r"^image_size: got 0; give a side in pixels such as 224"),
        (
            {"name": "vit_tiny_patch16_224", "image_size": 100},
            r"of 100 x 100 pixels; its patches of 16 x 16 pixels do not divide it; "
            r"the nearest sizes it takes are 96 and 112 pixels\.$",
        ),
        (
            {"name": "vit_small_patch14_dinov2", "image_size": (60, 90)},
            r"of 60 x 90 pixels; its patches of 14 x 14 pixels do not divide it; "
            r"the nearest sizes it takes are 56 x 84 and 70 x 98 pixels\.$",
        ),
        ({"name": "mvitv2_tiny", "image_size": (90, 120)}, r"sizes it takes are 96 x 96 and 128 x 128 pixels\.$"),
        ({"name": "maxvit_rmlp_pico_rw_256", "image_size": 100}, r"the nearest sizes it takes are 96 and 128 pixels"),
        ({"name": "resnet10t", "overrides": {"crop": 1}}, r"^preprocessing: unknown keys \['crop'\]; allowed are"),
    ],
)
def test_messages_say_what_is_wrong_and_what_is_allowed(options, message):
    with pytest.raises(ModelError, match=message):
        create_backbone(**{"pretrained": False, **options})


def test_sizes_that_timm_pads_or_takes_freely_are_accepted():
    padded = create_backbone(
        "vit_tiny_patch16_224",
        pretrained=False,
        image_size=100,
        model_args={"dynamic_img_size": True, "dynamic_img_pad": True},
    )
    assert padded.preprocessing.size == (3, 100, 100)
    assert padded.forward_pooled(torch.rand(1, 3, 100, 100)).shape == (1, 192)
    assert create_backbone("resnet10t", pretrained=False, image_size=(50, 71)).preprocessing.size == (3, 50, 71)
    overlapping = create_backbone("pvt_v2_b0", pretrained=False, image_size=(50, 71))  # its 7 x 7 patches are padded
    assert overlapping.forward_pooled(torch.rand(1, 3, 50, 71)).shape == (1, 256)
