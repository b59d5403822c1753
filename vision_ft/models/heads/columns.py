"""Several heads of one kind on one pooled vector: one for each label column, their logits side by side."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn


class ColumnHeads(nn.Module):
    """One head a label column.

    Args:
        build: makes a head, `build(channels, num_classes, dropout=...)`.
        channels: size D of the pooled feature vector.
        sizes: classes of each column, which sum to K.
        dropout: share of the features zeroed in training, anew for each head.
    """

    def __init__(
        self, build: Callable[..., nn.Module], channels: int, *, sizes: Sequence[int], dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.heads = nn.ModuleList(build(channels, size, dropout=dropout) for size in sizes)

    def forward(self, pooled: Tensor) -> Tensor:
        """Map features (B, D) to the logits (B, K) of all columns, one after the other."""
        return torch.cat([head(pooled) for head in self.heads], dim=1)
