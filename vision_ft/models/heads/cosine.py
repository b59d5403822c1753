"""Cosine head: compares directions, not lengths, so frequent classes cannot win by a long weight vector."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vision_ft.types import CLASSIFICATION, HeadSpec

START_SCALE = 10.0  # a bare cosine in [-1, 1] makes softmax too flat to train; learned from here on


class CosineHead(nn.Module):
    """Scaled cosine to one learned direction per class (Gidaris & Komodakis 2018, arXiv:1804.09458).

    Args:
        channels: size D of the pooled feature vector.
        num_classes: K.
        dropout: share of the features zeroed in training.
    """

    def __init__(self, channels: int, num_classes: int, *, dropout: float = 0.0) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.weight = nn.Parameter(torch.empty(num_classes, channels))
        nn.init.normal_(self.weight, std=0.01)  # only the direction of each row matters
        self.log_scale = nn.Parameter(torch.tensor(math.log(START_SCALE)))

    def forward(self, pooled: Tensor) -> Tensor:
        """Map features (B, D) to logits (B, K)."""
        features = F.normalize(self.dropout(pooled), dim=1)
        return self.log_scale.exp() * F.linear(features, F.normalize(self.weight, dim=1))


def extend_cosine(state: dict[str, Tensor], count: int) -> dict[str, Tensor]:
    """Add rows that point away from the mean direction of the known ones."""
    weight = state["weight"]
    mean = F.normalize(weight, dim=1).mean(dim=0)
    if mean.norm() < 1e-3:  # directions that cancel have no mean to point away from; take one that none of them has
        mean = torch.linalg.svd(weight, full_matrices=True).Vh[-1]
    # As long as the known rows: a gradient turns a long row more slowly than a short one.
    row = -F.normalize(mean, dim=0) * weight.norm(dim=1).mean()
    return {**state, "weight": torch.cat([weight, row.expand(count, -1)])}


SPEC = HeadSpec(task=CLASSIFICATION, takes="pooled", build=CosineHead, extend=extend_cosine)
