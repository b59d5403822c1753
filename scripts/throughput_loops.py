"""The three training loops that bench_gpu.py times: this package's, timm's train.py and the bare step."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")

import timm
import torch
from timm.data import create_dataset, create_loader, resolve_data_config
from timm.optim import create_optimizer_v2
from torch import nn

import vision_ft as vf

LR, WEIGHT_DECAY = 1e-4, 0.05  # of all three; the values do not change the speed


@dataclass(frozen=True)
class Setting:
    """What every contender is given; `steps` batches are an epoch."""

    model: str
    data: Path
    classes: int
    image_size: int
    batch_size: int
    steps: int
    epochs: int
    warmup_epochs: int
    workers: int
    device: torch.device
    precision: str
    preset: str
    decoded_mb: int | None
    seed: int

    @property
    def images(self) -> int:
        """Images an epoch."""
        return self.steps * self.batch_size

    @property
    def all_epochs(self) -> int:
        """Epochs with those of the warm-up."""
        return self.warmup_epochs + self.epochs

    def autocast(self) -> torch.autocast:
        """Return the mixed precision that a forward pass runs in."""
        return torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self.precision == "bf16-mixed")


class Stopwatch:
    """Seconds between two moments at which the device has nothing left to do."""

    def __init__(self, device: torch.device) -> None:
        self._device, self._started = device, 0.0

    def start(self) -> None:
        """Begin."""
        self._started = self._now()

    def stop(self) -> float:
        """Return the seconds since the start."""
        return self._now() - self._started

    def _now(self) -> float:
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)
        return time.perf_counter()


class Measured(Exception):  # noqa: N818 - it ends a run, nothing went wrong
    """All epochs are timed; what a run does after its last epoch is not measured."""


class EpochTimer:
    """A reporter that times the epochs of a run of this package, and ends the run after the last one.

    Args:
        device: what the run computes on.
        last: number of epochs.

    Attributes:
        epochs: images and seconds of each finished epoch.
    """

    def __init__(self, device: torch.device, *, last: int) -> None:
        self.epochs: list[tuple[int, float]] = []
        self._watch, self._last = Stopwatch(device), last
        self._images, self._seconds = 0, 0.0

    def begin(self, what: str, total: int) -> None:  # noqa: ARG002 - the package's protocol
        """Start the clock: the loader is asked for its first batch next."""
        self._images = 0
        self._watch.start()

    def advance(self, count: int) -> None:
        """Count images."""
        self._images += count

    def end(self) -> None:
        """Stop the clock: the last step is done, validation has not begun."""
        self._seconds = self._watch.stop()

    def epoch(self, record: dict[str, Any]) -> None:  # noqa: ARG002
        """Keep what was timed last.

        Raises:
            Measured: this was the last epoch.
        """
        self.epochs.append((self._images, self._seconds))
        if len(self.epochs) == self._last:
            raise Measured

    def say(self, text: str) -> None:
        """Stay silent."""


def time_package(setting: Setting) -> list[float]:
    """Return the seconds of each measured epoch of `vf.finetune`."""
    timer = EpochTimer(setting.device, last=setting.all_epochs)
    with tempfile.TemporaryDirectory() as folder, suppress(Measured):
        vf.finetune(
            setting.data,
            backbone=setting.model,
            strategy="full",
            epochs=setting.all_epochs,
            out=Path(folder) / "run",
            seed=setting.seed,
            overrides=recipe_values(setting),
            reporter=timer,
        )
    if [images for images, _ in timer.epochs] != [setting.images] * setting.all_epochs:
        raise RuntimeError(f"expected {setting.all_epochs} epochs of {setting.images} images, got {timer.epochs}")
    return [seconds for _, seconds in timer.epochs[setting.warmup_epochs :]]


def recipe_values(setting: Setting) -> dict[str, Any]:
    """Return the recipe values that make the package do the same work as the others."""
    values: dict[str, Any] = {
        "model.pretrained": False,
        "model.image_size": setting.image_size,
        "strategy.options": {"head_first": False},
        "augment.preset": setting.preset,
        "optim.name": "adamw",
        "optim.lr": LR,
        "optim.weight_decay": WEIGHT_DECAY,
        "optim.batch_size": setting.batch_size,
        "optim.batchnorm": "train",  # "auto" depends on the batch size
        "optim.ema": False,  # train.py has none by default; "auto" depends on the number of steps
        "run.device": str(setting.device),
        "run.precision": setting.precision,
        "run.workers": setting.workers,
    }
    if setting.decoded_mb is not None:
        values["run.decoded_budget_mb"] = setting.decoded_mb
    return values


def build_network(setting: Setting) -> tuple[nn.Module, torch.optim.Optimizer]:
    """Return timm's network in channels_last, ready to train, and the optimiser that train.py makes for it."""
    torch.manual_seed(setting.seed)
    takes_size = timm.get_pretrained_cfg(setting.model).fixed_input_size  # type: ignore[union-attr]
    arguments: dict[str, Any] = {"img_size": setting.image_size} if takes_size else {}
    model = timm.create_model(setting.model, pretrained=False, num_classes=setting.classes, **arguments)
    model = model.to(setting.device, memory_format=torch.channels_last).train()  # type: ignore[call-overload]
    return model, create_optimizer_v2(model, opt="adamw", lr=LR, weight_decay=WEIGHT_DECAY)


def time_timm(setting: Setting) -> list[float]:
    """Return the seconds of each measured epoch of timm's train.py: its dataset, loader and step."""
    model, optimizer = build_network(setting)
    dataset = create_dataset(
        "", root=str(setting.data), split="train", is_training=True, batch_size=setting.batch_size, seed=setting.seed
    )
    config = resolve_data_config({"img_size": setting.image_size}, model=model)
    prefetches = setting.device.type == "cuda"
    loader = create_loader(
        dataset,
        input_size=config["input_size"],
        batch_size=setting.batch_size,
        is_training=True,
        use_prefetcher=prefetches,
        interpolation="random",
        mean=config["mean"],
        std=config["std"],
        num_workers=setting.workers,
        device=setting.device,
    )
    if len(loader) != setting.steps:
        raise RuntimeError(f"expected {setting.steps} batches of timm's loader, got {len(loader)}")
    return time_epochs(setting, model, optimizer, lambda: loader, is_logged=True)


def time_pure(setting: Setting) -> list[float]:
    """Return the seconds of as many steps on one batch in memory: the ceiling of the other two."""
    model, optimizer = build_network(setting)
    shape = (setting.batch_size, 3, setting.image_size, setting.image_size)
    images = torch.randn(shape, device=setting.device).contiguous(memory_format=torch.channels_last)
    labels = torch.randint(setting.classes, shape[:1], device=setting.device)
    return time_epochs(setting, model, optimizer, lambda: [(images, labels)] * setting.steps, is_logged=False)


def time_epochs(
    setting: Setting,
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    load: Callable[[], Any],
    *,
    is_logged: bool,
) -> list[float]:
    """Train as train.py does, and return the seconds of the epochs after the warm-up.

    Args:
        setting: epochs, device and precision.
        model: the network.
        optimizer: its optimiser.
        load: returns the batches of an epoch.
        is_logged: whether the loss is read after each step, as train.py reads it; the device is waited for.
    """
    watch, seconds = Stopwatch(setting.device), []
    loss_of = nn.CrossEntropyLoss()
    with tried_kernels():
        for _ in range(setting.all_epochs):
            watch.start()
            for images, labels in load():
                images = images.to(setting.device).contiguous(memory_format=torch.channels_last)
                labels = labels.to(setting.device)
                with setting.autocast():
                    loss = loss_of(model(images), labels)
                loss.backward()
                optimizer.step()
                if is_logged:
                    loss.item()
                optimizer.zero_grad()
            seconds.append(watch.stop())
    return seconds[setting.warmup_epochs :]


@contextmanager
def tried_kernels() -> Iterator[None]:
    """Let cuDNN try its kernels and take the fastest, as train.py does; afterwards the package finds what was set."""
    before = torch.backends.cudnn.benchmark
    torch.backends.cudnn.benchmark = True
    try:
        yield
    finally:
        torch.backends.cudnn.benchmark = before


CONTENDERS: dict[str, Callable[[Setting], list[float]]] = {
    "package": time_package,
    "timm": time_timm,
    "pure": time_pure,
}
