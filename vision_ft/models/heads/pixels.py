"""What the segmentation heads share: a decoder of segmentation-models-pytorch on maps of any size."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch.nn.functional as F
from torch import Tensor, nn

from vision_ft.errors import ModelError

if TYPE_CHECKING:
    from segmentation_models_pytorch.base import SegmentationHead


class PixelHead(nn.Module):
    """A decoder and its classifier.

    Args:
        decoder: list of maps, each exactly twice the size of the next -> one map (B, C, H, W).
        classifier: that map -> logits (B, K, H, W).
        stride: input pixels that a cell of the decoder's map covers.
    """

    def __init__(self, decoder: nn.Module, classifier: SegmentationHead, *, stride: float) -> None:
        from segmentation_models_pytorch.base.initialization import (  # here: only masks need it
            initialize_decoder,
            initialize_head,
        )

        super().__init__()
        self.decoder = decoder
        self.classifier = classifier
        self.stride = stride
        initialize_decoder(decoder)
        initialize_head(classifier)

    def forward(self, pyramid: Sequence[Tensor], size: tuple[int, int]) -> Tensor:
        """Map a pyramid, fine to coarse, of images of `size` (H, W) to logits (B, K, H, W)."""
        logits = self.classifier(self.decoder(pad_to_doubling(pyramid)))
        # Cells lie on a grid from the top left corner and may reach beyond the image, by padding here and in the
        # backbone. Cutting what lies beyond keeps every cell in its place; squeezing it in would shift the mask.
        reach = [max(side, round(cells * self.stride)) for side, cells in zip(size, logits.shape[2:], strict=True)]
        # Half precision has too few digits for what lies between two cells: pixels would jump where classes are close.
        full = F.interpolate(logits.float(), size=reach, mode="bilinear", align_corners=False)
        return full[..., : size[0], : size[1]]


def pad_to_doubling(pyramid: Sequence[Tensor]) -> list[Tensor]:
    """Pad maps with zeros at the bottom and right until each is exactly twice the size of the next."""
    last = len(pyramid) - 1
    height, width = (
        max(math.ceil(level.shape[axis] / 2 ** (last - number)) for number, level in enumerate(pyramid))
        for axis in (2, 3)
    )
    sizes = [(height * 2 ** (last - number), width * 2 ** (last - number)) for number in range(len(pyramid))]
    return [
        F.pad(level, (0, wide - level.shape[3], 0, high - level.shape[2]))
        for level, (high, wide) in zip(pyramid, sizes, strict=True)
    ]


def check_doubling(strides: Sequence[float], *, head: str, levels: Sequence[int]) -> None:
    """Refuse a pyramid that the decoder cannot take.

    Args:
        strides: of the maps, fine to coarse.
        head: the head's name.
        levels: numbers of maps that it takes.

    Raises:
        ModelError: another number of maps, or strides that do not double from map to map.
    """
    doubles = all(coarse == 2 * fine for fine, coarse in zip(strides, strides[1:], strict=False))
    if len(strides) not in levels or not doubles:
        counts = " or ".join(map(str, levels))
        raise ModelError(
            f"head {head!r}: got maps of strides {list(strides)}; it takes {counts} maps whose strides double, such as "
            "[4, 8, 16, 32]. Bring the backbone's maps to them with build_neck."
        )
