"""Augmentation presets: what may happen to a training picture, by the name a recipe gives it."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from vision_ft.augment.geometry import A, EvalGeometry, RandomResizedCrop
from vision_ft.augment.weather import Fog
from vision_ft.errors import RecipeError, did_you_mean

Transforms = Sequence[Any]
# Corners that a rotation uncovers mirror the picture: a black wedge would be a cue that evaluation never shows.
MIRROR: dict[str, Any] = {"border_mode": cv2.BORDER_REFLECT_101}
# With boxes they are grey: a mirrored object would have no box of its own.
GREY: dict[str, Any] = {"border_mode": cv2.BORDER_CONSTANT, "fill": 114}


@dataclass(frozen=True)
class Crop:
    """The random crop of a preset.

    Attributes:
        scale: smallest and largest share of the picture's area.
        ratio: smallest and largest width / height.
    """

    scale: tuple[float, float]
    ratio: tuple[float, float] = (3 / 4, 4 / 3)


@dataclass(frozen=True)
class Preset:
    """A preset as the registry holds it.

    Attributes:
        purpose: one line for the help and the report.
        crop: the random crop; None for the geometry of evaluation.
        geometry: builds what moves pixels after the crop, given how uncovered corners are filled; runs on any number of
            channels.
        tone: builds light, blur and noise; runs on 1 or 3 channels.
        colour: builds what needs red, green and blue, such as hue and weather; runs on 3 channels.
    """

    purpose: str
    crop: Crop | None
    geometry: Callable[[dict[str, Any]], Transforms] = lambda _border: ()
    tone: Callable[[], Transforms] = tuple
    colour: Callable[[], Transforms] = tuple


def _jitter(light: float, *, saturation: float = 0.0, hue: float = 0.0, p: float) -> Any:
    """Multiply light, contrast and saturation as torchvision does; adding to the values would end in black."""
    return A.ColorJitter(
        (1 - light, 1 + light), (1 - light, 1 + light), (1 - saturation, 1 + saturation), (-hue, hue), p=p
    )


def _flip(_border: dict[str, Any]) -> Transforms:
    return [A.HorizontalFlip(p=0.5)]


def _light_tone() -> Transforms:
    return [_jitter(0.15, p=0.5)]


def _light_colour() -> Transforms:
    return [_jitter(0.0, saturation=0.15, p=0.3)]


def _medium_geometry(border: dict[str, Any]) -> Transforms:
    return [*_flip(border), A.Affine(rotate=(-15, 15), **border, p=0.3)]


def _medium_tone() -> Transforms:
    return [
        _jitter(0.3, p=0.6),
        A.GaussianBlur(sigma_limit=(0.3, 1.0), p=0.1),
        A.GaussNoise(std_range=(0.01, 0.04), p=0.1),
    ]


def _medium_colour() -> Transforms:
    return [_jitter(0.0, saturation=0.3, hue=0.02, p=0.4)]


def _heavy_geometry(border: dict[str, Any]) -> Transforms:
    return [
        *_flip(border),
        A.Affine(rotate=(-30, 30), shear=(-8, 8), scale=(0.9, 1.1), **border, p=0.5),
        A.Perspective(scale=(0.02, 0.08), **border, p=0.2),
    ]


def _heavy_tone() -> Transforms:
    return [
        _jitter(0.4, p=0.7),
        A.RandomGamma((70, 140), p=0.2),
        A.OneOf([A.GaussianBlur(sigma_limit=(0.3, 1.6)), A.MotionBlur((3, 5))], p=0.2),
        A.GaussNoise(std_range=(0.02, 0.08), p=0.15),
        A.ImageCompression(quality_range=(40, 95), p=0.2),
        A.CoarseDropout((1, 3), (0.08, 0.2), (0.08, 0.2), fill=128, p=0.3),
    ]


def _heavy_colour() -> Transforms:
    return [_jitter(0.0, saturation=0.4, hue=0.05, p=0.6), A.ToGray(p=0.1)]


def _fine_geometry(border: dict[str, Any]) -> Transforms:
    return [*_flip(border), A.Affine(rotate=(-10, 10), **border, p=0.3)]


def _fine_tone() -> Transforms:
    return [_jitter(0.1, p=0.5)]


def _camera_geometry(border: dict[str, Any]) -> Transforms:
    return [
        *_flip(border),
        A.Perspective(scale=(0.02, 0.06), **border, p=0.3),
        A.Affine(rotate=(-5, 5), **border, p=0.2),
    ]


def _camera_tone() -> Transforms:
    return [
        A.OneOf([_jitter(0.4, p=1), A.RandomGamma((60, 170))], p=0.5),
        A.OneOf([A.GaussianBlur(sigma_limit=(0.4, 1.8)), A.MotionBlur((3, 7))], p=0.25),
        A.GaussNoise(std_range=(0.02, 0.07), p=0.2),
        A.ImageCompression(quality_range=(25, 90), p=0.4),
    ]


def _camera_colour() -> Transforms:
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


PRESETS: dict[str, Preset] = {
    "none": Preset("the picture as evaluation sees it", None),
    "light": Preset("crops, flips and a little light", Crop((0.35, 1.0)), _flip, _light_tone, _light_colour),
    "medium": Preset("more of light, and some tilt", Crop((0.2, 1.0)), _medium_geometry, _medium_tone, _medium_colour),
    "heavy": Preset(
        "strong crops, colours and holes, for long training", Crop((0.1, 1.0)), _heavy_geometry, _heavy_tone,
        _heavy_colour,
    ),
    "fine-grained": Preset(
        "large crops and true colours, where small marks tell species apart", Crop((0.6, 1.0), (0.85, 1.18)),
        _fine_geometry, _fine_tone,
    ),
    "camera": Preset(
        "weather, night, shadow, blur, noise and compression of outdoor cameras", Crop((0.5, 1.0), (0.85, 1.18)),
        _camera_geometry, _camera_tone, _camera_colour,
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Augmented:
    """A picture with its targets after augmentation.

    Attributes:
        image: (h, w, C) uint8.
        mask: (h, w), or None.
        boxes: (M, 4) float32, x1 y1 x2 y2 in pixels of `image`, cut at its border.
        kept: (M,) position of each remaining box among the given ones.
    """

    image: np.ndarray
    mask: np.ndarray | None
    boxes: np.ndarray
    kept: np.ndarray


class Augment:
    """A preset ready to run; the result depends on the picture and the seed only, in whatever process.

    Args:
        preset: a key of `PRESETS`.
        size: (h, w) of the result in pixels.
        interpolation: Pillow filter, the one of the backbone's preprocessing.
        crop_pct: share of the resized picture that "none" keeps.
        crop_mode: timm's crop mode for "none".

    Attributes:
        geometry_only: leave out everything that changes pixel values, as for pictures of n channels.
    """

    geometry_only = False

    def __init__(
        self, preset: str, *, size: tuple[int, int], interpolation: str, crop_pct: float, crop_mode: str
    ) -> None:
        self.preset, self.size, self.interpolation = preset, size, interpolation
        self.crop_pct, self.crop_mode = crop_pct, crop_mode
        self._pipelines: dict[tuple[int, bool], Any] = {}

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_pipelines": {}}  # spawned workers build their own

    def __call__(self, image: np.ndarray, seed: int) -> np.ndarray:
        """Augment a picture (H, W, C) uint8 to (h, w, C) uint8."""
        return self._finish(self._seeded(image.shape[2], seed, boxes=False)(image=image)["image"], image.shape[2])

    def with_targets(
        self, image: np.ndarray, seed: int, *, mask: np.ndarray | None = None, boxes: np.ndarray | None = None
    ) -> Augmented:
        """Augment a picture together with its mask (H, W) and boxes (N, 4) x1 y1 x2 y2 in pixels."""
        targets: dict[str, Any] = {} if mask is None else {"mask": mask}
        if boxes is not None:
            targets |= {"bboxes": np.asarray(boxes, np.float32), "box_numbers": np.arange(len(boxes))}
        result = self._seeded(image.shape[2], seed, boxes=boxes is not None)(image=image, **targets)
        return Augmented(
            image=self._finish(result["image"], image.shape[2]),
            mask=result.get("mask"),
            boxes=np.asarray(result.get("bboxes", ()), np.float32).reshape(-1, 4),
            kept=np.asarray(result.get("box_numbers", ()), np.int64),
        )

    def _seeded(self, channels: int, seed: int, *, boxes: bool) -> Any:
        key = (channels, boxes)
        if key not in self._pipelines:
            self._pipelines[key] = self._build(channels, boxes=boxes)
        pipeline = self._pipelines[key]
        # One stream for all steps. Compose.set_random_seed gives every step the same seed, so that a flip and a
        # colour change of equal probability would always happen together.
        pipeline.set_random_state(np.random.Generator(np.random.PCG64(seed)), random.Random(seed))
        return pipeline

    def _build(self, channels: int, *, boxes: bool) -> Any:
        preset = PRESETS[self.preset]
        if preset.crop is None:
            first: Any = EvalGeometry(
                self.size, crop_pct=self.crop_pct, crop_mode=self.crop_mode, filter_name=self.interpolation
            )
        else:
            first = RandomResizedCrop(
                self.size, scale=preset.crop.scale, ratio=preset.crop.ratio, filter_name=self.interpolation
            )
        steps = [first, *preset.geometry(GREY if boxes else MIRROR)]
        if channels == 3 and not self.geometry_only:
            steps += preset.colour()
        if channels in (1, 3) and not self.geometry_only:
            steps += preset.tone()
        # A box less than a tenth visible no longer shows its object.
        params = A.BboxParams(format="pascal_voc", label_fields=["box_numbers"], clip=True, min_visibility=0.1)
        return A.Compose(steps, bbox_params=params if boxes else None)

    def _finish(self, image: np.ndarray, channels: int) -> np.ndarray:
        return np.ascontiguousarray(image.reshape(*self.size, channels))  # some steps drop a single channel's axis


def build_augment(
    preset: str,
    *,
    size: tuple[int, int],
    interpolation: str = "bicubic",
    crop_pct: float = 0.875,
    crop_mode: str = "center",
) -> Augment:
    """Build a preset for pictures of any size with 1, 3 or n channels; n channels are moved but not recoloured.

    Args:
        preset: a key of `PRESETS`.
        size: (h, w) of the result in pixels.
        interpolation: Pillow filter of the backbone's preprocessing.
        crop_pct: of the preprocessing; used by "none".
        crop_mode: of the preprocessing; used by "none".

    Raises:
        RecipeError: no such preset.
    """
    if preset not in PRESETS:
        raise RecipeError(f"augment: got {preset!r}; allowed are {list(PRESETS)}.{did_you_mean(preset, PRESETS)}")
    return Augment(preset, size=size, interpolation=interpolation, crop_pct=crop_pct, crop_mode=crop_mode)
