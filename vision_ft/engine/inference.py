"""Scores for a set of pictures, every picture once, whatever the number of processes."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
import torch
from torch import Tensor, nn

from vision_ft.engine.runtime import Runtime
from vision_ft.types import Batch


def predict_scores(
    module: nn.Module,
    load: Callable[[np.ndarray], Iterable[Batch]],
    rows: np.ndarray,
    *,
    decode: Callable[[Tensor], Tensor],
    runtime: Runtime,
    on_batch: Callable[[int], None] = lambda _count: None,
) -> np.ndarray:
    """Return decoded outputs (N, K), in the order of `rows`.

    The rows are dealt out to the processes without padding and put back by row number, so an odd number of pictures
    counts each exactly once.

    Args:
        module: the model, or its head when the batches hold features; left in the mode it had.
        load: row numbers -> batches of those rows in that order.
        rows: (N,) row numbers, each at most once.
        decode: raw outputs (B, K) -> what is stored, for example probabilities.
        runtime: the processes share the work.
        on_batch: told the number of pictures done, for a progress bar.
    """
    was_training = module.training
    module.eval()
    ids: list[np.ndarray] = []
    outputs: list[np.ndarray] = []
    for batch in load(rows[runtime.rank :: runtime.world_size]):
        moved = runtime.to_device(batch)
        with torch.inference_mode(), runtime.autocast():
            outputs.append(decode(module(moved.images)).float().cpu().numpy())
        ids.append(batch.ids.numpy())
        on_batch(len(batch.ids))
    module.train(was_training)
    shares = runtime.gather((np.concatenate(ids) if ids else None, np.concatenate(outputs) if outputs else None))
    kept = [(i, o) for i, o in shares if i is not None and o is not None]
    if not kept:
        return np.zeros((0, 0), dtype=np.float32)
    by_row = {int(row): output for i, o in kept for row, output in zip(i, o, strict=True)}
    return np.stack([by_row[int(row)] for row in rows])
