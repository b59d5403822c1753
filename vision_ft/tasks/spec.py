"""What the engine asks of a task."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from torch import Tensor

from vision_ft.types import Target, Task

# What a model gives for a batch: logits (B, K) or (B, K, H, W); of a detector its losses while it learns, by name, and
# a list of `Detections` else.
ModelOutputs = Any
Loss = Callable[[ModelOutputs, Target], Tensor]
Answers = Any  # an array with one row a picture, or a list with one entry a picture


class LossBuilder(Protocol):
    """Builds the training loss from what is known of the training pictures."""

    def __call__(
        self, class_counts: np.ndarray, *, name: str = "auto", imbalance: str = "none", label_smoothing: float = 0.0
    ) -> Loss:
        """Return the loss `name` for classes seen `class_counts` (K,) times: pictures, pixels or boxes.

        Of several labels a picture (2, K): pictures known to lack, and to have, each label.
        """


@dataclass(frozen=True)
class TaskSpec:
    """One task as the engine sees it.

    Attributes:
        build_loss: makes the training loss.
        decode: raw model outputs of a batch and its target -> one answer a picture: a tensor (B, ...) or a list.
        score: answers and labels (N, ...) of the pictures -> {"loss", "accuracy", "macro_f1", ...}; the values a log
            line shows. Answers that carry their own truth, as those of masks and boxes do, leave the labels alone.
        metrics: names among those that may select the best epoch; larger is better; the first is the default.
        counts_correct: whether outputs are logits of one label a picture, so that training can count the right ones.
        returns_losses: whether the model is given the target in training and returns its losses.
        bind: of a task whose outputs fall into columns: numbers of classes of the columns -> the task for them.
        heads: the task whose heads it shares; None has heads of its own.
        learning_rates: optimiser -> base rate of image phases and of head phases, where the usual ones do not suit.
        convex: fits a linear head on cached features at once; None where there is no such fit.
        mixes: whether labels can be mixed as images are, by mixup and cutmix.
        draws: whether images can be drawn equally often of each class, by the "sampler".
    """

    build_loss: LossBuilder
    decode: Callable[[ModelOutputs, Target], Tensor | Sequence[Any]]
    score: Callable[[Answers, np.ndarray], dict[str, float]]
    metrics: tuple[str, ...]
    counts_correct: bool = False
    returns_losses: bool = False
    bind: Callable[[Sequence[int]], TaskSpec] | None = None
    heads: Task | None = None
    learning_rates: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    convex: Callable[..., Any] | None = None
    mixes: bool = False
    draws: bool = False
