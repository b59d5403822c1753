"""Devices, precision and processes; the only importer of the distributed library."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.optim import Optimizer

from vision_ft.errors import RecipeError
from vision_ft.types import Batch, Target

T = TypeVar("T")


class Runtime:
    """Where a run computes.

    Args:
        device: "auto", "cpu", "cuda", "cuda:1" or "mps".
        devices: number of processes, one a device; more than one trains with DDP.
        precision: "auto" (bf16 where the GPU has it, else float32), "32-true", "bf16-mixed" or "16-mixed".
        unread_weights: whether trained weights may be left without a gradient, as the last norm of a backbone is by a
            head that reads its maps; DDP would wait for them, and looks for them at some cost in each step.

    Raises:
        RecipeError: the device is not there, or a name is unknown.
    """

    def __init__(
        self, *, device: str = "auto", devices: int = 1, precision: str = "auto", unread_weights: bool = False
    ) -> None:
        from lightning_fabric import Fabric  # here: it takes a second
        from lightning_fabric.strategies import DDPStrategy

        accelerator, which = _resolve_device(device, devices)
        if precision == "auto":
            has_bf16 = accelerator == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
            precision = "bf16-mixed" if has_bf16 else "32-true"
        self.precision = precision
        try:
            self.fabric = Fabric(
                accelerator=accelerator,
                devices=which,
                strategy=DDPStrategy(find_unused_parameters=unread_weights) if devices > 1 else "auto",
                precision=precision,  # type: ignore[arg-type]
            )
        except ValueError as err:
            raise RecipeError(f'run.precision: got "{precision}"; {err}') from err
        self.fabric.launch()

    @property
    def rank(self) -> int:
        """Number of this process, 0 for the one that writes."""
        return self.fabric.global_rank

    @property
    def world_size(self) -> int:
        """Number of processes."""
        return self.fabric.world_size

    @property
    def is_main(self) -> bool:
        """Whether this process writes the run folder."""
        return self.rank == 0

    @property
    def device(self) -> torch.device:
        """The device of this process."""
        return self.fabric.device

    def wrap(self, module: nn.Module, optimizer: Optimizer) -> tuple[Any, Any]:
        """Wrap a module and its optimizer anew, once a phase.

        DDP fixes its gradient buckets when it wraps: a group unfrozen inside an old wrapper is never averaged.
        """
        return self.fabric.setup(module, optimizer)

    def backward(self, loss: Tensor) -> None:
        """Back-propagate, scaled as the precision needs."""
        self.fabric.backward(loss)

    def no_sync(self, module: Any, *, enabled: bool) -> AbstractContextManager[None]:
        """Skip averaging gradients over processes inside an accumulation group."""
        return self.fabric.no_backward_sync(module, enabled=enabled)

    def clip(self, module: Any, optimizer: Any, max_norm: float) -> None:
        """Scale the gradients down to a global norm of at most `max_norm`."""
        self.fabric.clip_gradients(module, optimizer, max_norm=max_norm, error_if_nonfinite=False)

    def to_device(self, batch: Batch) -> Batch:
        """Move a batch to this process's device, images in channels_last, which convolutions compute faster."""
        target = _move_target(batch.target, self.device)
        images = batch.images.to(self.device, non_blocking=True)
        if images.ndim == 4:
            images = images.contiguous(memory_format=torch.channels_last)
        return replace(batch, images=images, target=target)

    def autocast(self) -> AbstractContextManager[Any]:
        """Compute in the run's precision, for modules that are not wrapped."""
        return self.fabric.autocast()

    def random_state(self) -> dict[str, Tensor]:
        """Return the state of torch's generators: the CPU's, and that of a CUDA device."""
        states = {"cpu": torch.get_rng_state()}
        if self.device.type == "cuda":
            states["cuda"] = torch.cuda.get_rng_state(self.device)
        return states

    def set_random_state(self, states: Mapping[str, Tensor] | Tensor) -> None:
        """Put torch's generators back to where they were; older runs kept that of the CPU alone."""
        if isinstance(states, Tensor):
            states = {"cpu": states}
        torch.set_rng_state(states["cpu"])
        if "cuda" in states and self.device.type == "cuda":
            torch.cuda.set_rng_state(states["cuda"], self.device)

    def gather(self, value: T) -> list[T]:
        """Return the value of every process, in the order of their ranks."""
        if self.world_size == 1:
            return [value]
        values: list[Any] = [None] * self.world_size
        dist.all_gather_object(values, value)
        return values

    def barrier(self) -> None:
        """Wait for all processes."""
        self.fabric.barrier()

    @contextmanager
    def main_first(self) -> Iterator[None]:
        """Let rank 0 run the block before the others, so that they find its files."""
        if not self.is_main:
            self.barrier()
        yield
        if self.is_main:
            self.barrier()


def _move_target(target: Target, device: torch.device) -> Target:
    def moved(value: Any) -> Any:
        if isinstance(value, tuple):
            return tuple(part.to(device) for part in value)
        return None if value is None else value.to(device)

    return Target(**{name: moved(value) for name, value in vars(target).items()})


def _resolve_device(device: str, devices: int) -> tuple[str, int | list[int]]:
    """Return Fabric's accelerator and devices for a device name."""
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    kind, _, index = device.partition(":")
    if kind not in ("cpu", "cuda", "mps") or (index and not index.isdigit()):
        raise RecipeError(f'run.device: got "{device}"; allowed: auto, cpu, cuda, cuda:N, mps.')
    if kind == "cuda" and not torch.cuda.is_available():
        raise RecipeError('run.device: got "cuda", but torch sees no CUDA device here. Use --device cpu or auto.')
    if kind == "mps" and not torch.backends.mps.is_available():
        raise RecipeError('run.device: got "mps", but torch sees none here. Use --device cpu or auto.')
    if index and devices > 1:
        raise RecipeError(f"run.device: {device} names one device, but run.devices is {devices}. Drop one of the two.")
    return kind, [int(index)] if index else devices
