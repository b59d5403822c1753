"""What the engine asks of a task."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from torch import Tensor

from vision_ft.plugins.registry import Registry
from vision_ft.types import Target

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
        head: the default head.
        losses: by name; the first is what "auto" means. None where the heads bring their own.
        counts_correct: whether outputs are logits of one label a picture, so that training can count the right ones.
        learns_inside: whether the model itself is given the target and answers with its losses while it learns.
        bind: of a task whose outputs fall into columns: numbers of classes of the columns -> the task for them.
    """

    build_loss: LossBuilder
    decode: Callable[[ModelOutputs, Target], Tensor | Sequence[Any]]
    score: Callable[[Answers, np.ndarray], dict[str, float]]
    metrics: tuple[str, ...]
    head: str
    losses: Registry[Callable[..., Loss]] | None = None
    counts_correct: bool = False
    learns_inside: bool = False
    bind: Callable[[Sequence[int]], TaskSpec] | None = None
