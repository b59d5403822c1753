"""Linear head: timm's own classifier, so that the saved folder is a timm checkpoint."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from vision_ft.models.heads.extending import extend_last_layer
from vision_ft.types import CLASSIFICATION, HeadSpec


class LinearHead(nn.Linear):
    """One affine map from pooled features to logits.

    Args:
        channels: size D of the pooled feature vector.
        num_classes: K.
        dropout: share of the features zeroed in training.
    """

    def __init__(self, channels: int, num_classes: int, *, dropout: float = 0.0) -> None:
        super().__init__(channels, num_classes)
        self.dropout = dropout
        # Small weights: all classes start equally likely, so the first gradients into a pretrained backbone are mild.
        nn.init.trunc_normal_(self.weight, std=0.01)
        nn.init.zeros_(self.bias)

    def forward(self, pooled: Tensor) -> Tensor:
        """Map features (B, D) to logits (B, K)."""
        return super().forward(F.dropout(pooled, self.dropout, self.training))


SPEC = HeadSpec(task=CLASSIFICATION, takes="pooled", build=LinearHead, is_linear=True, extend=extend_last_layer(""))
