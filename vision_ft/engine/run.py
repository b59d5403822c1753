"""A training run: its model, its data, how far it is, and what it keeps on disk."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from torch import Tensor, nn

from vision_ft.engine.callbacks import Reporter
from vision_ft.engine.checkpoint import BEST, LAST, START, load_state, save_state, snapshot
from vision_ft.engine.maps import MapSource
from vision_ft.engine.optim import OptimSettings
from vision_ft.engine.runtime import Runtime
from vision_ft.engine.signals import StopRequest
from vision_ft.engine.stage import Stage
from vision_ft.files import write_atomic
from vision_ft.models.assemble import VisionModel
from vision_ft.models.stages import parameter_groups, set_trainable
from vision_ft.tasks.spec import Loss, TaskSpec
from vision_ft.types import Batch, Phase


@dataclass
class Progress:
    """How far a run is; everything that a checkpoint carries beside tensors."""

    phase: int = 0  # index of the phase at work
    epoch: int = 0  # epochs finished in the whole run
    phase_epoch: int = 0  # epochs finished in this phase
    step: int = 0  # batches done in the current epoch
    loss_sum: float = 0.0  # over the images of the current epoch
    correct: int = 0
    seen: int = 0
    seconds: float = 0.0  # spent in the current epoch
    best: float | None = None  # val metric of the best epoch of this phase, or of all phases that touch the backbone
    best_loss: float = float("inf")
    best_epoch: int = 0
    since_best: int = 0
    stopped: bool = False
    history: list[dict[str, Any]] = field(default_factory=list)

    def forget_best(self) -> None:
        """Start a new comparison of epochs."""
        self.best, self.best_loss, self.best_epoch, self.since_best = None, float("inf"), 0, 0


@dataclass(frozen=True)
class RunData:
    """The images of a run, as the engine asks for them.

    Attributes:
        train: gives the loader of image batches, whose sampler is `batches`; called only when images are needed.
        batches: the sampler of the training batches.
        train_rows: (N,) row numbers in the sample table.
        val_rows: (M,) row numbers; may be empty.
        labels: label of every row of the table; (N,) class indices, or (N, K) of several labels per image.
        load_eval: row numbers -> image batches as validation sees them.
        features: (what, row numbers, number of views) -> cached features (V, N, D); the first view is not augmented.
            None for heads that read maps.
        maps: the cached maps of the frozen backbone; None where they are not cached, and phases of such a head read
            images through the frozen backbone.
        describe: row number -> the image's file, for messages.
        mix: image batch, epoch, step -> the batch after mixup or cutmix; None leaves batches alone.
        views: cached views a training image.
        row_weights: how much each row of the table counts in the convex fit of the head, above 0; None counts all
            alike. Epochs of the optimiser do not read it: there the sampler decides how often a row is seen.
    """

    train: Callable[[], Any]
    batches: Any
    train_rows: np.ndarray
    val_rows: np.ndarray
    labels: np.ndarray
    load_eval: Callable[[np.ndarray], Iterable[Batch]]
    features: Callable[[str, np.ndarray, int], np.ndarray] | None
    describe: Callable[[int], str]
    mix: Callable[[Batch, int, int], Batch] | None = None
    views: int = 1
    row_weights: np.ndarray | None = None
    maps: MapSource | None = None


@dataclass(frozen=True)
class Services:
    """What a run borrows from its caller.

    Attributes:
        runtime: devices and processes.
        stop: the request to end.
        reporter: listens.
        folder: the run folder.
    """

    runtime: Runtime
    stop: StopRequest
    reporter: Reporter
    folder: Path


@dataclass(frozen=True)
class Method:
    """How a run learns.

    Attributes:
        task: decoding and scores.
        loss: the training loss, built for the training images.
        settings: the optimiser's values.
        seed: all randomness follows from it.
        batchnorm: "train" or "eval": whether BatchNorm statistics of trainable groups move.
        imbalance: how the convex fit treats unequal classes, as the task's loss does.
        penalty: the whole model -> a scalar that is added to the loss of every batch, but not to the logged one; the
            convex fit, which has its own regularisation, does not read it. A resumed run must be given the same one.
    """

    task: TaskSpec
    loss: Loss
    settings: OptimSettings
    seed: int
    batchnorm: Literal["train", "eval"]
    imbalance: str
    penalty: Callable[[nn.Module], Tensor] | None = None


class TrainingRun:
    """State and services that the loop works on.

    Args:
        model: backbone and head.
        data: the images.
        method: how it learns.
        services: what it borrows from its caller.
    """

    def __init__(self, model: VisionModel, data: RunData, method: Method, services: Services) -> None:
        # frozen parts compute features before the first phase wraps, and moves, what it trains
        self.model, self.data, self.method = model.to(services.runtime.device), data, method
        self.groups = parameter_groups(model)
        self.task, self.settings = method.task, method.settings
        self.runtime, self.stop, self.reporter = services.runtime, services.stop, services.reporter
        self.folder = services.folder
        self.progress = Progress()
        self._stage_state: dict[str, Any] | None = None
        self._random_states: list[Any] | None = None

    @property
    def head_group(self) -> str:
        """Name of the last group."""
        return list(self.groups)[-1]

    def is_head_only(self, phase: Phase) -> bool:
        """Whether a phase leaves the whole backbone frozen, so that its output can be cached."""
        return set(phase.lr_scale) == {self.head_group}

    def reads_features(self, phase: Phase) -> bool:
        """Whether a phase trains the head by itself, on cached features."""
        is_cached = self.data.features is not None or self.data.maps is not None
        return self.is_head_only(phase) and is_cached

    def module_of(self, phase: Phase) -> nn.Module:
        """Return what a phase's batches go through: the model, or its head where they hold cached features."""
        if not self.reads_features(phase):
            return self.model
        return self.model.head if self.data.maps is None else self.data.maps.reader()

    def build_stage(self, phase: Phase) -> Stage:
        """Freeze what the phase does not train and make its optimizer, schedule and wrapper."""
        set_trainable(self.model, phase.lr_scale, batchnorm=self.method.batchnorm)
        module = self.module_of(phase)
        groups = _head_names(self.groups, self.head_group) if module is self.model.head else self.groups
        settings = replace(self.settings, lr=self.settings.head_lr) if self.is_head_only(phase) else self.settings
        steps = -(-len(self.data.batches) // settings.accumulate)
        stage = Stage(
            module,
            phase,
            groups=groups,
            settings=settings,
            steps_per_epoch=steps,
            runtime=self.runtime,
            loss=self.method.loss,
            returns_losses=self.task.returns_losses,
        )
        if self._stage_state is not None:
            stage.load_state_dict(self._stage_state)
            self._stage_state = None
        return stage

    def restore_random_state(self) -> None:
        """Put torch's generators back to where an interrupted epoch left them."""
        if self._random_states is not None and self.runtime.rank < len(self._random_states):
            self.runtime.set_random_state(self._random_states[self.runtime.rank])
        self._random_states = None

    # -- what is kept on disk -------------------------------------------------------------------------------------

    def save(self, stage: Stage | None = None) -> None:
        """Write the newest state; `stage` only inside a phase."""
        random_states = self.runtime.gather(self.runtime.random_state())
        if self.runtime.is_main:
            self._write_log()
            state = {
                "progress": asdict(self.progress),
                "model": snapshot(self.model.state_dict()),
                "stage": None if stage is None else stage.state_dict(),
                "random": random_states,
            }
            save_state(self.folder / "checkpoints" / LAST, state)
        self.runtime.barrier()

    def resume(self) -> bool:
        """Continue from the newest state; False when nothing was saved yet.

        Raises:
            ResumeError: the state is damaged or of another version.
        """
        file = self.folder / "checkpoints" / LAST
        if not file.is_file():
            return False
        state = load_state(file)
        self.progress = Progress(**state["progress"])
        self.model.load_state_dict(state["model"])
        self._stage_state = state["stage"]
        if self.progress.step:  # between epochs the generators are seeded anew
            self._random_states = state["random"]
        return True

    def keep_weights(self, name: str, weights: Mapping[str, Tensor]) -> None:
        """Write weights beside the state, under one of the names of the checkpoint module."""
        if self.runtime.is_main:
            save_state(self.folder / "checkpoints" / name, {"model": snapshot(dict(weights))})
        self.runtime.barrier()

    def kept_weights(self, name: str) -> dict[str, Tensor] | None:
        """Read weights that were kept, or None when there are none."""
        file = self.folder / "checkpoints" / name
        return load_state(file)["model"] if file.is_file() else None

    def keep_best(self, weights: Mapping[str, Tensor]) -> None:
        """Keep the weights of the best epoch so far."""
        self.keep_weights(BEST, weights)

    def keep_start(self) -> None:
        """Keep the weights before the backbone is first touched."""
        self.keep_weights(START, self.model.state_dict())

    def _write_log(self) -> None:
        lines = "".join(json.dumps(record) + "\n" for record in self.progress.history)
        write_atomic(self.folder / "log.jsonl", lines.encode())


def _head_names(groups: Mapping[str, Sequence[str]], head: str) -> dict[str, list[str]]:
    """Return the head's parameter names as the head module itself names them."""
    return {head: [name.removeprefix("head.") for name in groups[head]]}
