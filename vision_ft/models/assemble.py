"""Put a backbone and a head together behind one `forward`."""

from __future__ import annotations

from torch import Tensor, nn

from vision_ft.errors import ModelError, did_you_mean
from vision_ft.models.backbone import Backbone
from vision_ft.models.heads import HEADS
from vision_ft.models.stages import FrozenAware
from vision_ft.types import Features


class Classifier(FrozenAware):
    """A backbone with a head on its pooled vector.

    Attributes:
        backbone: gives `Features`.
        head: maps what it takes of them to logits.
        head_name: the head's key in `HEADS`.
        num_classes: K.
        dropout: share of the head's features zeroed in training.
    """

    def __init__(
        self, backbone: Backbone, head: nn.Module, *, head_name: str, num_classes: int, dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.backbone = backbone
        self.head = head
        self.head_name = head_name
        self.num_classes = num_classes
        self.dropout = dropout

    def forward(self, images: Tensor) -> Tensor:
        """Map pictures (B, C, H, W) to logits (B, K)."""
        return self.forward_head(self.forward_features(images))

    def forward_features(self, images: Tensor) -> Tensor:
        """Map pictures (B, C, H, W) to pooled features (B, D), the part that can be cached while it is frozen."""
        features: Features = self.backbone(images)
        assert features.pooled is not None, "a backbone called without arguments gives the pooled vector"
        return features.pooled

    def forward_head(self, pooled: Tensor) -> Tensor:
        """Map pooled features (B, D) to logits (B, K)."""
        logits: Tensor = self.head(pooled)
        return logits


def build_model(backbone: Backbone, head: str, num_classes: int, *, dropout: float = 0.0) -> Classifier:
    """Put a freshly initialised head on a backbone.

    Args:
        backbone: from `create_backbone`.
        head: a key of `HEADS`.
        num_classes: K, at least 1.
        dropout: share of the head's features zeroed in training, in [0, 1).

    Raises:
        ModelError: unknown head, or impossible numbers.
    """
    if head not in HEADS:
        raise ModelError(f"head: got {head!r}; allowed are {list(HEADS)}.{did_you_mean(head, HEADS)}")
    if num_classes < 1:
        raise ModelError(f"num_classes: got {num_classes}; a classifier needs at least 1 class.")
    if not 0 <= dropout < 1:
        raise ModelError(f"dropout: got {dropout}; it must lie in [0, 1).")
    module = HEADS[head].build(backbone.num_features, num_classes, dropout=dropout)
    return Classifier(backbone, module, head_name=head, num_classes=num_classes, dropout=dropout)
