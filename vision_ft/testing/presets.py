"""What every preset keeps: size and channels, the same pixels for the same seed, masks and boxes on their object."""

from __future__ import annotations

import pickle

import numpy as np
from PIL import Image

from vision_ft.augment.presets import PRESETS, build_augment

SIZE = (64, 48)
SLACK_PX = 3  # crop, tilt and perspective each take the nearest mask pixel, and each may be off by one


def check_preset(name: str, *, seeds: int = 60) -> None:
    """Check a registered augmentation preset.

    Args:
        name: in the registry.
        seeds: how often each step may act; a rare step needs many.

    Raises:
        AssertionError: it does not keep the contract of presets.
    """
    for channels in (1, 2, 3, 5):
        check_size(name, channels, seeds=min(seeds, 20))
    check_seed(name, seeds=seeds)
    check_given(name, seeds=min(seeds, 10))
    check_mask(name, seeds=seeds)
    check_box(name, seeds=seeds)


def picture(channels: int = 3, seed: int = 0, size: tuple[int, int] = (90, 110)) -> np.ndarray:
    """Draw soft noise: neighbouring pixels are alike, as in a photograph."""
    coarse = np.random.default_rng(seed).integers(0, 256, (12, 14, channels), dtype=np.uint8)
    planes = [Image.fromarray(coarse[:, :, c]).resize(size[::-1], Image.Resampling.BICUBIC) for c in range(channels)]
    return np.stack([np.asarray(plane) for plane in planes], axis=2)


def check_size(name: str, channels: int, *, seeds: int = 20) -> None:
    """The result has the size and the channels asked for."""
    augment = build_augment(name, size=SIZE)
    for seed in range(seeds):
        result = augment(picture(channels), seed)
        assert result.shape == (*SIZE, channels), f"{name}, seed {seed}: {result.shape} in place of {(*SIZE, channels)}"
        assert result.dtype == np.uint8, f"{name}, seed {seed}: {result.dtype} in place of uint8"
        assert result.flags.c_contiguous


def check_seed(name: str, *, seeds: int = 60) -> None:
    """Image and seed alone decide the pixels, in whatever order and process."""
    first, second = build_augment(name, size=SIZE), pickle.loads(pickle.dumps(build_augment(name, size=SIZE)))  # noqa: S301
    forwards = {seed: first(picture(), seed) for seed in range(seeds)}
    np.random.default_rng(3).random(5)
    for seed in reversed(range(seeds)):
        same = np.array_equal(forwards[seed], second(picture(), seed))
        assert same, f"{name}, seed {seed}: two calls differ; draw from the transform's own random state only"
    if PRESETS[name].crop is not None:
        different = len({one.tobytes() for one in forwards.values()})
        assert different == seeds, f"{name}: {seeds} seeds give {different} different images"


def check_given(name: str, *, seeds: int = 10) -> None:
    """The given image is left as it was."""
    image = picture()
    before = image.copy()
    augment = build_augment(name, size=SIZE)
    for seed in range(seeds):
        augment(image, seed)
    assert np.array_equal(image, before), f"{name} changes the image that it is given"


def check_mask(name: str, *, seeds: int = 60) -> None:
    """A flat object stays inside its mask, and its mask on it."""
    augment = build_augment(name, size=(96, 96))
    augment.geometry_only = True
    image = np.zeros((120, 160, 3), np.uint8)
    image[40:80, 60:110] = 255
    for seed in range(seeds):
        result = augment.with_targets(image, seed, mask=(image[:, :, 0] > 0).astype(np.uint8))
        assert result.mask is not None, f"{name}: the mask is gone"
        bright = result.image[:, :, 0] > 127
        assert not (bright & ~_grow(result.mask > 0, SLACK_PX)).any(), f"{name}, seed {seed}: the object left its mask"
        assert not (_shrink(result.mask > 0, SLACK_PX) & ~bright).any(), (
            f"{name}, seed {seed}: the mask left its object"
        )
        assert set(np.unique(result.mask)) <= {0, 1}, f"{name}, seed {seed}: the mask's values were mixed"


def check_box(name: str, *, seeds: int = 60) -> None:
    """A flat object stays inside its box."""
    augment = build_augment(name, size=(96, 96))
    augment.geometry_only = True
    image = np.zeros((120, 160, 3), np.uint8)
    image[40:80, 60:110] = 255
    seen = 0
    for seed in range(seeds):
        result = augment.with_targets(image, seed, boxes=np.array([[60, 40, 110, 80]], np.float32))
        bright = result.image[:, :, 0] > 127
        if len(result.boxes) == 0:
            assert bright.mean() < 0.1, f"{name}, seed {seed}: the box is gone, the object is not"
            continue
        seen += 1
        inside = np.zeros_like(bright)
        for x1, y1, x2, y2 in result.boxes:
            inside[max(int(y1) - 2, 0) : int(np.ceil(y2)) + 2, max(int(x1) - 2, 0) : int(np.ceil(x2)) + 2] = True
        assert not (bright & ~inside).any(), f"{name}, seed {seed}: the object left its box"
        assert set(result.kept) == {0}
    assert seen > seeds // 3, f"{name}: the box survived in {seen} of {seeds} images"


def _grow(mask: np.ndarray, pixels: int) -> np.ndarray:
    padded = np.pad(mask, pixels)
    height, width = mask.shape
    shifts = range(2 * pixels + 1)
    grown: np.ndarray = np.any([padded[y : y + height, x : x + width] for y in shifts for x in shifts], axis=0)
    return grown


def _shrink(mask: np.ndarray, pixels: int) -> np.ndarray:
    return ~_grow(np.pad(~mask, pixels, constant_values=True), pixels)[pixels:-pixels, pixels:-pixels]
