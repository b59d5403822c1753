"""FPN head: one light sum of all levels of the pyramid, read at its finest stride."""

from __future__ import annotations

from collections.abc import Sequence

from segmentation_models_pytorch.base import SegmentationHead
from segmentation_models_pytorch.decoders.fpn.decoder import FPNDecoder
from torch import nn

from vision_ft.errors import ModelError
from vision_ft.models.heads.pixels import PixelHead, check_doubling
from vision_ft.types import HeadSpec

NUM_LEVELS = 4  # the decoder is written for four maps
NORM_GROUPS = 32  # of the decoder's GroupNorm


def build(
    channels: Sequence[int], strides: Sequence[float], num_classes: int, *, dropout: float = 0.0, width: int = 128
) -> nn.Module:
    """Build the semantic branch of Panoptic FPN (Kirillov et al. 2019, arXiv:1901.02446, sec. 3).

    The decoder is that of segmentation-models-pytorch, with GroupNorm. We differ in the width of the pyramid: 128
    channels as in the branch, not 256.

    Args:
        channels: of the four maps, fine to coarse.
        strides: of the four maps, each twice the one before.
        num_classes: K.
        dropout: share of the decoder's channels zeroed in training.
        width: channels of the decoder, a multiple of 32.

    Raises:
        ModelError: another width, or another pyramid.
    """
    check_doubling(strides, head="fpn", levels=(NUM_LEVELS,))
    if width < 1 or width % NORM_GROUPS:
        raise ModelError(f"model.head_args.width: got {width}; the head 'fpn' takes multiples of {NORM_GROUPS}.")
    decoder = FPNDecoder(
        list(channels), encoder_depth=NUM_LEVELS, pyramid_channels=width, segmentation_channels=width, dropout=dropout
    )
    return PixelHead(decoder, SegmentationHead(width, num_classes, kernel_size=1), stride=strides[0])


SPEC = HeadSpec(task="segmentation", takes="pyramid", build=build)
