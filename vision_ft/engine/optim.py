"""Optimizers, schedules and the moving average of a phase."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR

from vision_ft.errors import TrainingError

MIN_EMA_STEPS = 500  # a shorter run ends before a long average has forgotten its start


@dataclass(frozen=True)
class OptimSettings:
    """The optimiser's values, the same in every phase.

    Attributes:
        name: "adamw" or "sgd" (with Nesterov momentum).
        lr: learning rate of a group whose scale is 1, per step of `batch_size` images.
        head_lr: learning rate of phases that train the head alone on cached features.
        weight_decay: per step, not applied to norms and biases.
        momentum: of SGD.
        warmup: share of a phase's steps over which the rate rises linearly.
        clip: largest global gradient norm; None for no clipping.
        accumulate: batches whose gradients are averaged into one step.
        ema: True, False or "auto" (on from 500 steps).
        patience: epochs without a better val metric before training stops; None never stops early.
        metric: the val metric that selects the best epoch.
    """

    name: Literal["adamw", "sgd"]
    lr: float
    head_lr: float
    weight_decay: float
    momentum: float
    warmup: float
    clip: float | None
    accumulate: int
    ema: bool | Literal["auto"]
    patience: int | None
    metric: str


def build_optimizer(
    module: nn.Module, groups: Mapping[str, Sequence[str]], lr_scale: Mapping[str, float], settings: OptimSettings
) -> Optimizer:
    """Build the optimizer of one phase: per group one set with and one without weight decay.

    Args:
        module: holds the parameters under the names that `groups` lists.
        groups: group name -> parameter names.
        lr_scale: group name -> multiplier of the learning rate; the groups that train.
        settings: the optimiser's values; `lr` is the base rate.

    Raises:
        TrainingError: no parameter would train, or a trainable parameter would be in no optimizer.
    """
    named = {name: parameter for name, parameter in module.named_parameters() if parameter.requires_grad}
    sets: list[dict[str, Any]] = []
    for group, scale in lr_scale.items():
        members = [named.pop(name) for name in groups[group] if name in named]
        # vectors are norms and biases; decaying them only moves the function's scale (timm's convention)
        for decay, chosen in (
            (settings.weight_decay, [p for p in members if p.ndim > 1]),
            (0.0, [p for p in members if p.ndim <= 1]),
        ):
            if chosen:
                sets.append({"params": chosen, "lr": settings.lr * scale, "weight_decay": decay, "group": group})
    if named:
        raise TrainingError(f"parameters train but are in no group of the phase: {sorted(named)[:5]}")
    if not sets:
        raise TrainingError(f"the phase trains {list(lr_scale)}, which hold no parameter")
    if settings.name == "sgd":
        return torch.optim.SGD(sets, lr=settings.lr, momentum=settings.momentum, nesterov=settings.momentum > 0)
    return torch.optim.AdamW(sets, lr=settings.lr)


def build_schedule(optimizer: Optimizer, *, total_steps: int, warmup: float) -> LambdaLR:
    """Build a linear warm-up followed by a cosine down to zero (Loshchilov & Hutter 2017, arXiv:1608.03983)."""
    warmup_steps = round(total_steps * warmup)

    def factor(step: int) -> float:
        if step < warmup_steps:
            return (step + 1) / (warmup_steps + 1)
        progress = (step - warmup_steps) / max(total_steps - warmup_steps, 1)
        return 0.5 * (1 + math.cos(math.pi * min(progress, 1.0)))

    return LambdaLR(optimizer, factor)


def ema_decay(ema: bool | str, *, total_steps: int) -> float | None:
    """Return the decay of the weights' moving average, or None when it is off."""
    if ema is False or (ema == "auto" and total_steps < MIN_EMA_STEPS):
        return None
    return max(0.0, min(0.999, 1 - 10 / max(total_steps, 1)))
