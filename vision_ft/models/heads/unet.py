"""U-Net head: level by level up to twice the finest map, for thin structures and sharp borders."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from vision_ft.models.heads.pixels import PixelHead, check_doubling
from vision_ft.types import SEGMENTATION, HeadSpec

WIDTHS = (256, 128, 64, 32, 16)  # of the blocks, coarse to fine; the library's own
CHANNELS_IN_GROUP = 8  # of GroupNorm: the smallest group, so that the narrowest block still has two


class UNetDecoder(nn.Module):
    """The decoder of segmentation-models-pytorch with GroupNorm for BatchNorm, and dropout.

    Args:
        channels: of the maps, fine to coarse.
        dropout: share of the channels of the result zeroed in training.
    """

    def __init__(self, channels: Sequence[int], *, dropout: float) -> None:
        from segmentation_models_pytorch.decoders.unet.decoder import UnetDecoder  # here: only masks need it

        super().__init__()
        widths = WIDTHS[: len(channels)]
        # The decoder expects the image's own channels first, and ignores them.
        self.blocks = UnetDecoder([0, *channels], decoder_channels=widths, n_blocks=len(widths))
        _use_group_norm(self.blocks)
        self.dropout = nn.Dropout2d(dropout)
        self.out_channels = widths[-1]

    def forward(self, pyramid: Sequence[Tensor]) -> Tensor:
        """Map maps, fine to coarse and each twice the next, to one (B, C, 2H, 2W) of twice the finest size H, W."""
        finest = pyramid[0]
        only_its_size_is_read = finest.new_empty(1, 0, 2 * finest.shape[2], 2 * finest.shape[3])
        decoded: Tensor = self.dropout(self.blocks([only_its_size_is_read, *pyramid]))
        return decoded


def build(channels: Sequence[int], strides: Sequence[float], num_classes: int, *, dropout: float = 0.0) -> nn.Module:
    """Build a U-Net decoder (Ronneberger et al. 2015, arXiv:1505.04597) on a pyramid.

    The decoder is that of segmentation-models-pytorch. We differ in the norm: GroupNorm (Wu & He 2018,
    arXiv:1803.08494). Training with `batchnorm="eval"`, the default on pretrained weights, freezes the statistics of
    every BatchNorm, and a new one that never learns any would not normalise. It has a price: on CamVid at 96 x 128
    px, frozen ResNet-18 features, 200 steps of 4 images, BatchNorm with moving statistics gave an mIoU of 0.41 for
    both of two seeds, GroupNorm 0.38 and 0.37.

    Args:
        channels: of the four or five maps, fine to coarse; five reach the image's own size if their strides
            start at 2, four half of it if they start at 4.
        strides: of the maps, each twice the one before.
        num_classes: K.
        dropout: share of the decoder's last channels zeroed in training.

    Raises:
        ModelError: another pyramid.
    """
    from segmentation_models_pytorch.base import SegmentationHead  # here: only masks need it

    check_doubling(strides, head="unet", levels=(4, 5))
    decoder = UNetDecoder(channels, dropout=dropout)
    return PixelHead(decoder, SegmentationHead(decoder.out_channels, num_classes, kernel_size=3), stride=strides[0] / 2)


def _use_group_norm(module: nn.Module) -> None:
    """Replace every BatchNorm below a module, in place; the library offers no GroupNorm here."""
    for name, child in module.named_children():
        if isinstance(child, nn.BatchNorm2d):
            setattr(module, name, nn.GroupNorm(child.num_features // CHANNELS_IN_GROUP, child.num_features))
        else:
            _use_group_norm(child)


SPEC = HeadSpec(task=SEGMENTATION, takes="pyramid", build=build, levels=(2, 4, 8, 16, 32))
