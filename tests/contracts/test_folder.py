"""A linear model's folder is a timm and a transformers checkpoint: equal scores, equal preprocessing."""

from __future__ import annotations

import json
import warnings

import numpy as np
import pytest
import timm
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from vision_ft.errors import DataError, ModelError
from vision_ft.models.assemble import build_model
from vision_ft.models.backbone import create_backbone
from vision_ft.models.folder import load_model, save_model
from vision_ft.models.preprocessing import build_eval_transform
from vision_ft.types import ClassSpace

CLASSES = ClassSpace(("common tern", "<b>gull</b>", "Möwe"))
CASES = {
    "cnn": ("resnet10t", {"image_size": 64}),
    "same padding, one channel": (
        "mobilenetv2_035",
        {"image_size": 96, "in_chans": 1, "model_args": {"pad_type": "same"}, "overrides": {"mean": 0.5, "std": 0.5}},
    ),
    "position embeddings of another size": ("vit_tiny_patch16_224", {"image_size": 64}),
    "averaged tokens": ("vit_tiny_patch16_224", {"image_size": 48, "model_args": {"global_pool": "avg"}}),
    "two classifiers": ("deit_tiny_distilled_patch16_224", {"image_size": 48}),
    "normalising classifier": ("levit_128s", {"image_size": 96}),
    "convolution as classifier": ("resnetv2_18", {"image_size": 64}),
    "wide head": ("mobilenetv3_small_050", {"image_size": 64}),
    "window attention": ("swin_tiny_patch4_window7_224", {"image_size": 64}),
    "epsilon of the pretrained variant": ("fbnetc_100", {"image_size": 64}),
    "other crop and filter": (
        "convnext_atto",
        {"image_size": (64, 96), "overrides": {"crop_pct": 0.9, "interpolation": "bilinear"}},
    ),
}
every_case = pytest.mark.parametrize("case", CASES)


def saved(case, folder, *, head="linear"):
    name, options = CASES[case]
    torch.manual_seed(0)
    backbone = create_backbone(name, pretrained=False, **options)
    model = build_model(backbone, head, len(CLASSES)).eval()
    for key, value in model.named_buffers():  # as after training: statistics that are not those of a new network
        if key.endswith("running_var"):
            value.uniform_(0.5, 2.0)
    if head == "linear":
        torch.nn.init.normal_(model.head.weight, std=0.1)
        torch.nn.init.normal_(model.head.bias)
    save_model(model, folder, classes=CLASSES, preprocessing=backbone.preprocessing)
    return model


def picture(channels):
    noise = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)
    return Image.fromarray(noise).resize((160, 120)).convert("RGB" if channels == 3 else "L")


@every_case
def test_timm_gives_the_same_scores_from_the_same_picture(case, tmp_path):
    model = saved(case, tmp_path)
    spec = model.backbone.preprocessing
    other = timm.create_model(f"local-dir:{tmp_path}", pretrained=True).eval()
    config = timm.data.resolve_model_data_config(other)
    assert tuple(config["input_size"]) == spec.size
    assert tuple(config["mean"]) == spec.mean
    assert tuple(config["std"]) == spec.std
    assert (config["crop_pct"], config["crop_mode"]) == (spec.crop_pct, spec.crop_mode)
    assert config["interpolation"] == spec.interpolation
    theirs = timm.data.create_transform(**config, is_training=False)(picture(spec.size[0]))
    ours = build_eval_transform(spec)(picture(spec.size[0]))
    assert torch.equal(theirs, ours)
    with torch.no_grad():
        expected = model(ours[None])
        assert torch.allclose(other(theirs[None]), expected, atol=1e-5, rtol=1e-5)
        assert torch.equal(load_model(tmp_path)[0](ours[None]), expected)
    assert other.pretrained_cfg["label_names"] == list(CLASSES.names)
    assert other.num_classes == len(CLASSES)


@every_case
def test_transformers_gives_the_same_scores_from_the_same_picture(case, tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what transformers warns of at import and load is not ours
        transformers = pytest.importorskip("transformers")
        model = saved(case, tmp_path)
        processor = transformers.AutoImageProcessor.from_pretrained(tmp_path)
        other = transformers.AutoModelForImageClassification.from_pretrained(tmp_path).eval()
        channels = model.backbone.preprocessing.size[0]
        inputs = processor(picture(channels), return_tensors="pt")
    ours = build_eval_transform(model.backbone.preprocessing)(picture(channels))
    assert torch.equal(inputs["pixel_values"][0], ours)
    with torch.no_grad():
        assert torch.allclose(other(**inputs).logits, model(ours[None]), atol=1e-5, rtol=1e-5)
    assert other.config.id2label == dict(enumerate(CLASSES.names))


@every_case
def test_a_folder_is_a_backbone_for_the_next_training(case, tmp_path):
    model = saved(case, tmp_path)
    spec = model.backbone.preprocessing
    again = create_backbone(f"local-dir:{tmp_path}", pretrained=True, in_chans=spec.size[0])
    assert again.preprocessing == spec
    images = torch.rand(1, *spec.size)
    with torch.no_grad():
        assert torch.equal(again.eval().forward_pooled(images), model.forward_features(images))


@pytest.mark.parametrize("head", ["mlp", "cosine"])
def test_other_heads_say_that_timm_cannot_load_them(head, tmp_path):
    model = saved("cnn", tmp_path, head=head)
    config = json.loads((tmp_path / "config.json").read_text("utf-8"))
    assert f"timm and transformers cannot load this folder: its head '{head}'" in config["note"]
    assert config["vision_ft"]["timm_checkpoint"] is False
    with pytest.raises(KeyError):
        timm.create_model(f"local-dir:{tmp_path}", pretrained=True)
    again, classes, _, _ = load_model(tmp_path)
    images = torch.rand(2, 3, 64, 64)
    with torch.no_grad():
        assert torch.equal(again(images), model(images))
        backbone = create_backbone(f"local-dir:{tmp_path}", pretrained=True).eval()
        assert torch.equal(backbone.forward_pooled(images), model.forward_features(images))
    assert classes == CLASSES


def test_a_network_whose_classifier_timm_builds_otherwise_still_saves_and_loads(tmp_path):
    backbone = create_backbone("crossvit_tiny_240", pretrained=False)  # two classifiers on two branches
    model = build_model(backbone, "linear", 3).eval()
    save_model(model, tmp_path, classes=CLASSES, preprocessing=backbone.preprocessing)
    assert "cannot load this folder" in (tmp_path / "config.json").read_text("utf-8")
    images = torch.rand(1, 3, 240, 240)
    with torch.no_grad():
        assert torch.equal(load_model(tmp_path)[0](images), model(images))


def test_a_plain_timm_folder_loads_when_it_names_its_classes(tmp_path):
    network = timm.create_model("resnet10t", num_classes=2).eval()
    config = {"architecture": "resnet10t", "num_classes": 2, "pretrained_cfg": {"input_size": [3, 64, 64]}}
    (tmp_path / "config.json").write_text(json.dumps(config))
    save_file(network.state_dict(), tmp_path / "model.safetensors")
    with pytest.raises(ModelError, match=r'config.json: names no classes. Add the list "label_names"'):
        load_model(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps({**config, "label_names": ["cat", "dog"]}))
    model, classes, _, extra = load_model(tmp_path)
    images = torch.rand(2, 3, 64, 64)
    with torch.no_grad():
        assert torch.allclose(model(images), network(images), atol=1e-6)
    assert classes.names == ("cat", "dog")
    assert extra == {}


def test_classes_in_another_order_are_matched_by_name_or_refused(tmp_path):
    saved("cnn", tmp_path)
    _, classes, _, _ = load_model(tmp_path)
    assert classes.index_of(["Möwe", "common tern"], where="photos") == [2, 0]
    with pytest.raises(DataError, match=r"photos: classes \['heron'\] are unknown to the model, which knows \['common"):
        classes.index_of(["heron", "Möwe"], where="photos")


def test_damaged_folders_are_refused_with_the_file_named(tmp_path):
    saved("cnn", tmp_path)
    weights, config_file = tmp_path / "model.safetensors", tmp_path / "config.json"
    whole, config = weights.read_bytes(), json.loads(config_file.read_text("utf-8"))
    weights.write_bytes(whole[:-10])
    with pytest.raises(ModelError, match=r"model.safetensors: not a whole safetensors file, cut or damaged"):
        load_model(tmp_path)
    weights.write_bytes(whole)
    tensors = load_file(weights)
    save_file({key: value for key, value in tensors.items() if key != "fc.bias"}, weights)
    with pytest.raises(ModelError, match=r"model.safetensors, classifier: .*1 missing: bias"):
        load_model(tmp_path)
    save_file({key: value for key, value in tensors.items() if key != "layer1.0.conv1.weight"}, weights)
    with pytest.raises(
        ModelError, match=r"model.safetensors: the weights do not fit.*1 missing: layer1.0.conv1.weight"
    ):
        load_model(tmp_path)
    weights.write_bytes(whole)
    config_file.write_text(json.dumps({**config, "label_names": ["a", "b"]}))
    with pytest.raises(
        ModelError, match=r"of another shape: bias \(file \(3,\), model \(2,\)\), weight \(file \(3, 512"
    ):
        load_model(tmp_path)
    config_file.write_text(json.dumps({**config, "vision_ft": {**config["vision_ft"], "format_version": 9}}))
    with pytest.raises(
        ModelError, match=r"config.json: format version 9, written by vision-ft .* reads up to 1. Upgrade"
    ):
        load_model(tmp_path)
    config_file.write_text("{")
    with pytest.raises(ModelError, match=r"config.json: cannot be read, cut or damaged"):
        load_model(tmp_path)
    with pytest.raises(ModelError, match=r"nowhere: no config.json in it; give the model folder of a run"):
        load_model(tmp_path / "nowhere")


def test_number_of_classes_must_equal_the_outputs(tmp_path):
    model = build_model(create_backbone("resnet10t", pretrained=False, image_size=32), "linear", 2)
    with pytest.raises(ModelError, match="the model has 2 outputs, but 3 classes were given"):
        save_model(model, tmp_path, classes=CLASSES, preprocessing=model.backbone.preprocessing)


def test_a_failed_save_keeps_the_previous_folder(tmp_path, monkeypatch):
    model = saved("cnn", tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    def full_disk(_tensors, path, metadata=None):
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("vision_ft.models.folder.save_file", full_disk)
    with pytest.raises(OSError, match="No space left"):
        save_model(model, tmp_path, classes=CLASSES, preprocessing=model.backbone.preprocessing)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
