"""Any timm network as a backbone: a pooled vector, a pyramid of NCHW maps, and the preprocessing that it expects."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from vision_ft.models import preprocessing
from vision_ft.models.build_timm import build_network
from vision_ft.models.source import Source, resolve_source
from vision_ft.types import Features, Preprocessing

ISOTROPIC_MAPS = 4  # maps taken from a ViT, evenly spaced over its blocks (as in ViT-Adapter and DINOv2's heads)
NORM_ON_POOLED_ONLY = ("Hiera", "HieraDet")  # timm refuses to norm the maps of these networks


class Backbone(nn.Module):
    """A timm network without its classifier.

    Attributes:
        model: the timm network.
        num_features: size D of the pooled vector, the input of timm's own classifier.
        channels: channels of each map of the pyramid, fine to coarse.
        strides: input pixels a map cell covers, for each map.
        preprocessing: how its images are prepared.
        name: as the user gave it.
        architecture: timm's name without tag or source.
        model_args: arguments that rebuild `model` through `timm.create_model(architecture, **model_args)`.
    """

    def __init__(
        self, model: nn.Module, *, name: str, model_args: Mapping[str, Any], preprocessing: Preprocessing
    ) -> None:
        super().__init__()
        network: Any = model  # timm's networks share methods and attributes, but no base class states them
        self.model = model
        self.name = name
        self.architecture = str(network.pretrained_cfg["architecture"])
        self.model_args = dict(model_args)
        self.preprocessing = preprocessing
        self.num_features = _pooled_width(self)
        levels = network.feature_info
        self.pyramid_levels = _pyramid_levels([int(level["reduction"]) for level in levels])
        self.channels = tuple(int(levels[index]["num_chs"]) for index in self.pyramid_levels)
        self.strides = tuple(int(levels[index]["reduction"]) for index in self.pyramid_levels)

    @property
    def weights_id(self) -> str:
        """Hash of the architecture, its arguments and every weight as it is now; the key of cached features."""
        digest = hashlib.sha256(repr((self.architecture, sorted(self.model_args.items()))).encode())
        for name, value in self.model.state_dict().items():
            digest.update(f"{name}{tuple(value.shape)}{value.dtype}".encode())
            digest.update(value.detach().cpu().contiguous().flatten().view(torch.uint8).numpy())
        return digest.hexdigest()[:32]

    def forward(self, images: Tensor) -> Features:
        """Map images (B, C, H, W) to `Features` with `pooled` (B, D) only."""
        return Features(pooled=self.forward_pooled(images))

    def forward_pooled(self, images: Tensor) -> Tensor:
        """Map images (B, C, H, W) to the vector (B, D) that timm's classifier would read."""
        network: Any = self.model
        pooled: Tensor = network.forward_head(network.forward_features(images), pre_logits=True)
        return pooled.flatten(1)  # some networks keep (B, D, 1, 1) for a 1x1 convolution as classifier

    def forward_pyramid(self, images: Tensor) -> tuple[Tensor, ...]:
        """Map images (B, C, H, W) to maps (B, channels[i], H / strides[i], W / strides[i]), fine to coarse.

        Maps go through the network's final norm where timm can apply it, as DINOv2's own dense heads do: it was
        trained to follow the last block, and in a head without it would be a weight that never gets a gradient.
        """
        network: Any = self.model
        maps = network.forward_intermediates(
            images,
            indices=list(self.pyramid_levels),
            norm=type(network).__name__ not in NORM_ON_POOLED_ONLY,
            output_fmt="NCHW",
            intermediates_only=True,
        )
        return tuple(maps)


def create_backbone(
    name: str,
    *,
    pretrained: bool | str | Path = True,
    in_chans: int = 3,
    image_size: int | tuple[int, int] | None = None,
    drop_path: float = 0.0,
    model_args: Mapping[str, Any] | None = None,
    overrides: Mapping[str, Any] | None = None,
) -> Backbone:
    """Create a backbone by its timm name.

    Args:
        name: a timm name such as `resnet50` or `vit_small_patch16_224.augreg_in21k`, `hf-hub:owner/name`, or
            `local-dir:path`.
        pretrained: True for the weights timm publishes under this name, False for random ones, or the path of a
            .safetensors or weights-only .pt/.pth file with timm's parameter names; its classifier may have any size.
        in_chans: channels C of the images; pretrained first layers are adapted as timm does.
        image_size: side or (H, W) in pixels; None keeps the size of the pretraining. Position embeddings are resampled.
        drop_path: stochastic depth rate of the last block.
        model_args: further arguments of `timm.create_model`, such as `{"pad_type": "same"}`.
        overrides: preprocessing values: `mean`, `std`, `interpolation`, `crop_pct`, `crop_mode`.

    Raises:
        ModelError: unknown name, unusable weights or arguments, or an image size the network cannot take.
    """
    return backbone_from_source(
        resolve_source(name),
        pretrained=pretrained,
        in_chans=in_chans,
        image_size=image_size,
        drop_path=drop_path,
        model_args=model_args,
        overrides=overrides,
    )


def backbone_from_source(
    source: Source,
    *,
    pretrained: bool | str | Path,
    in_chans: int = 3,
    image_size: int | tuple[int, int] | None = None,
    drop_path: float = 0.0,
    model_args: Mapping[str, Any] | None = None,
    overrides: Mapping[str, Any] | None = None,
) -> Backbone:
    """Create a backbone from a resolved source; the arguments are those of `create_backbone`."""
    size = preprocessing.as_size(image_size) if image_size is not None else None
    settings = preprocessing.resolve(source.cfg, in_chans=in_chans, image_size=size, overrides=overrides)
    model, arguments = build_network(
        source, pretrained=pretrained, in_chans=in_chans, size=size, drop_path=drop_path, model_args=model_args or {}
    )
    return Backbone(model, name=source.name, model_args=arguments, preprocessing=settings)


def _pooled_width(backbone: Backbone) -> int:
    """Run one empty image: the width is what comes out, not what an attribute claims."""
    was_training = backbone.training
    backbone.eval()
    with torch.no_grad():
        width = backbone.forward_pooled(torch.zeros(1, *backbone.preprocessing.size)).shape[1]
    backbone.train(was_training)
    return int(width)


def _pyramid_levels(reductions: list[int]) -> tuple[int, ...]:
    if len(set(reductions)) > 1 or len(reductions) <= ISOTROPIC_MAPS:
        return tuple(range(len(reductions)))
    depth = len(reductions)
    return tuple((step + 1) * depth // ISOTROPIC_MAPS - 1 for step in range(ISOTROPIC_MAPS))
