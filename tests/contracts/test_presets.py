"""Every preset keeps the contract of augmentation: deterministic, any channels, targets stay on their object."""

from __future__ import annotations

import multiprocessing

import numpy as np
import pytest
from PIL import Image

from vision_ft.augment.presets import PRESETS, build_augment
from vision_ft.errors import RecipeError
from vision_ft.models.preprocessing import build_eval_transform
from vision_ft.testing.presets import SIZE, check_box, check_given, check_mask, check_seed, check_size, picture
from vision_ft.types import Preprocessing

every_preset = pytest.mark.parametrize("preset", PRESETS)


def _augment_elsewhere(job):
    augment, image, seed = job
    return augment(image, seed)


@every_preset
@pytest.mark.parametrize("channels", [1, 2, 3, 5])
def test_result_has_the_size_and_channels_asked_for(preset, channels):
    check_size(preset, channels)


@every_preset
def test_picture_and_seed_alone_decide_the_pixels(preset):
    check_seed(preset)


def test_a_spawned_process_makes_the_same_pixels():
    jobs = [(build_augment(preset, size=SIZE), picture(), seed) for preset in PRESETS for seed in range(6)]
    with multiprocessing.get_context("spawn").Pool(1) as pool:  # importing torch there takes most of the time
        elsewhere = pool.map(_augment_elsewhere, jobs)
    assert all(np.array_equal(_augment_elsewhere(job), other) for job, other in zip(jobs, elsewhere, strict=True))


@every_preset
def test_the_given_picture_is_left_as_it_was(preset):
    check_given(preset)


@pytest.mark.parametrize("preset", ["light", "medium", "heavy", "fine-grained", "camera"])
def test_steps_of_equal_probability_do_not_happen_together(preset):
    """With one seed for all steps, as albumentations' own seeding has it, a flip would fix the other draws too."""
    augment = build_augment(preset, size=(32, 32))
    ramp = np.repeat(np.linspace(0, 200, 96, dtype=np.uint8)[None, :, None], 96, axis=0).repeat(3, axis=2)
    flipped = [bool(result[:, :8].mean() > result[:, -8:].mean()) for result in (augment(ramp, s) for s in range(400))]
    brighter = [augment(np.full((96, 96, 3), 100, np.uint8), s).mean() > 100.5 for s in range(400)]
    assert 0.4 < np.mean(flipped) < 0.6
    assert abs(np.corrcoef(flipped, brighter)[0, 1]) < 0.2


@every_preset
def test_a_flat_object_stays_inside_its_mask(preset):
    check_mask(preset)


@every_preset
def test_a_flat_object_stays_inside_its_box(preset):
    check_box(preset)


def test_boxes_keep_the_number_of_the_given_box():
    augment = build_augment("none", size=(50, 50), crop_pct=1.0)
    boxes = np.array([[0, 0, 20, 100], [40, 40, 60, 60], [90, 0, 100, 100]], np.float32)
    result = augment.with_targets(np.zeros((100, 100, 3), np.uint8), 0, boxes=boxes)
    assert result.kept.tolist() == [0, 1, 2]
    assert np.allclose(result.boxes, boxes / 2)
    assert result.mask is None


@pytest.mark.parametrize("crop_mode", ["center", "squash", "border"])
@pytest.mark.parametrize("size", [(64, 64), (64, 48)])
@pytest.mark.parametrize("mode", ["RGB", "L"])
@pytest.mark.parametrize("shape", [(90, 110), (201, 75)])
def test_none_is_timms_evaluation_pixel_for_pixel(crop_mode, size, mode, shape):
    channels = len(mode) if mode == "RGB" else 1
    image = picture(channels, size=shape)
    spec = Preprocessing((channels, *size), 0.875, crop_mode, "bicubic", (0.0,) * channels, (1.0,) * channels)
    expected = build_eval_transform(spec)(Image.fromarray(image if channels == 3 else image[:, :, 0]))
    augment = build_augment("none", size=size, interpolation="bicubic", crop_pct=0.875, crop_mode=crop_mode)
    got = augment(image, 0).transpose(2, 0, 1)
    assert np.array_equal(got, (expected.numpy() * 255).round().astype(np.uint8))


def test_training_crops_are_resized_with_the_filter_of_evaluation():
    """cv2's own filters differ from Pillow's antialiased one; a crop of the whole image must not."""
    augment = build_augment("light", size=(40, 40), interpolation="bicubic")
    crop = augment._build(3, boxes=False).transforms[0]
    image = picture(size=(100, 100))
    expected = np.asarray(Image.fromarray(image).resize((40, 40), Image.Resampling.BICUBIC))
    assert np.array_equal(crop.apply(image, crop_coords=(0, 0, 100, 100)), expected)


def test_unknown_preset_names_the_nearest():
    with pytest.raises(RecipeError, match=r"augment: got 'lite'; allowed are \['none', 'light'.*\"light\""):
        build_augment("lite", size=SIZE)
