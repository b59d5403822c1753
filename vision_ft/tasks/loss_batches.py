"""A small batch of each task that a loss can be tried on, with outputs that are right and outputs that are wrong."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from vision_ft.types import UNLABELLED, Target

NAN = float("nan")


@dataclass(frozen=True)
class LossBatch:
    """A batch that a loss of a task can be tried on.

    Attributes:
        class_counts: as `build` gets them.
        right: outputs of a model that is right and sure.
        wrong: outputs of one that is wrong and sure.
        target: the truth.
        columns: classes of each label column, where the task has such.
    """

    class_counts: np.ndarray
    right: Tensor
    wrong: Tensor
    target: Target
    columns: tuple[int, ...] = ()


def one_label() -> LossBatch:
    """Four images of three classes."""
    labels = torch.tensor([0, 1, 2, 1])
    right = 8 * torch.nn.functional.one_hot(labels, 3).float()
    return LossBatch(np.array([1, 2, 1]), right, right.roll(1, dims=1), Target(labels=labels))


def several_labels() -> LossBatch:
    """Two images, three labels, one of them not known."""
    labels = torch.tensor([[1.0, 0.0, NAN], [0.0, 1.0, 1.0]])
    right = 8 * (2 * labels.nan_to_num(0.5) - 1)
    return LossBatch(np.array([[1, 1, 0], [1, 1, 1]]), right, -right, Target(labels=labels))


def several_columns() -> LossBatch:
    """Three images, columns of two and three classes, one label missing."""
    first, second = torch.tensor([0, 1, 1]), torch.tensor([2, 0, 1])
    parts = [torch.nn.functional.one_hot(first, 2), torch.nn.functional.one_hot(second, 3)]
    wrong = torch.cat([part.roll(1, dims=1) for part in parts], dim=1)
    labels = torch.stack([first, torch.where(torch.tensor([False, False, True]), UNLABELLED, second)], dim=1)
    counts = np.array([1, 2, 1, 0, 1])
    return LossBatch(counts, 8.0 * torch.cat(parts, dim=1), 8.0 * wrong, Target(labels=labels), columns=(2, 3))


def pixels() -> LossBatch:
    """Two masks of 2 x 2 pixels, one of them ignored."""
    masks = torch.tensor([[[0, 1], [2, UNLABELLED]], [[1, 1], [0, 0]]])
    right = 8 * torch.nn.functional.one_hot(masks.clamp_min(0), 3).float().permute(0, 3, 1, 2)
    return LossBatch(np.array([3, 3, 1]), right, right.roll(1, dims=1), Target(masks=masks))


def several_values() -> LossBatch:
    """Three images, two numbers, one of them not known."""
    values = torch.tensor([[1.0, 40.0], [2.0, NAN], [3.0, 60.0]])
    right = values.nan_to_num(50.0)
    statistics = np.array([[2.0, 50.0], [1.0, 10.0], [3.0, 2.0]])  # mean, standard deviation and number
    return LossBatch(statistics, right, right.roll(1, dims=0), Target(labels=values))
