"""Real pretrained weights load, with the preprocessing a user states for them, and recognise birds as birds."""

from __future__ import annotations

import json

import pytest
import timm
import torch
from PIL import Image
from safetensors.torch import load_file

from vision_ft.models.backbone import create_backbone
from vision_ft.models.preprocessing import build_eval_transform

NAMES = {
    "resnet18": "resnet18.pqf_in1k",
    "mobilenetv2_100": "mobilenetv2_100.coral_tf2_ptq_in1k",
    "deit_tiny_patch16_224": "deit_tiny_patch16_224.pipevit_in1k",
}
# The birds of ImageNet-1k: classes 7 (cock) to 24 (great grey owl), 80 to 100, and the water birds 127 to 146.
IMAGENET_BIRDS = {*range(7, 25), *range(80, 101), *range(127, 147)}


@pytest.mark.parametrize("architecture", NAMES)
def test_bird_pictures_are_seen_as_birds(shared, architecture):
    file = shared / "weights" / f"{NAMES[architecture]}.safetensors"
    about = json.loads(file.with_suffix(".json").read_text())
    overrides = {key: about[key] for key in ("mean", "std", "interpolation", "crop_pct")}
    backbone = create_backbone(
        architecture, pretrained=file, model_args=about["create_model_kwargs"], overrides=overrides
    ).eval()
    assert list(backbone.preprocessing.mean) == about["mean"]
    tensors = load_file(file)
    weight, bias = (tensors[f"{about['classifier']}.{part}"].float() for part in ("weight", "bias"))
    transform = build_eval_transform(backbone.preprocessing)
    species = sorted((shared / "data" / "birds_cub20" / "test").iterdir())
    photos = [sorted(folder.glob("*.jpg"))[0] for folder in species]
    with torch.no_grad():
        images = torch.stack([transform(Image.open(photo).convert("RGB")) for photo in photos])
        logits = backbone.forward_pooled(images) @ weight.T + bias
        network = timm.create_model(architecture, **about["create_model_kwargs"]).eval()
        network.load_state_dict({key: value.float() for key, value in tensors.items()})
        assert torch.allclose(network(images), logits, atol=1e-4)
    birds = sum(int(label) in IMAGENET_BIRDS for label in logits.argmax(1))
    assert birds >= 0.8 * len(photos), f"{birds} of {len(photos)} photos were seen as birds"
