"""What the engine asks of a task."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from torch import Tensor

from vision_ft.types import Target

Loss = Callable[[Tensor, Target], Tensor]
Outputs = np.ndarray  # one row a picture, in the task's own layout; classification: (N, K) probabilities


class LossBuilder(Protocol):
    """Builds the training loss from what is known of the training pictures."""

    def __call__(self, class_counts: np.ndarray, *, imbalance: str, label_smoothing: float) -> Loss:
        """Return the loss for classes seen `class_counts` (K,) times."""


@dataclass(frozen=True)
class TaskSpec:
    """One task as the engine sees it.

    Attributes:
        build_loss: makes the training loss.
        decode: raw model outputs -> what is stored and scored.
        score: outputs and labels (N,) -> {"loss", "accuracy", "macro_f1", ...}; the values a log line shows.
        metrics: names among those that may select the best epoch; larger is better.
    """

    build_loss: LossBuilder
    decode: Callable[[Tensor], Tensor]
    score: Callable[[Outputs, np.ndarray], dict[str, float]]
    metrics: tuple[str, ...]
