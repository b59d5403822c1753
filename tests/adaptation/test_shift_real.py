"""Shift between real cameras on features of a pretrained backbone; skipped where the data is absent."""

from __future__ import annotations

import numpy as np
import pytest
import timm
import torch
from PIL import Image
from safetensors.torch import load_file

from vision_ft.adaptation.shift import DomainSample, matching_transform, measure_shift, pixel_statistics
from vision_ft.data.images.decode import decode

pytestmark = pytest.mark.slow

SIZE = 64


@pytest.fixture(scope="module")
def embed(shared):
    """Pooled ResNet-18 features (N, 512) of images (N, 3, 64, 64) in [0, 1]."""
    model = timm.create_model("resnet18")
    model.load_state_dict(load_file(shared / "weights" / "resnet18.pqf_in1k.safetensors"))
    model.eval()
    mean, std = (torch.tensor(value).view(1, 3, 1, 1) for value in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))

    def run(images):
        with torch.inference_mode():
            features = model.forward_features((torch.from_numpy(images).float() - mean) / std)
            return model.forward_head(features, pre_logits=True).numpy()

    return run


def read(folder, *, start=0, each=12):
    """Images (N, 3, 64, 64) and labels (N,): every second image of each class folder, from `start` on."""
    images, labels = [], []
    for label, name in enumerate(sorted(path for path in folder.iterdir() if path.is_dir())):
        for path in sorted(name.glob("*.jpg"))[start : start + 2 * each : 2]:
            picture = decode(path).convert("RGB").resize((SIZE, SIZE), Image.Resampling.BILINEAR)
            images.append(np.asarray(picture).transpose(2, 0, 1) / 255)
            labels.append(label)
    return np.stack(images), np.array(labels)


def measure(embed, old, new):
    (old_images, old_labels), (new_images, new_labels) = old, new
    before = DomainSample(embed(old_images), pixel_statistics(old_images), old_labels)
    after = DomainSample(embed(new_images), pixel_statistics(new_images), new_labels)
    matched = embed(matching_transform(before.pixels, after.pixels)(new_images))
    names = [f"class {label}" for label in range(10)]
    return measure_shift(before, after, classes=names, matched_features=matched)


def test_shop_pictures_against_a_webcam_are_another_kind_of_picture(shared, embed):
    cameras = shared / "data" / "office_cameras"
    shift = measure(embed, read(cameras / "amazon"), read(cameras / "webcam"))
    assert shift["kind"] == "picture"
    assert "less pure white" in " ".join(shift["sentences"])  # the shop's images have white backgrounds


def test_a_darkened_bluish_half_of_one_parking_camera_looks_like_lighting(shared, embed):
    lot = shared / "data" / "parking_patches" / "pklot_ufpr05"
    old, (images, labels) = read(lot, each=60), read(lot, start=1, each=60)
    tinted = images * np.array([0.45, 0.55, 0.75]).reshape(3, 1, 1)
    assert measure(embed, old, (images, labels))["kind"] == "none"
    shift = measure(embed, old, (tinted, labels))
    assert shift["kind"] == "lighting"
    assert "bluer" in shift["sentence"]
    assert shift["matched_share"] > 0.9
