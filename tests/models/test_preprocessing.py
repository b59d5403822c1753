"""Preprocessing is resolved once, survives the folder, and is timm's own."""

from __future__ import annotations

import json

import numpy as np
import pytest
import timm
import torch
from PIL import Image

from vision_ft.errors import ModelError
from vision_ft.models import preprocessing
from vision_ft.types import Preprocessing

CFG = {
    "input_size": (3, 224, 224),
    "crop_pct": 0.95,
    "interpolation": "bicubic",
    "mean": (0.4, 0.5, 0.6),
    "std": (0.2,) * 3,
}


def test_values_come_from_timm_unless_they_are_given():
    spec = preprocessing.resolve(CFG, image_size=(96, 64), overrides={"interpolation": "bilinear", "mean": None})
    assert spec == Preprocessing((3, 96, 64), 0.95, "center", "bilinear", (0.4, 0.5, 0.6), (0.2, 0.2, 0.2))


def test_means_of_other_channel_counts_are_averaged_as_timm_does():
    spec = preprocessing.resolve(CFG, in_chans=1)
    assert spec.mean == pytest.approx((0.5,))
    assert preprocessing.resolve(CFG, in_chans=2, overrides={"std": 0.3}).std == (0.3, 0.3)


def test_transform_is_timms_own_for_the_resolved_values():
    network = timm.create_model("mobilenetv3_small_050")
    config = timm.data.resolve_model_data_config(network)
    theirs = timm.data.create_transform(**config, is_training=False)
    ours = preprocessing.build_eval_transform(preprocessing.resolve(network.pretrained_cfg))
    noise = np.random.default_rng(0).integers(0, 256, (300, 260, 3), dtype=np.uint8)
    assert torch.equal(ours(Image.fromarray(noise)), theirs(Image.fromarray(noise)))


def test_one_channel_pictures_become_one_channel_tensors():
    spec = preprocessing.resolve(CFG, in_chans=1, image_size=32)
    tensor = preprocessing.build_eval_transform(spec)(Image.new("L", (50, 40), 128))
    assert tensor.shape == (1, 32, 32)
    assert torch.allclose(tensor, torch.full((1, 32, 32), (128 / 255 - 0.5) / 0.2), atol=1e-6)


def test_written_and_read_values_are_equal():
    spec = preprocessing.resolve(CFG, image_size=96)
    assert preprocessing.from_dict(json.loads(json.dumps(preprocessing.to_dict(spec)))) == spec
    with pytest.raises(
        ModelError, match=r"preprocessing: value missing or of the wrong kind \(KeyError\('crop_pct'\)\)"
    ):
        preprocessing.from_dict({"input_size": [3, 1, 1]})


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"interpolation": "cubic"}, r"interpolation: got 'cubic'; allowed are \['bicubic', 'bilinear'"),
        ({"crop_pct": 1.5}, r"crop_pct: got 1.5; it must lie in \(0, 1\]"),
        ({"crop_mode": "top"}, r"crop_mode: got 'top'; allowed are \['center', 'squash', 'border'\]"),
        ({"mean": [0.1, 0.2]}, r"mean: got 2 values for 3 channels; give 1 or 3"),
        ({"std": [0.1, 0.0, 0.1]}, r"std: got \(0.1, 0.0, 0.1\); every value must be above 0"),
    ],
)
def test_impossible_values_are_refused(overrides, message):
    with pytest.raises(ModelError, match=message):
        preprocessing.resolve(CFG, overrides=overrides)
