"""The steps of each preset: geometry, tone (light, blur, noise) and colour (hue, weather)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2

from vision_ft.augment.geometry import A
from vision_ft.augment.weather import Fog

Transforms = Sequence[Any]
# Corners that a rotation uncovers mirror the image: a black wedge would be a cue that evaluation never shows.
MIRROR: dict[str, Any] = {"border_mode": cv2.BORDER_REFLECT_101}
# With boxes they are grey: a mirrored object would have no box of its own.
GREY: dict[str, Any] = {"border_mode": cv2.BORDER_CONSTANT, "fill": 114}


def _jitter(light: float, *, saturation: float = 0.0, hue: float = 0.0, p: float) -> Any:
    """Multiply light, contrast and saturation as torchvision does; adding to the values would end in black."""
    return A.ColorJitter(
        (1 - light, 1 + light), (1 - light, 1 + light), (1 - saturation, 1 + saturation), (-hue, hue), p=p
    )


def flip(_border: dict[str, Any]) -> Transforms:
    """Mirror left and right."""
    return [A.HorizontalFlip(p=0.5)]


def light_tone() -> Transforms:
    """A little brighter or darker."""
    return [_jitter(0.15, p=0.5)]


def light_colour() -> Transforms:
    """A little more or less saturated."""
    return [_jitter(0.0, saturation=0.15, p=0.3)]


def medium_geometry(border: dict[str, Any]) -> Transforms:
    """Flips, and the tilt of a hand-held camera."""
    return [*flip(border), A.Affine(rotate=(-15, 15), **border, p=0.3)]


def medium_tone() -> Transforms:
    """Other light, slight blur and noise."""
    return [
        _jitter(0.3, p=0.6),
        A.GaussianBlur(sigma_limit=(0.3, 1.0), p=0.1),
        A.GaussNoise(std_range=(0.01, 0.04), p=0.1),
    ]


def medium_colour() -> Transforms:
    """Other saturation, and a hint of hue."""
    return [_jitter(0.0, saturation=0.3, hue=0.02, p=0.4)]


def heavy_geometry(border: dict[str, Any]) -> Transforms:
    """Flips, tilt, shear and perspective."""
    return [
        *flip(border),
        A.Affine(rotate=(-30, 30), shear=(-8, 8), scale=(0.9, 1.1), **border, p=0.5),
        A.Perspective(scale=(0.02, 0.08), **border, p=0.2),
    ]


def heavy_tone() -> Transforms:
    """Strong light, blur, noise, compression and holes."""
    return [
        _jitter(0.4, p=0.7),
        A.RandomGamma((70, 140), p=0.2),
        A.OneOf([A.GaussianBlur(sigma_limit=(0.3, 1.6)), A.MotionBlur((3, 5))], p=0.2),
        A.GaussNoise(std_range=(0.02, 0.08), p=0.15),
        A.ImageCompression(quality_range=(40, 95), p=0.2),
        A.CoarseDropout((1, 3), (0.08, 0.2), (0.08, 0.2), fill=128, p=0.3),
    ]


def heavy_colour() -> Transforms:
    """Strong saturation and hue, sometimes grey."""
    return [_jitter(0.0, saturation=0.4, hue=0.05, p=0.6), A.ToGray(p=0.1)]


def fine_geometry(border: dict[str, Any]) -> Transforms:
    """Flips and a slight tilt."""
    return [*flip(border), A.Affine(rotate=(-10, 10), **border, p=0.3)]


def fine_tone() -> Transforms:
    """Hardly any change of light: plumage and petals keep their shade."""
    return [_jitter(0.1, p=0.5)]


def camera_geometry(border: dict[str, Any]) -> Transforms:
    """Flips, and the view of a camera mounted elsewhere."""
    return [
        *flip(border),
        A.Perspective(scale=(0.02, 0.06), **border, p=0.3),
        A.Affine(rotate=(-5, 5), **border, p=0.2),
    ]


def camera_tone() -> Transforms:
    """Exposure, focus, motion, sensor noise and compression."""
    return [
        A.OneOf([_jitter(0.4, p=1), A.RandomGamma((60, 170))], p=0.5),
        A.OneOf([A.GaussianBlur(sigma_limit=(0.4, 1.8)), A.MotionBlur((3, 7))], p=0.25),
        A.GaussNoise(std_range=(0.02, 0.07), p=0.2),
        A.ImageCompression(quality_range=(25, 90), p=0.4),
    ]


def camera_colour() -> Transforms:
    """White balance, shadow, weather and night."""
    weather = [
        A.RandomRain(drop_length=8, blur_value=3, brightness_coefficient=0.85, rain_type="default"),
        Fog((0.2, 0.65)),
        A.RandomSnow(snow_point_range=(0.1, 0.3), brightness_coeff=1.5, method="texture"),
    ]
    # A lamp-lit night: a third to a half of the light, and the noise that the camera's gain brings.
    dark = A.MultiplicativeNoise(multiplier=(0.3, 0.6), per_channel=False, elementwise=False, p=1)
    night = [dark, A.GaussNoise(std_range=(0.02, 0.06), p=1)]
    return [
        # Lamps and dusk shift the white balance along the black-body curve; in kelvin, noon is about 6500.
        A.PlanckianJitter(temperature_limit=(4500, 9500), p=0.15),
        A.RandomShadow(
            shadow_roi=(0, 0, 1, 1), num_shadows_limit=(1, 1), shadow_dimension=4, shadow_intensity_range=(0.25, 0.5),
            p=0.25,
        ),
        A.OneOf(weather, p=0.2),
        A.Sequential(night, p=0.1),
    ]  # fmt: skip
