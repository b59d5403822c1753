"""Pixel statistics by hand computation, and colour matching on shifted images."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from vision_ft.adaptation.pixels import LOOK_NAMES, PIXEL_NAMES, matching_transform, pixel_statistics


def pictures(count=12, *, seed=0, size=16):
    """Smooth random images (count, 3, size, size) between 0.3 and 0.7."""
    coarse = np.random.default_rng(seed).uniform(0.3, 0.7, (count, 3, 4, 4))
    return np.kron(coarse, np.ones((1, 1, size // 4, size // 4)))


def statistic(images, name):
    return pixel_statistics(images)[:, PIXEL_NAMES.index(name)]


def test_a_plain_red_picture_has_its_brightness_warmth_and_saturation_and_nothing_else():
    red = np.zeros((1, 3, 8, 8))
    red[:, 0] = 0.5
    values = dict(zip(PIXEL_NAMES, pixel_statistics(red)[0], strict=True))
    expected = {
        "brightness": 0.1495,
        "contrast": 0,
        "warmth": 0.5,
        "greenness": -0.25,
        "saturation": 0.5,
        "sharpness": 0,
    }
    assert {name: values[name] for name in expected} == pytest.approx(expected)
    assert (values["highlights"], values["shadows"], values["red mean"], values["blue mean"]) == (0, 0, 0.5, 0)


def test_shares_of_white_and_black_count_pixels():
    image = np.full((1, 3, 2, 4), 0.5)
    image[..., 0, 0], image[..., 1, :2] = 1.0, 0.0
    assert statistic(image, "highlights") == pytest.approx(1 / 8)
    assert statistic(image, "shadows") == pytest.approx(2 / 8)


def test_blur_lowers_sharpness_and_flattening_does_not():
    images = np.random.default_rng(0).uniform(0, 1, (4, 3, 16, 16))
    blurred = torch.nn.functional.avg_pool2d(torch.from_numpy(images), 3, 1, 1).numpy()
    sharp = statistic(images, "sharpness")
    assert (statistic(blurred, "sharpness") < 0.7 * sharp).all()
    assert statistic(0.4 + 0.2 * images, "sharpness") == pytest.approx(sharp)


def test_a_tensor_an_array_and_a_grey_picture_give_the_same_numbers():
    images = pictures()
    from_array = pixel_statistics(images)
    assert pixel_statistics(torch.from_numpy(images)).tolist() == from_array.tolist()
    grey = images[:, :1]
    assert pixel_statistics(grey) == pytest.approx(pixel_statistics(np.repeat(grey, 3, axis=1)))
    assert from_array.shape == (12, len(PIXEL_NAMES))
    assert from_array.dtype == np.float64


def test_a_picture_of_two_pixels_has_no_sharpness():
    assert statistic(np.random.default_rng(0).uniform(size=(1, 3, 1, 2)), "sharpness") == 0.0


def test_matching_undoes_another_exposure_and_white_balance():
    old = pictures(seed=0)
    shifted = old * np.array([0.5, 0.6, 0.9]).reshape(3, 1, 1) + 0.05
    match = matching_transform(pixel_statistics(old), pixel_statistics(shifted))
    assert match(shifted) == pytest.approx(old)
    tensor = match(torch.from_numpy(shifted).float())
    assert tensor.dtype == torch.float32
    assert np.abs(tensor.numpy() - old).max() < 1e-6


def test_matching_keeps_pictures_in_range_and_does_not_lift_the_noise_of_flat_ones():
    old, flat = pictures(seed=0), np.full((4, 3, 16, 16), 0.2)
    match = matching_transform(pixel_statistics(old), pixel_statistics(flat))
    assert match(flat).mean(axis=(0, 2, 3)) == pytest.approx(old.mean(axis=(0, 2, 3)))
    extreme = match(np.random.default_rng(1).uniform(0, 1, (2, 3, 8, 8)))
    assert extreme.min() >= 0
    assert extreme.max() <= 1
    faint = 0.5 + (old - 0.5) / 100  # contrast below one grey level
    assert matching_transform(pixel_statistics(old), pixel_statistics(faint))(faint).std() < 0.1 * old.std()


def test_matching_a_grey_camera_to_a_colour_camera_gives_it_the_mean_of_the_channels():
    old, grey = pictures(seed=0), 0.5 * pictures(seed=1)[:, :1]
    matched = matching_transform(pixel_statistics(old), pixel_statistics(grey))(grey)
    assert matched.shape == grey.shape
    assert matched.mean() == pytest.approx(old.mean(), abs=1e-6)


def test_looks_come_first_among_the_columns():
    assert PIXEL_NAMES[: len(LOOK_NAMES)] == LOOK_NAMES
