"""Put a backbone and a head together behind one `forward`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, ClassVar, Literal

from torch import Tensor, nn

from vision_ft.errors import ModelError, did_you_mean
from vision_ft.models.backbone import Backbone
from vision_ft.models.heads import HEADS
from vision_ft.models.heads.columns import ColumnHeads
from vision_ft.models.necks import build_neck
from vision_ft.models.stages import FrozenAware
from vision_ft.options import options_of, refuse_others
from vision_ft.types import Features, Target

COLUMNS = "columns"  # of head_args: numbers of classes of label columns


class VisionModel(FrozenAware):
    """A backbone with a head.

    Attributes:
        backbone: gives `Features`.
        head: maps what it takes of them to the outputs of its task.
        head_name: the head's key in `HEADS`.
        num_classes: K.
        dropout: share of the head's features zeroed in training.
        head_args: all further arguments of the head, so that it can be rebuilt.
        takes: which part of the backbone's features the head reads.
    """

    takes: ClassVar[Literal["pooled", "pyramid"]]

    def __init__(
        self,
        backbone: Backbone,
        head: nn.Module,
        *,
        head_name: str,
        num_classes: int,
        dropout: float = 0.0,
        head_args: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__()
        self.backbone = backbone
        self.head = head
        self.head_name = head_name
        self.num_classes = num_classes
        self.dropout = dropout
        self.head_args = dict(head_args or {})


class Classifier(VisionModel):
    """A backbone with a head on its pooled vector."""

    takes = "pooled"

    def forward(self, images: Tensor) -> Tensor:
        """Map images (B, C, H, W) to logits (B, K)."""
        return self.forward_head(self.forward_features(images))

    def forward_features(self, images: Tensor) -> Tensor:
        """Map images (B, C, H, W) to pooled features (B, D), the part that can be cached while it is frozen."""
        features: Features = self.backbone(images)
        assert features.pooled is not None, "a backbone called without arguments gives the pooled vector"
        return features.pooled

    def forward_head(self, pooled: Tensor) -> Tensor:
        """Map pooled features (B, D) to logits (B, K)."""
        logits: Tensor = self.head(pooled)
        return logits


class PyramidHead(nn.Module):
    """A neck, which brings the backbone's maps to the strides that the head reads, and the head.

    Args:
        neck: maps of the backbone -> maps of the head.
        decoder: the head as the registry builds it.
    """

    def __init__(self, neck: nn.Module, decoder: nn.Module) -> None:
        super().__init__()
        self.neck = neck
        self.decoder = decoder

    def forward(self, pyramid: Sequence[Tensor], size: tuple[int, int], target: Target | None = None) -> Any:
        """Return what the decoder gives for maps of images of `size` (H, W)."""
        maps = self.neck(pyramid)
        return self.decoder(maps, size) if target is None else self.decoder(maps, size, target)


class DenseModel(VisionModel):
    """A backbone with a head on its pyramid: masks or boxes.

    Everything outside the backbone, the neck too, belongs to the parameter group "head".
    """

    takes = "pyramid"

    def forward(self, images: Tensor, target: Target | None = None) -> Any:
        """Map images (B, C, H, W) to logits (B, K, H, W), or to B `Detections`.

        Given a target, a detector returns its losses by name instead.
        """
        size = (int(images.shape[-2]), int(images.shape[-1]))
        return self.head(self.forward_features(images), size, target)

    def forward_features(self, images: Tensor) -> tuple[Tensor, ...]:
        """Map images (B, C, H, W) to the maps of the backbone, fine to coarse."""
        return self.backbone.forward_pyramid(images)


def build_model(
    backbone: Backbone,
    head: str,
    num_classes: int,
    *,
    dropout: float = 0.0,
    head_args: Mapping[str, Any] | None = None,
) -> Classifier | DenseModel:
    """Put a freshly initialised head on a backbone.

    Args:
        backbone: from `create_backbone`.
        head: a key of `HEADS`.
        num_classes: K, at least 1.
        dropout: share of the head's features zeroed in training, in [0, 1).
        head_args: further arguments of the head, such as its width; "columns" of a pooled head lists numbers of
            classes, which sum to K, and makes a head for each.

    Raises:
        ModelError: unknown head, arguments that it does not take, or impossible numbers.
    """
    if head not in HEADS:
        raise ModelError(f"head: got {head!r}; allowed are {list(HEADS)}.{did_you_mean(head, HEADS)}")
    if num_classes < 1:
        raise ModelError(f"num_classes: got {num_classes}; a classifier needs at least 1 class.")
    if not 0 <= dropout < 1:
        raise ModelError(f"dropout: got {dropout}; it must lie in [0, 1).")
    spec, given = HEADS[head], dict(head_args or {})
    columns = {COLUMNS: given.pop(COLUMNS)} if spec.takes == "pooled" and COLUMNS in given else {}
    options = _resolve_options(head, given) | columns
    kept: dict[str, Any] = {
        "head_name": head,
        "num_classes": num_classes,
        "dropout": dropout,
        "head_args": options,
    }
    if spec.takes == "pooled":
        return Classifier(backbone, _build_pooled(head, backbone.num_features, num_classes, dropout, options), **kept)
    neck, channels, strides = build_neck(backbone.channels, backbone.strides, wanted=spec.levels)
    decoder = spec.build(channels, strides, num_classes, dropout=dropout, **options)
    return DenseModel(backbone, PyramidHead(neck, decoder), **kept)


def _build_pooled(head: str, features: int, num_classes: int, dropout: float, options: Mapping[str, Any]) -> nn.Module:
    """Return one head, or one for each column."""
    own = {name: value for name, value in options.items() if name != COLUMNS}
    build = partial(HEADS[head].build, **own)
    sizes = options.get(COLUMNS)
    if sizes is None:
        return build(features, num_classes, dropout=dropout)
    if sum(sizes) != num_classes or min(sizes, default=0) < 1:
        raise ModelError(f"model.head_args.columns: {sizes} classes a column do not make the {num_classes} outputs.")
    return ColumnHeads(build, features, sizes=sizes, dropout=dropout)


def _resolve_options(head: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return all arguments of a head, stated with the model, so that a later default does not change it.

    Raises:
        ModelError: it does not take one.
    """
    known = options_of(HEADS[head].build, without=["dropout"])
    refuse_others(given, sorted(known), key="model.head_args", owner=f"the head {head!r}", error=ModelError)
    return {name: given.get(name, known[name]) for name in sorted(known)}
