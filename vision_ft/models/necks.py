"""Bring the pyramid of any backbone to the strides that a head reads."""

from __future__ import annotations

import math
from collections.abc import Sequence

from timm.layers import LayerNorm2d
from torch import Tensor, nn

# Channels of a map that is made. Under DeiT-tiny at 256 px (1.7 GMAC itself) 128 cost 1.0 GMAC, ViTDet's 256 cost 3.9.
MADE_WIDTH = 128
FINEST_MADE = 4  # a finer map made from coarse ones holds nothing new, and is the dearest of all


class Neck(nn.Module):
    """Maps of the backbone in, maps of the head out.

    Attributes:
        sources: for each map of the head, the index of the backbone's map that it comes from; the others are unused.
    """

    def __init__(self, levels: Sequence[nn.Module], sources: Sequence[int]) -> None:
        super().__init__()
        self.levels = nn.ModuleList(levels)
        self.sources = tuple(sources)

    def forward(self, pyramid: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """Map the backbone's maps (B, C, H, W) to the head's, fine to coarse."""
        return tuple(level(pyramid[source]) for level, source in zip(self.levels, self.sources, strict=True))


def build_neck(
    channels: Sequence[int], strides: Sequence[int], *, wanted: Sequence[int] = (4, 8, 16, 32)
) -> tuple[Neck, tuple[int, ...], tuple[float, ...]]:
    """Build what turns a backbone's pyramid into the maps at the wanted strides.

    A map that has a wanted stride is handed on as it is. A missing one is made from the nearest map by deconvolutions
    or max-pooling, as in ViTDet's simple feature pyramid (Li et al. 2022, arXiv:2203.16527, sec. 3). Where all strides
    are equal (ViT, DeiT, DINOv2) this is that pyramid itself: every map is made from the last one. We differ in
    the width: 128 channels, not 256.

    Args:
        channels: of the backbone's maps, fine to coarse.
        strides: of the backbone's maps, in input pixels.
        wanted: strides of the head's maps, each twice the one before. For a backbone that ends coarser (LeViT: 64), all
            are shifted by as many levels, so that its deepest features are read.

    Returns:
        the neck, and channels and strides of its maps, fine to coarse. Maps are made by factors of two, so the
        strides of a patch of 14 are 3.5, 7, 14 and 28. Strides below 4 are left out where the backbone has none.
    """
    shift = max(1, strides[-1] // wanted[-1])
    is_isotropic = len(set(strides)) == 1
    levels: list[nn.Module] = []
    sources, out_channels, out_strides = [], [], []
    for stride in (value * shift for value in wanted if value >= FINEST_MADE or value in strides):
        source = _nearest(strides, stride)
        doublings = round(math.log2(strides[source] / stride))
        is_made = is_isotropic or doublings != 0
        levels.append(_made_level(channels[source], doublings) if is_made else nn.Identity())
        sources.append(source)
        out_channels.append(MADE_WIDTH if is_made else channels[source])
        out_strides.append(_scaled(strides[source], doublings))
    return Neck(levels, sources), tuple(out_channels), tuple(out_strides)


def _nearest(strides: Sequence[int], stride: int) -> int:
    """Return the index of the deepest of the maps whose stride is nearest by ratio."""
    return min(reversed(range(len(strides))), key=lambda index: abs(math.log2(strides[index] / stride)))


def _scaled(stride: int, doublings: int) -> float:
    exact = stride / 2**doublings
    return int(exact) if exact.is_integer() else exact


def _made_level(channels: int, doublings: int) -> nn.Sequential:
    """Resample a map by `2**doublings`, then a 1x1 and a 3x3 convolution, each with LayerNorm, as ViTDet does."""
    layers: list[nn.Module] = []
    for number in range(doublings):
        halved = max(channels // 2, MADE_WIDTH)
        layers.append(nn.ConvTranspose2d(channels, halved, kernel_size=2, stride=2))
        if number < doublings - 1:
            layers += [LayerNorm2d(halved), nn.GELU()]
        channels = halved
    # Rounded up, as the padded convolutions of CNNs do: the odd last row of a map is kept.
    layers += [nn.MaxPool2d(kernel_size=2, stride=2, ceil_mode=True) for _ in range(-doublings)]
    return nn.Sequential(
        *layers,
        nn.Conv2d(channels, MADE_WIDTH, kernel_size=1, bias=False),
        LayerNorm2d(MADE_WIDTH),
        nn.Conv2d(MADE_WIDTH, MADE_WIDTH, kernel_size=3, padding=1, bias=False),
        LayerNorm2d(MADE_WIDTH),
    )
