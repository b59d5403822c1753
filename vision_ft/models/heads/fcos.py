"""FCOS head: every cell of the pyramid says its class and how far the four sides of its box are away."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torchvision.models.detection.fcos import FCOS, FCOSHead

from vision_ft.errors import ModelError
from vision_ft.models.heads.detection_common import (
    MAX_BOXES,
    SCORE_THRESHOLD,
    CellAnchors,
    DetectionPyramid,
    check_positive,
    from_torchvision,
    image_list,
    to_torchvision,
)
from vision_ft.types import DETECTION, Detections, HeadSpec, Target

CANDIDATES = 1000  # of a map before doubles are dropped, as torchvision has it
NORM_GROUPS = 32  # of torchvision's towers; a group of one channel would be all zeros on a map of one cell
START_REACH = 2.0  # strides; at torchvision's 0 half of the cells start on the flat side of the ReLU and learn nothing
MAX_REACH = 8  # strides from a cell to the farthest side of a box that its map takes, as torchvision has it
LOSS_NAMES = {"classification": "classification", "bbox_regression": "box", "bbox_ctrness": "centerness"}


class FCOSDetector(nn.Module):
    """Anchor-free one-stage detection (Tian 2019, arXiv:1904.01355), made of torchvision's parts.

    Centre sampling of 1.5 strides, centerness on the box branch, focal and GIoU loss. The finest map takes boxes that
    reach up to 8 strides from the cell, each coarser one the next octave, the coarsest all that is larger. Unlike the
    paper, a box that holds no cell's middle of its map is stretched to the nearest one, so that every box is learned, a
    thin one thicker than it is by half a cell at most.

    Args:
        channels: channels of each map of the pyramid, fine to coarse.
        strides: input pixels a cell of each map covers.
        num_classes: K; no background class.
        dropout: share of the pyramid's channels zeroed in training.
        width: channels of the pyramid and the towers: a multiple of 32, at least 64.
        depth: convolutions of each tower; the paper has 4.
        min_stride: finer maps than this are left out.
        max_boxes: boxes per image that are given at most.

    Raises:
        ModelError: impossible numbers.
    """

    def __init__(
        self,
        channels: Sequence[int],
        strides: Sequence[float],
        num_classes: int,
        *,
        dropout: float = 0.0,
        width: int = 128,
        depth: int = 2,
        min_stride: float = 0,
        max_boxes: int = MAX_BOXES,
    ) -> None:
        super().__init__()
        check_positive(width=width, depth=depth, max_boxes=max_boxes)
        if width % NORM_GROUPS or width < 2 * NORM_GROUPS:
            raise ModelError(
                f"model.head_args.width: got {width}; the head 'fcos' takes multiples of {NORM_GROUPS} "
                f"from {2 * NORM_GROUPS} on."
            )
        pyramid = DetectionPyramid(channels, strides, width=width, min_stride=min_stride, dropout=dropout)
        towers = FCOSHead(width, 1, num_classes, num_convs=depth)
        nn.init.constant_(towers.regression_head.bbox_reg.bias, START_REACH)
        self.strides = pyramid.strides
        self.detector = FCOS(
            pyramid,
            num_classes,
            anchor_generator=CellAnchors(pyramid.strides),
            head=towers,
            score_thresh=SCORE_THRESHOLD,
            detections_per_img=max_boxes,
            topk_candidates=max(CANDIDATES, max_boxes),
        )

    def forward(
        self, pyramid: Sequence[Tensor], size: tuple[int, int], target: Target | None = None
    ) -> dict[str, Tensor] | list[Detections]:
        """Map a pyramid of images of `size` (H, W) to losses where a target is given, else to detections.

        Returns:
            scalar float32 losses classification, box and centerness; or B `Detections`, at most `max_boxes` a
            image, whose score is sqrt(class probability * centerness).
        """
        maps = self.detector.backbone(pyramid)
        # Half precision has too few digits for coordinates; only the convolutions may run in it.
        outputs = {name: values.float() for name, values in self.detector.head(maps).items()}
        anchors = self.detector.anchor_generator(image_list(maps, size), maps)
        cells = [features.shape[-2] * features.shape[-1] for features in maps]
        if target is not None:
            return self._losses(target, outputs, anchors=anchors, cells=cells)
        found = self.detector.postprocess_detections(
            {name: list(values.split(cells, dim=1)) for name, values in outputs.items()},
            [list(boxes.split(cells)) for boxes in anchors],
            [size] * len(anchors),
        )
        return from_torchvision(found, first_label=0)

    def _losses(
        self, target: Target, outputs: dict[str, Tensor], *, anchors: list[Tensor], cells: list[int]
    ) -> dict[str, Tensor]:
        truths = to_torchvision(target, first_label=0)
        for truth in truths:
            truth["boxes"] = stretch_to_cell(truth["boxes"], self.strides)
        losses = self.detector.compute_loss(truths, outputs, anchors, cells)
        return {LOSS_NAMES[name]: value for name, value in losses.items()}


def stretch_to_cell(boxes: Tensor, strides: Sequence[float]) -> Tensor:
    """Stretch boxes (N, 4) just so far that each holds the middle of the cell in which its own middle lies.

    The cell is one of the map that takes a box of this length. Only boxes thinner than such a cell, which may lie
    between the middles, ever change by more than half a pixel.

    Args:
        boxes: x1 y1 x2 y2 in pixels.
        strides: of the maps, fine to coarse; each is twice the one before.
    """
    low, high = boxes[:, :2], boxes[:, 2:]
    limits = boxes.new_tensor(strides[:-1]) * (MAX_REACH - 0.5)  # that cell's middle may be half a cell off
    level = torch.bucketize((high - low).amax(dim=1) / 2, limits, right=True)
    stride = boxes.new_tensor(strides)[level, None]
    middle = ((low + high) / 2 / stride).floor() * stride + stride / 2
    return torch.cat([torch.minimum(low, middle - 0.5), torch.maximum(high, middle + 0.5)], dim=1)


SPEC = HeadSpec(task=DETECTION, takes="pyramid", build=FCOSDetector, levels=(8, 16, 32))
