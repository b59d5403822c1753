"""What the engine, the end of a run and the new-camera job ask of a task."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from torch import Tensor, nn

from vision_ft.data.loading.targets import Truth
from vision_ft.data.table import SampleTable
from vision_ft.deploy.predictor import ImagePredictor
from vision_ft.plugins.registry import Registry
from vision_ft.tasks.loss_batches import LossBatch
from vision_ft.tasks.probe import Probe
from vision_ft.types import Batch, Preprocessing, Target, Task

# What a model gives for a batch: logits (B, K) or (B, K, H, W); of a detector its losses while it learns, by name, and
# a list of `Detections` else.
ModelOutputs = Any
Loss = Callable[[ModelOutputs, Target], Tensor]
Outputs = Any  # an array with one row per image, or a list with one entry per image


class LossBuilder(Protocol):
    """Builds the training loss from what is known of the training images."""

    def __call__(
        self, class_counts: np.ndarray, *, name: str = "auto", imbalance: str = "none", label_smoothing: float = 0.0
    ) -> Loss:
        """Return the loss `name` for classes seen `class_counts` (K,) times: images, pixels or boxes.

        Of several labels per image (2, K): images known to lack, and to have, each label.
        """


@dataclass(frozen=True)
class Judging:
    """Where predictions are collected: the images, what is true of them, and how the model saw them.

    Attributes:
        table: the images.
        truth: of the table.
        preprocessing: of the model.
        split: name of the images' split.
        folder: of predictions that gets what does not fit into their file, such as label maps, below `split`; None
            writes none.
    """

    table: SampleTable
    truth: Truth
    preprocessing: Preprocessing
    split: str = ""
    folder: Path | None = None

    def about(self, rows: np.ndarray) -> dict[str, Any]:
        """Return what predictions of every task hold of rows of the table: paths, groups and the rows themselves."""
        groups = self.table.groups
        return {
            "paths": [self.table.relative_path(int(row)) for row in rows],
            "groups": None if groups is None else groups[rows],
            "ids": rows,
        }


@dataclass(frozen=True)
class HeadFit:
    """A linear head that was fitted at once.

    Attributes:
        weight: (K, D) for features as the backbone gives them.
        bias: (K,).
        note: a line on how well it fits.
    """

    weight: np.ndarray
    bias: np.ndarray
    note: str


class FitHead(Protocol):
    """Fits a linear head on cached features in closed form or by a convex solver."""

    def __call__(
        self,
        train: tuple[np.ndarray, np.ndarray],
        val: tuple[np.ndarray, np.ndarray] | None,
        *,
        num_outputs: int,
        imbalance: str = "none",
        weights: np.ndarray | None = None,
    ) -> HeadFit:
        """Return the fitted head.

        Args:
            train: features (V, N, D) of V views and labels (N, ...).
            val: features (M, D) and labels (M, ...) that choose the regularisation, or None.
            num_outputs: K.
            imbalance: how unequal classes are treated, as the task's loss does.
            weights: (N,) how much each row of train counts, above 0; None for all alike.
        """


ReadOut = Callable[[ModelOutputs, Batch], Tensor | Sequence[Any]]


@dataclass(frozen=True)
class TaskSpec:
    """One task as the engine sees it.

    Attributes:
        build_loss: makes the training loss.
        decode: raw model outputs of a batch and its target -> one output per image: a tensor (B, ...) or a list.
        score: outputs and labels (N, ...) of the images -> {"loss", "accuracy", "macro_f1", ...}; the values a log
            line shows. Outputs that carry their own truth, as those of masks and boxes do, leave the labels alone.
        metrics: names among those that may select the best epoch; larger is better; the first is the default.
        collect: where, rows of the table, what was read out for each of them -> predictions of the task, as
            `evaluate.scoring` reads them.
        confidence: raw outputs of a batch and its target -> how sure the model is of each image (B,), in [0, 1].
        read_out: where -> (raw outputs of a batch, the batch -> one entry an image), for images that are judged in
            their own pixels; None for tasks whose `decode` says all.
        predictor: the trained model of a run, ready to predict files, arrays and feeds.
        losses: by name; the first is what "auto" means. None where the heads bring their own.
        loss_batch: makes a small batch that a loss can be tried on.
        counts_correct: whether outputs are logits of one label per image, so that training can count the right ones.
        returns_losses: whether the model itself is given the target and returns its losses in training.
        predicts_unlabelled: whether images without a label are predicted, too, at the end of a run.
        keeps_image_size: whether the model folder keeps the usual size of an image, as larger ones are read in tiles.
        convex: fits a linear head on cached features at once; None where there is no such fit.
        prepare: a fresh head, what the loss is built from -> None; starts the head where the labels lie.
        probe: a quick head for the curve over numbers of labels; None where there is none.
        bind: of a task whose outputs fall into columns: numbers of classes of the columns -> the task for them.
        heads: the task whose heads it shares; None has heads of its own.
        learning_rates: optimiser -> base rate of image phases and of head phases, where the usual ones do not suit.
        mixes: whether labels can be mixed as images are, by mixup and cutmix.
        draws: whether images can be drawn equally often of each class, by the "sampler".
    """

    build_loss: LossBuilder
    decode: Callable[[ModelOutputs, Target], Tensor | Sequence[Any]]
    score: Callable[[Outputs, np.ndarray], dict[str, float]]
    metrics: tuple[str, ...]
    collect: Callable[[Judging, np.ndarray, Sequence[Any]], Any]
    confidence: Callable[[ModelOutputs, Target], Tensor | Sequence[float]]
    predictor: type[ImagePredictor[Any]]
    read_out: Callable[[Judging], ReadOut] | None = None
    losses: Registry[Callable[..., Loss]] | None = None
    loss_batch: Callable[[], LossBatch] | None = None
    counts_correct: bool = False
    returns_losses: bool = False
    predicts_unlabelled: bool = False
    keeps_image_size: bool = False
    convex: FitHead | None = None
    prepare: Callable[[nn.Module, np.ndarray], None] | None = None
    probe: Probe | None = None
    bind: Callable[[Sequence[int]], TaskSpec] | None = None
    heads: Task | None = None
    learning_rates: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    mixes: bool = False
    draws: bool = False
