"""MLP head: one hidden layer, for features that no hyperplane separates."""

from __future__ import annotations

from torch import Tensor, nn

from vision_ft.models.heads.extending import extend_last_layer
from vision_ft.types import CLASSIFICATION, HeadSpec

HIDDEN_FEATURES = 512  # as wide as ResNet-18's features: enough for a few hundred classes, small beside any backbone


class MLPHead(nn.Module):
    """LayerNorm, a hidden layer with GELU, then the classes.

    LayerNorm, not BatchNorm: the head must predict the same for one image as for a batch, in training too.

    Args:
        channels: size D of the pooled feature vector.
        num_classes: K.
        dropout: share of the hidden units zeroed in training.
    """

    def __init__(self, channels: int, num_classes: int, *, dropout: float = 0.0) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(channels)
        self.hidden = nn.Linear(channels, HIDDEN_FEATURES)
        self.activation = nn.GELU()
        self.dropout = nn.Dropout(dropout)
        self.output = nn.Linear(HIDDEN_FEATURES, num_classes)
        nn.init.trunc_normal_(self.output.weight, std=0.01)
        nn.init.zeros_(self.output.bias)

    def forward(self, pooled: Tensor) -> Tensor:
        """Map features (B, D) to logits (B, K)."""
        hidden = self.activation(self.hidden(self.norm(pooled)))
        logits: Tensor = self.output(self.dropout(hidden))
        return logits


SPEC = HeadSpec(task=CLASSIFICATION, takes="pooled", build=MLPHead, extend=extend_last_layer("output."))
