"""A phase made ready to run: wrapped module, optimizer, schedule, moving average."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from timm.utils import ModelEmaV3
from torch import Tensor, nn

from vision_ft.engine.optim import OptimSettings, build_optimizer, build_schedule, ema_decay
from vision_ft.engine.runtime import Runtime
from vision_ft.types import Batch, Phase, Target


class Stage:
    """One phase's moving parts; made anew for each phase, because wrappers and schedules cannot grow.

    Args:
        module: what the batches go through: the whole model, or its head when the batches are cached features.
        phase: which groups train, at which rate.
        groups: group name -> names of parameters in `module`.
        settings: the optimiser's values.
        steps_per_epoch: optimizer steps an epoch.
        runtime: wraps and back-propagates.
        loss: outputs and target -> scalar.
        returns_losses: whether the module is given the target and returns its losses.
    """

    def __init__(
        self,
        module: nn.Module,
        phase: Phase,
        *,
        groups: Mapping[str, Sequence[str]],
        settings: OptimSettings,
        steps_per_epoch: int,
        runtime: Runtime,
        loss: Callable[[Any, Target], Tensor],
        returns_losses: bool = False,
    ) -> None:
        self.module = module
        self.phase = phase
        self.settings = settings
        self.runtime = runtime
        self._loss, self._returns_losses = loss, returns_losses
        total_steps = phase.epochs * steps_per_epoch
        optimizer = build_optimizer(module, groups, phase.lr_scale, settings)
        self.schedule = build_schedule(optimizer, total_steps=total_steps, warmup=settings.warmup)
        decay = ema_decay(settings.ema, total_steps=total_steps)
        self.ema = None if decay is None else ModelEmaV3(module, decay=decay)
        self.wrapped, self.optimizer = runtime.wrap(_Learner(module) if returns_losses else module, optimizer)
        self._plain_optimizer = optimizer

    def train(self) -> None:
        """Enter training mode; frozen groups stay in evaluation mode."""
        self.wrapped.train()

    def forward(self, batch: Batch) -> Any:
        """Return what the module gives for a batch on this process's device, such as logits (B, K)."""
        return self.wrapped(batch.images, lambda: batch.target) if self._returns_losses else self.wrapped(batch.images)

    def loss(self, outputs: Any, batch: Batch) -> Tensor:
        """Return the mean loss of a batch."""
        return self._loss(outputs, batch.target)

    def step(self) -> None:
        """Clip, step the optimizer and the schedule, clear the gradients, update the moving average."""
        if self.settings.clip is not None:
            self.runtime.clip(self.wrapped, self.optimizer, self.settings.clip)
        self.optimizer.step()
        self.schedule.step()
        self.optimizer.zero_grad(set_to_none=True)
        if self.ema is not None:
            self.ema.update(self.module)

    def evaluated(self) -> nn.Module:
        """Return the module whose weights are validated and kept: the moving average where it is on."""
        return self.module if self.ema is None else self.ema.module

    def learning_rates(self) -> dict[str, float]:
        """Return the current learning rate of each group."""
        return {str(group["group"]): float(group["lr"]) for group in self._plain_optimizer.param_groups}

    def state_dict(self) -> dict[str, Any]:
        """Return what a resumed stage needs beside the module's own weights."""
        return {
            "optimizer": self._plain_optimizer.state_dict(),
            "schedule": {"last_epoch": self.schedule.last_epoch},
            "ema": None if self.ema is None else self.ema.state_dict(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore a stage that was built for the same phase."""
        self._plain_optimizer.load_state_dict(state["optimizer"])
        self.schedule.last_epoch = state["schedule"]["last_epoch"]
        self.schedule._last_lr = [group["lr"] for group in self._plain_optimizer.param_groups]
        if self.ema is not None:
            self.ema.load_state_dict(state["ema"])


class _Learner(nn.Module):
    """Gives a module the target behind a call.

    Mixed precision rounds all tensors among the arguments to half precision, which has too few digits for boxes.
    """

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, images: Tensor, target: Callable[[], Target]) -> Any:
        """Return the module's losses by name."""
        return self.module(images, target())


def clear_gradients(module: nn.Module) -> None:
    """Drop all gradients, so that a group frozen next does not keep its last ones."""
    for parameter in module.parameters():
        parameter.grad = None


def seed_everything(seed: int, epoch: int, rank: int) -> None:
    """Seed torch's generators from (seed, epoch, rank): dropout and drop path repeat after a resume."""
    mixed = (seed * 1_000_003 + epoch) * 1_009 + rank
    torch.manual_seed(mixed % 2**63)
