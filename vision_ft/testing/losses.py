"""What every loss keeps: one finite number, a gradient, lower for right predictions than for wrong ones."""

from __future__ import annotations

import torch

from vision_ft.tasks import TASKS
from vision_ft.tasks.loss_batches import LossBatch
from vision_ft.types import CLASSIFICATION


def check_loss(name: str, *, task: str = CLASSIFICATION, batch: LossBatch | None = None) -> None:
    """Check a registered loss on a small batch.

    Args:
        name: in the registry of the task's losses.
        task: whose outputs it reads.
        batch: to try it on; by default a small one of the task.

    Raises:
        AssertionError: it does not keep the contract of losses.
    """
    spec = TASKS[task]
    if batch is None:
        assert spec.loss_batch is not None, f"{task} has no batch to try losses on: give one"
        batch = spec.loss_batch()
    if spec.bind is not None:
        spec = spec.bind(batch.columns)
    loss = spec.build_loss(batch.class_counts, name=name)
    for outputs in (batch.right, batch.wrong, torch.zeros_like(batch.right), batch.right.bfloat16()):
        value = loss(outputs, batch.target)
        assert value.shape == (), f"{name}: a tensor of shape {tuple(value.shape)}; one number is expected"
        assert value.isfinite(), f"{name}: {value.item()} for outputs of {outputs.dtype} up to {outputs.abs().max()}"
    right, wrong = (float(loss(outputs, batch.target)) for outputs in (batch.right, batch.wrong))
    assert right < wrong, f"{name}: right predictions cost {right}, wrong ones {wrong}"
    outputs = torch.zeros_like(batch.right, requires_grad=True)
    loss(outputs, batch.target).backward()
    assert outputs.grad is not None, f"{name}: no gradient reaches the outputs"
    assert outputs.grad.isfinite().all(), f"{name}: the gradient is not finite"
    assert outputs.grad.abs().sum() > 0, f"{name}: the gradient is zero where the outputs say nothing"
