"""What every loss keeps: one finite number, a gradient, lower for right answers than for wrong ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vision_ft.tasks import TASKS
from vision_ft.types import UNLABELLED, Target

NAN = float("nan")


@dataclass(frozen=True)
class Sample:
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


def check_loss(name: str, *, task: str = "classification", sample: Sample | None = None) -> None:
    """Check a registered loss on a small batch.

    Args:
        name: in the registry of the task's losses.
        task: whose outputs it reads.
        sample: the batch, for a task that has none here.

    Raises:
        AssertionError: it does not keep the contract of losses.
    """
    batch = sample or SAMPLES[task]()
    spec = TASKS[task]
    if spec.bind is not None:
        spec = spec.bind(batch.columns)
    loss = spec.build_loss(batch.class_counts, name=name)
    for outputs in (batch.right, batch.wrong, torch.zeros_like(batch.right), batch.right.bfloat16()):
        value = loss(outputs, batch.target)
        assert value.shape == (), f"{name}: a tensor of shape {tuple(value.shape)}; one number is expected"
        assert value.isfinite(), f"{name}: {value.item()} for outputs of {outputs.dtype} up to {outputs.abs().max()}"
    right, wrong = (float(loss(outputs, batch.target)) for outputs in (batch.right, batch.wrong))
    assert right < wrong, f"{name}: right answers cost {right}, wrong ones {wrong}"
    outputs = torch.zeros_like(batch.right, requires_grad=True)
    loss(outputs, batch.target).backward()
    assert outputs.grad is not None, f"{name}: no gradient reaches the outputs"
    assert outputs.grad.isfinite().all(), f"{name}: the gradient is not finite"
    assert outputs.grad.abs().sum() > 0, f"{name}: the gradient is zero where the outputs say nothing"


def _one_label() -> Sample:
    labels = torch.tensor([0, 1, 2, 1])
    right = 8 * torch.nn.functional.one_hot(labels, 3).float()
    return Sample(np.array([1, 2, 1]), right, right.roll(1, dims=1), Target(labels=labels))


def _several_labels() -> Sample:
    labels = torch.tensor([[1.0, 0.0, NAN], [0.0, 1.0, 1.0]])
    right = 8 * (2 * labels.nan_to_num(0.5) - 1)
    return Sample(np.array([[1, 1, 0], [1, 1, 1]]), right, -right, Target(labels=labels))


def _columns() -> Sample:
    first, second = torch.tensor([0, 1, 1]), torch.tensor([2, 0, 1])
    parts = [torch.nn.functional.one_hot(first, 2), torch.nn.functional.one_hot(second, 3)]
    wrong = torch.cat([part.roll(1, dims=1) for part in parts], dim=1)
    labels = torch.stack([first, torch.where(torch.tensor([False, False, True]), UNLABELLED, second)], dim=1)
    counts = np.array([1, 2, 1, 0, 1])
    return Sample(counts, 8.0 * torch.cat(parts, dim=1), 8.0 * wrong, Target(labels=labels), columns=(2, 3))


def _pixels() -> Sample:
    masks = torch.tensor([[[0, 1], [2, UNLABELLED]], [[1, 1], [0, 0]]])
    right = 8 * torch.nn.functional.one_hot(masks.clamp_min(0), 3).float().permute(0, 3, 1, 2)
    return Sample(np.array([3, 3, 1]), right, right.roll(1, dims=1), Target(masks=masks))


SAMPLES: dict[str, Callable[[], Any]] = {
    "classification": _one_label,
    "multilabel": _several_labels,
    "multitask": _columns,
    "segmentation": _pixels,
}
