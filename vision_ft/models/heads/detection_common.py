"""What the detection heads share: a feature pyramid, boxes around its cells, and the way in and out of torchvision."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.image_list import ImageList
from torchvision.ops.feature_pyramid_network import FeaturePyramidNetwork, LastLevelMaxPool

from vision_ft.errors import ModelError
from vision_ft.types import CROWD, Detections, Target

MAX_BOXES = 300  # an image; COCO's 100 would leave objects of a crowded image out, whatever their score
SCORE_THRESHOLD = 0.05  # a head gives no box below it: there are thousands; the threshold of use is chosen on val


class DetectionPyramid(nn.Module):
    """A feature pyramid of one width, with one coarser level on top (Lin 2017, arXiv:1612.03144, sec. 3).

    Args:
        channels: channels of each map, fine to coarse.
        strides: input pixels a cell of each map covers.
        width: channels of every map that comes out.
        min_stride: finer maps than this are left out.
        dropout: share of the channels of each map zeroed in training.

    Attributes:
        out_channels: `width`.
        strides: of the maps that come out; the last is twice the one before.

    Raises:
        ModelError: no map is left, or impossible numbers.
    """

    def __init__(
        self,
        channels: Sequence[int],
        strides: Sequence[float],
        *,
        width: int,
        min_stride: float = 0,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        check_positive(width=width)
        used = [level for level, stride in enumerate(strides) if stride >= min_stride]
        if not used:
            raise ModelError(
                f"model.head_args.min_stride: got {min_stride}, but the maps have strides {list(strides)}; "
                f"allowed is at most {strides[-1]}."
            )
        self.first = used[0]
        self.out_channels = width
        self.strides = (*(float(strides[level]) for level in used), 2.0 * strides[-1])
        # The top level is a subsampled copy without weights: an image under 256 px has next to no box that could
        # train a convolution there.
        self.fpn = FeaturePyramidNetwork([channels[level] for level in used], width, extra_blocks=LastLevelMaxPool())
        self.dropout = nn.Dropout2d(dropout)

    def forward(self, pyramid: Sequence[Tensor]) -> list[Tensor]:
        """Map a pyramid, fine to coarse, to maps (B, width, ceil(H / strides[i]), ceil(W / strides[i]))."""
        named = {str(level): features for level, features in enumerate(pyramid[self.first :])}
        return [self.dropout(features) for features in self.fpn(named).values()]


class CellAnchors(AnchorGenerator):
    """Boxes around the middle of every cell, computed anew from the strides at each call.

    torchvision's own generator divides image by map in whole numbers: at 90 px a map of stride 8 has 12 cells, and
    it would step by 7 px; a patch of 14 px gives strides of 3.5 and 7. It also keeps tensors between calls.

    Args:
        strides: input pixels a cell of each map covers.
        scale: side of a square box in strides of its map.
        ratios: height / width of the boxes of each cell; their area is the same.
    """

    def __init__(self, strides: Sequence[float], *, scale: float = 1.0, ratios: Sequence[float] = (1.0,)) -> None:
        super().__init__(tuple((scale * stride,) for stride in strides), (tuple(ratios),) * len(strides))
        self.strides = tuple(strides)

    def forward(self, image_list: ImageList, feature_maps: Sequence[Tensor]) -> list[Tensor]:
        """Return the boxes (N, 4) of all cells, map by map and row by row, once for each of B images."""
        boxes = torch.cat([self._around(index, features) for index, features in enumerate(feature_maps)])
        return [boxes] * len(image_list.image_sizes)

    def _around(self, index: int, features: Tensor) -> Tensor:
        (height, width), stride = features.shape[-2:], self.strides[index]
        x, y = ((torch.arange(count, device=features.device) + 0.5) * stride for count in (width, height))
        middle_y, middle_x = torch.meshgrid(y, x, indexing="ij")
        middles = torch.stack([middle_x, middle_y], dim=-1).reshape(-1, 1, 2)
        half = torch.tensor(
            [[side / math.sqrt(ratio) / 2, side * math.sqrt(ratio) / 2] for ratio, side in self._shapes(index)],
            device=features.device,
        )
        return torch.cat([middles - half, middles + half], dim=-1).reshape(-1, 4)

    def _shapes(self, index: int) -> list[tuple[float, float]]:
        return [(ratio, side) for side in self.sizes[index] for ratio in self.aspect_ratios[index]]


def image_list(pyramid: Sequence[Tensor], size: tuple[int, int]) -> ImageList:
    """State the size (H, W) of B images the way torchvision reads it; the pixels themselves are not needed."""
    return ImageList(pyramid[0], [size] * len(pyramid[0]))


def to_torchvision(target: Target, *, first_label: int) -> list[dict[str, Tensor]]:
    """Hand a target over as torchvision takes it: one {"boxes", "labels"} an image.

    Crowds are left out, since nobody can say which boxes they are made of; and boxes without area: a crop at the
    image's border can make one, and its logarithm is not finite.

    Args:
        target: with `boxes` and `box_labels`.
        first_label: what class 0 is called; 1 where torchvision keeps 0 for the background.
    """
    assert target.boxes is not None, "a detection head needs the boxes of its target"
    assert target.box_labels is not None, "a detection head needs the box labels of its target"
    converted = []
    marks = target.box_marks or [torch.zeros_like(labels) for labels in target.box_labels]
    for boxes, labels, marked in zip(target.boxes, target.box_labels, marks, strict=True):
        boxes = boxes.reshape(-1, 4).float()
        learned = (boxes[:, 2:] > boxes[:, :2]).all(dim=1) & (marked != CROWD)
        converted.append({"boxes": boxes[learned], "labels": labels[learned] + first_label})
    return converted


def from_torchvision(found: Sequence[Mapping[str, Tensor]], *, first_label: int) -> list[Detections]:
    """Return what torchvision found, most certain first; boxes that clipping left without area are dropped."""
    converted = []
    for picture in found:
        boxes = picture["boxes"]
        solid = (boxes[:, 2:] > boxes[:, :2]).all(dim=1)
        converted.append(Detections(boxes[solid], picture["scores"][solid], picture["labels"][solid] - first_label))
    return converted


def check_positive(**values: float) -> None:
    """Refuse values that are not above 0.

    Raises:
        ModelError: naming the value.
    """
    for name, value in values.items():
        if value <= 0:
            raise ModelError(f"model.head_args.{name}: got {value}; it must be above 0.")
