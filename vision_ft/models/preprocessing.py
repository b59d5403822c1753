"""How an image becomes the tensor a backbone expects: resolved once, saved with the weights, used everywhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from PIL import Image
from timm.data import create_transform
from timm.data.constants import DEFAULT_CROP_MODE, DEFAULT_CROP_PCT, IMAGENET_DEFAULT_MEAN, IMAGENET_DEFAULT_STD
from torch import Tensor

from vision_ft.errors import ModelError
from vision_ft.types import Preprocessing

INTERPOLATIONS = ("bicubic", "bilinear", "lanczos", "nearest")
CROP_MODES = ("center", "squash", "border")
OVERRIDES = ("mean", "std", "interpolation", "crop_pct", "crop_mode")


def resolve(
    backbone_cfg: Mapping[str, Any],
    *,
    in_chans: int = 3,
    image_size: int | tuple[int, int] | None = None,
    overrides: Mapping[str, Any] | None = None,
) -> Preprocessing:
    """Settle every value of the preprocessing from timm's `pretrained_cfg` and the user's own values.

    Args:
        backbone_cfg: timm's `pretrained_cfg`.
        in_chans: channels C of the images; mean and std of another number of channels are averaged, as timm does.
        image_size: side, or (H, W), in pixels; None keeps the size the backbone was trained at.
        overrides: any of `mean`, `std`, `interpolation`, `crop_pct`, `crop_mode`; None values are ignored.

    Raises:
        ModelError: an override has an unknown name or an impossible value.
    """
    given = {key: value for key, value in (overrides or {}).items() if value is not None}
    unknown = sorted(set(given) - set(OVERRIDES))
    if unknown:
        raise ModelError(f"preprocessing: unknown keys {unknown}; allowed are {list(OVERRIDES)}.")
    cfg = {**backbone_cfg, **given}
    height, width = as_size(image_size) if image_size is not None else tuple(cfg.get("input_size", (3, 224, 224)))[1:]
    return _checked(
        Preprocessing(
            size=(in_chans, height, width),
            crop_pct=float(cfg.get("crop_pct") or DEFAULT_CROP_PCT),
            crop_mode=str(cfg.get("crop_mode") or DEFAULT_CROP_MODE),
            interpolation=str(cfg.get("interpolation") or "bicubic"),
            mean=_per_channel(cfg.get("mean") or IMAGENET_DEFAULT_MEAN, in_chans, name="mean", strict="mean" in given),
            std=_per_channel(cfg.get("std") or IMAGENET_DEFAULT_STD, in_chans, name="std", strict="std" in given),
        )
    )


def as_size(image_size: int | Sequence[int]) -> tuple[int, int]:
    """Return (H, W) of a side or a pair.

    Raises:
        ModelError: not one or two positive whole numbers.
    """
    pair = (image_size, image_size) if isinstance(image_size, int) else tuple(image_size)
    if len(pair) != 2 or any(not isinstance(side, int) or side < 1 for side in pair):
        raise ModelError(f"image_size: got {image_size}; give a side in pixels such as 224, or (height, width).")
    return pair[0], pair[1]


def build_eval_transform(preprocessing: Preprocessing) -> Callable[[Image.Image], Tensor]:
    """Build timm's own evaluation transform: PIL image ("RGB", or "L" for one channel) -> (C, H, W) float32."""
    transform: Callable[[Image.Image], Tensor] = create_transform(
        input_size=preprocessing.size,
        is_training=False,
        interpolation=preprocessing.interpolation,
        mean=preprocessing.mean,
        std=preprocessing.std,
        crop_pct=preprocessing.crop_pct,
        crop_mode=preprocessing.crop_mode,
    )
    return transform


def to_dict(preprocessing: Preprocessing) -> dict[str, Any]:
    """Return JSON-ready values under the names of timm's `pretrained_cfg`."""
    values = {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(preprocessing).items()}
    return {"input_size": values.pop("size"), **values}


def from_dict(values: Mapping[str, Any]) -> Preprocessing:
    """Read what `to_dict` wrote.

    Raises:
        ModelError: a value is missing or impossible.
    """
    try:
        channels, height, width = (int(side) for side in values["input_size"])
        return _checked(
            Preprocessing(
                size=(channels, height, width),
                crop_pct=float(values["crop_pct"]),
                crop_mode=str(values["crop_mode"]),
                interpolation=str(values["interpolation"]),
                mean=tuple(float(value) for value in values["mean"]),
                std=tuple(float(value) for value in values["std"]),
            )
        )
    except (KeyError, TypeError, ValueError) as err:
        raise ModelError(f"preprocessing: value missing or of the wrong kind ({err!r}) in {dict(values)}.") from err


def complete(backbone_cfg: Mapping[str, Any]) -> dict[str, Any]:
    """Return timm's `pretrained_cfg` with timm's defaults for what it leaves out, as `from_dict` reads it."""
    channels = int(tuple(backbone_cfg.get("input_size", (3, 224, 224)))[0])
    return to_dict(resolve(backbone_cfg, in_chans=channels))


def _per_channel(values: float | Sequence[float], channels: int, *, name: str, strict: bool) -> tuple[float, ...]:
    numbers = [float(values)] if isinstance(values, (int, float)) else [float(value) for value in values]
    if len(numbers) == channels:
        return tuple(numbers)
    if strict and len(numbers) != 1:
        raise ModelError(f"{name}: got {len(numbers)} values for {channels} channels; give 1 or {channels}.")
    return (sum(numbers) / len(numbers),) * channels


def _checked(preprocessing: Preprocessing) -> Preprocessing:
    if preprocessing.interpolation not in INTERPOLATIONS:
        raise ModelError(f"interpolation: got {preprocessing.interpolation!r}; allowed are {list(INTERPOLATIONS)}.")
    if preprocessing.crop_mode not in CROP_MODES:
        raise ModelError(f"crop_mode: got {preprocessing.crop_mode!r}; allowed are {list(CROP_MODES)}.")
    if not 0 < preprocessing.crop_pct <= 1:
        raise ModelError(f"crop_pct: got {preprocessing.crop_pct}; it must lie in (0, 1].")
    channels = preprocessing.size[0]
    if len(preprocessing.mean) != channels or len(preprocessing.std) != channels or min(preprocessing.size) < 1:
        raise ModelError(f"mean and std need {channels} values each, got {preprocessing.mean} and {preprocessing.std}.")
    if min(preprocessing.std) <= 0:
        raise ModelError(f"std: got {preprocessing.std}; every value must be above 0.")
    return preprocessing
