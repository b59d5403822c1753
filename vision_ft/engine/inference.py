"""Outputs for a set of images, every image once, whatever the number of processes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from vision_ft.engine.runtime import Runtime
from vision_ft.types import Batch

Decode = Callable[[Any, Batch], "Tensor | Sequence[Any]"]


def predict_outputs(
    module: nn.Module,
    load: Callable[[np.ndarray], Iterable[Batch]],
    rows: np.ndarray,
    *,
    decode: Decode,
    runtime: Runtime,
    on_batch: Callable[[int], None] = lambda _count: None,
) -> list[Any]:
    """Return one decoded output per image, in the order of `rows`.

    The rows are dealt out to the processes without padding and put back by row number, so an odd number of images
    counts each exactly once.

    Args:
        module: the model, or its head when the batches hold features; left in the mode it had.
        load: row numbers -> batches of those rows in that order.
        rows: (N,) row numbers, each at most once.
        decode: raw outputs of a batch, and the batch -> a tensor (B, ...) or one output per image.
        runtime: the processes share the work.
        on_batch: told the number of images done, for a progress bar.
    """
    was_training = module.training
    module.eval()
    outputs: dict[int, Any] = {}
    for batch in load(rows[runtime.rank :: runtime.world_size]):
        moved = runtime.to_device(batch)
        with torch.inference_mode(), runtime.autocast():
            decoded = decode(module(moved.images), moved)
        if isinstance(decoded, Tensor):
            decoded = list(decoded.float().cpu().numpy())
        outputs.update(zip(batch.ids.tolist(), decoded, strict=True))
        on_batch(len(batch.ids))
    module.train(was_training)
    by_row = {row: output for share in runtime.gather(outputs) for row, output in share.items()}
    return [by_row[int(row)] for row in rows]


def predict_scores(
    module: nn.Module,
    load: Callable[[np.ndarray], Iterable[Batch]],
    rows: np.ndarray,
    *,
    decode: Callable[[Any, Any], Any],
    runtime: Runtime,
    on_batch: Callable[[int], None] = lambda _count: None,
) -> np.ndarray:
    """Return decoded outputs (N, K) of a task whose outputs are rows of numbers; see `predict_outputs`.

    Args:
        module: the model, or its head when the batches hold features; left in the mode it had.
        load: row numbers -> batches of those rows in that order.
        rows: (N,) row numbers, each at most once.
        decode: of the task: raw outputs and target -> tensor (B, K).
        runtime: the processes share the work.
        on_batch: told the number of images done.
    """
    outputs = predict_outputs(
        module,
        load,
        rows,
        decode=lambda outputs, batch: decode(outputs, batch.target),
        runtime=runtime,
        on_batch=on_batch,
    )
    return np.stack(outputs) if outputs else np.zeros((0, 0), dtype=np.float32)
