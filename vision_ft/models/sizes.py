"""Which image sizes a network takes, tried on a copy that has shapes but no memory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import torch
from torch import nn

from vision_ft.errors import ModelError
from vision_ft.models.source import Source, create_timm

COARSE_STEP = 32  # the deepest stride of nearly all networks: multiples of it are the sizes most likely to work
MAX_TRIALS = 24
PATCHES_DO_NOT_DIVIDE = "pixels do not divide it"


def check_size(source: Source, arguments: Mapping[str, Any], size: tuple[int, int]) -> None:
    """Refuse a size that the network cannot take, naming the nearest sizes that it can.

    Args:
        source: the network.
        arguments: of `timm.create_model`; holds `img_size` where the network is built for one size.
        size: (H, W) in pixels.

    Raises:
        ModelError: the network fails on this size although it works on its own.
    """
    reason = _refusal(source, arguments, size)
    if reason is None:
        return
    usual = tuple(source.cfg.get("input_size", (3, 224, 224)))[1:]
    if _refusal(source, {**arguments, "img_size": list(usual)} if "img_size" in arguments else arguments, usual):
        return  # it cannot be tried without memory, so let the real network speak
    nearest = _nearest(source, arguments, size)
    parts = [reason] if PATCHES_DO_NOT_DIVIDE in reason or not nearest else []
    if nearest:
        is_square = size[0] == size[1]
        names = [str(side[0]) if is_square else f"{side[0]} x {side[1]}" for side in nearest]
        parts.append(f"the nearest sizes it takes are {' and '.join(names)} pixels")
    raise ModelError(f"{source.name}: cannot take images of {size[0]} x {size[1]} pixels; {'; '.join(parts)}.")


def _nearest(source: Source, arguments: Mapping[str, Any], size: tuple[int, int]) -> list[tuple[int, int]]:
    """Return the nearest size (H, W) below and above that work, as far as either is found."""
    found = []
    for direction in (-1, 1):
        for value in _candidates(size, _step(source, arguments), direction)[: MAX_TRIALS // 2]:
            changed = {**arguments, "img_size": list(value)} if "img_size" in arguments else arguments
            if _refusal(source, changed, value) is None:
                found.append(value)
                break
    if not found and size[0] != size[1]:
        return _nearest(source, arguments, (max(size), max(size)))  # MViT takes square images only
    return found


def _candidates(size: tuple[int, int], step: int, direction: Literal[-1, 1]) -> list[tuple[int, int]]:
    """Return sizes below (-1) or above (1), nearest first, both sides multiples of the step or of the coarse one."""
    candidates = set()
    for unit in (step, COARSE_STEP):
        rounded = [side // unit if direction < 0 else -(-side // unit) for side in size]
        for offset in range(MAX_TRIALS // 2):
            height, width = ((count + direction * offset) * unit for count in rounded)
            candidates.add((height, width))
    allowed = [value for value in candidates if min(value) > 0 and value != size]
    return sorted(allowed, key=lambda value: abs(value[0] - size[0]) + abs(value[1] - size[1]))


def _step(source: Source, arguments: Mapping[str, Any]) -> int:
    """Return the side of the patches of a ViT-like network, otherwise the coarse step."""
    try:
        with torch.device("meta"):
            patch = _patch(create_timm(source, {**arguments, "img_size": None}))
    except Exception:  # noqa: BLE001 - not buildable this way
        patch = None
    return patch[0] if patch else COARSE_STEP


def _patch(model: nn.Module) -> tuple[int, int] | None:
    """Return height and width of the patches that cut an image, None where it is not cut."""
    embedding: Any = getattr(model, "patch_embed", None)
    side = getattr(embedding, "patch_size", None)
    if side is None:
        return None
    patch = tuple(side) if isinstance(side, (tuple, list)) else (side, side)
    stride = getattr(getattr(embedding, "proj", None), "stride", patch)
    # Patches that overlap, as PVT's 7 x 7 at every fourth pixel, are padded and reach every pixel at any size.
    return None if stride != patch else (int(patch[0]), int(patch[1]))


def _refusal(source: Source, arguments: Mapping[str, Any], size: tuple[int, ...]) -> str | None:
    """Return why the network refuses a size, or None when it takes it."""
    try:
        with torch.device("meta"), torch.no_grad():
            model: Any = create_timm(source, arguments).eval()
            model(torch.empty(1, arguments["in_chans"], *size))
    except Exception as err:  # noqa: BLE001 - networks refuse sizes with any kind of error
        return f"{type(err).__name__}: {err}"
    patch = _patch(model)
    if patch is None or arguments.get("dynamic_img_pad"):
        return None
    if any(side % part for side, part in zip(size, patch, strict=True)):
        return f"its patches of {patch[0]} x {patch[1]} {PATCHES_DO_NOT_DIVIDE}"  # timm would drop the rest silently
    return None
