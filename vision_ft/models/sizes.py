"""Which picture sizes a network takes, tried on a copy that has shapes but no memory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from vision_ft.errors import ModelError
from vision_ft.models.source import Source, create_timm

COARSE_STEP = 32  # the deepest stride of nearly all networks: multiples of it are the sizes most likely to work
MAX_TRIALS = 24


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
    allowed = f"the nearest sizes it takes are {' and '.join(map(str, nearest))} pixels" if nearest else reason
    raise ModelError(f"{source.name}: cannot take pictures of {size[0]} x {size[1]} pixels; {allowed}.")


def _nearest(source: Source, arguments: Mapping[str, Any], size: tuple[int, int]) -> list[int]:
    """Return the nearest square size below and above that work, as far as either is found."""
    side = size[0]
    step = _patch(source, arguments) or COARSE_STEP
    candidates = {side // step * step + offset * step for offset in range(-4, 5)}
    candidates |= {side // COARSE_STEP * COARSE_STEP + offset * COARSE_STEP for offset in range(-3, 8)}
    below = sorted((value for value in candidates if 0 < value < side), reverse=True)
    above = sorted(value for value in candidates if value > side)
    if size[0] != size[1]:
        below, above = [side, *below], above
    found = []
    for values in (below, above):
        for value in values[: MAX_TRIALS // 2]:
            changed = {**arguments, "img_size": [value, value]} if "img_size" in arguments else arguments
            if _refusal(source, changed, (value, value)) is None:
                found.append(value)
                break
    return found


def _patch(source: Source, arguments: Mapping[str, Any]) -> int | None:
    """Return the side of the patches of a ViT-like network."""
    try:
        with torch.device("meta"):
            model: Any = create_timm(source, {**arguments, "img_size": None})
        patch = model.patch_embed.patch_size
    except Exception:  # noqa: BLE001 - no patches, or not buildable this way: the caller has a default
        return None
    return int(patch[0] if isinstance(patch, (tuple, list)) else patch)


def _refusal(source: Source, arguments: Mapping[str, Any], size: tuple[int, ...]) -> str | None:
    """Return why the network refuses a size, or None when it takes it."""
    try:
        with torch.device("meta"), torch.no_grad():
            model: Any = create_timm(source, arguments).eval()
            model(torch.empty(1, arguments["in_chans"], *size))
    except Exception as err:  # noqa: BLE001 - networks refuse sizes with any kind of error
        return f"{type(err).__name__}: {err}"
    patch = getattr(getattr(model, "patch_embed", None), "patch_size", None)
    if patch is None or arguments.get("dynamic_img_pad"):
        return None
    pair = patch if isinstance(patch, (tuple, list)) else (patch, patch)
    if any(side % part for side, part in zip(size, pair, strict=True)):
        return f"its patches of {pair[0]} x {pair[1]} pixels do not divide it"  # timm would drop the rest silently
    return None
