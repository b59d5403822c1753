"""Augmentation presets: what may happen to a training image, by the name a recipe gives it."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from vision_ft.augment import steps
from vision_ft.augment.geometry import A, EvalGeometry, RandomResizedCrop
from vision_ft.errors import RecipeError, did_you_mean
from vision_ft.plugins.load import load_plugins, loaded_files
from vision_ft.plugins.registry import Registry


@dataclass(frozen=True)
class Crop:
    """The random crop of a preset.

    Attributes:
        scale: smallest and largest share of the image's area.
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
    geometry: Callable[[dict[str, Any]], steps.Transforms] = lambda _border: ()
    tone: Callable[[], steps.Transforms] = tuple
    colour: Callable[[], steps.Transforms] = tuple


BUILT_IN: dict[str, Preset] = {
    "none": Preset("the image as evaluation sees it", None),
    "light": Preset(
        "crops, flips and a little light",
        Crop((0.35, 1.0)),
        steps.flip,
        steps.light_tone,
        steps.light_colour,
    ),
    "medium": Preset(
        "more of light, and some tilt",
        Crop((0.2, 1.0)),
        steps.medium_geometry,
        steps.medium_tone,
        steps.medium_colour,
    ),
    "heavy": Preset(
        "strong crops, colours and holes, for long training",
        Crop((0.1, 1.0)),
        steps.heavy_geometry,
        steps.heavy_tone,
        steps.heavy_colour,
    ),
    "fine-grained": Preset(
        "large crops and true colours, where small marks tell species apart",
        Crop((0.6, 1.0), (0.85, 1.18)),
        steps.fine_geometry,
        steps.fine_tone,
    ),
    "camera": Preset(
        "weather, night, shadow, blur, noise and compression of outdoor cameras",
        Crop((0.5, 1.0), (0.85, 1.18)),
        steps.camera_geometry,
        steps.camera_tone,
        steps.camera_colour,
    ),
}
PRESETS: Registry[Preset] = Registry("preset", key="augment.preset", built_in=BUILT_IN)


def register_preset(  # noqa: PLR0913 - one argument a part of the preset
    name: str,
    *,
    purpose: str,
    crop: tuple[float, float] | None,
    ratio: tuple[float, float] = (3 / 4, 4 / 3),
    geometry: Callable[[dict[str, Any]], steps.Transforms] = lambda _border: (),
    tone: Callable[[], steps.Transforms] = tuple,
    colour: Callable[[], steps.Transforms] = tuple,
) -> None:
    """Make an augmentation preset available as `augment.preset=name`.

    Args:
        name: in recipes.
        purpose: one line for the help and the report.
        crop: smallest and largest share of the area that the random crop takes; None for the geometry of evaluation.
        ratio: smallest and largest width / height of the crop.
        geometry: builds albumentations that move pixels after the crop, given how uncovered corners are filled.
        tone: builds those of light, blur and noise; they run on 1 or 3 channels.
        colour: builds those that need red, green and blue.

    Raises:
        RecipeError: the name is taken.
    """
    window = None if crop is None else Crop(crop, ratio)
    PRESETS.register(name, Preset(purpose, window, geometry, tone, colour))


@dataclass(frozen=True)
class Augmented:
    """An image with its targets after augmentation.

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
    """A preset ready to run; the result depends on the image and the seed only, in whatever process.

    The random state lies in the object during a call: one object per thread.

    Args:
        preset: a key of `PRESETS`.
        size: (h, w) of the result in pixels.
        interpolation: Pillow filter, the one of the backbone's preprocessing.
        crop_pct: share of the resized image that "none" keeps.
        crop_mode: timm's crop mode for "none".

    Attributes:
        geometry_only: leave out everything that changes pixel values, as for images of n channels.
    """

    geometry_only = False

    def __init__(
        self, preset: str, *, size: tuple[int, int], interpolation: str, crop_pct: float, crop_mode: str
    ) -> None:
        self.preset, self.size, self.interpolation = preset, size, interpolation
        self.crop_pct, self.crop_mode = crop_pct, crop_mode
        self._pipelines: dict[tuple[int, bool], Any] = {}

    def __getstate__(self) -> dict[str, Any]:
        # Spawned workers build their own pipelines, and start without the files that this process was given.
        return {**self.__dict__, "_pipelines": {}, "plugins": loaded_files()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        load_plugins(state.pop("plugins"))
        self.__dict__.update(state)

    def __call__(self, image: np.ndarray, seed: int) -> np.ndarray:
        """Augment an image (H, W, C) uint8 to (h, w, C) uint8."""
        return self._finish(self._seeded(image.shape[2], seed, boxes=False)(image=image)["image"], image.shape[2])

    def with_targets(
        self, image: np.ndarray, seed: int, *, mask: np.ndarray | None = None, boxes: np.ndarray | None = None
    ) -> Augmented:
        """Augment an image together with its mask (H, W) and boxes (N, 4) x1 y1 x2 y2 in pixels."""
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
        pipeline = [first, *preset.geometry(steps.GREY if boxes else steps.MIRROR)]
        if channels == 3 and not self.geometry_only:
            pipeline += preset.colour()
        if channels in (1, 3) and not self.geometry_only:
            pipeline += preset.tone()
        # A box less than a tenth visible no longer shows its object.
        params = A.BboxParams(format="pascal_voc", label_fields=["box_numbers"], clip=True, min_visibility=0.1)
        return A.Compose(pipeline, bbox_params=params if boxes else None)

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
    """Build a preset for images of any size with 1, 3 or n channels; n channels are moved but not recoloured.

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
