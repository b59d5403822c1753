"""Faster R-CNN head: a first stage proposes where something is, a second says what it is and corrects the box."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor, TwoMLPHead
from torchvision.models.detection.roi_heads import RoIHeads
from torchvision.models.detection.rpn import RegionProposalNetwork, RPNHead
from torchvision.ops import MultiScaleRoIAlign
from torchvision.ops.poolers import LevelMapper

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

ANCHOR_RATIOS = (0.5, 1.0, 2.0)
POOLED_SIDE = 7  # cells that a proposal is pooled to
# A proposal is pooled from the map on which it is 14 to 28 cells wide: two samples or more a pooled cell. These are
# the 224 px on stride 16 of Lin 2017 (arXiv:1612.03144, eq. 1), said in cells.
CELLS_A_PROPOSAL = 14
PROPOSALS_BEFORE_NMS = 1000  # a map
PROPOSALS_IN_TRAINING = 500  # an image
PROPOSALS = 300  # an image at least in evaluation, as in Ren 2015, sec. 3.3
PROPOSALS_A_BOX = 2  # then: some objects are proposed twice, and some places hold nothing
SAMPLED_ANCHORS = 256  # an image, half of them positive at most (Ren 2015, sec. 3.1.3)
SAMPLED_PROPOSALS = 128  # an image, a quarter of them positive at most (Girshick 2015, arXiv:1504.08083, sec. 2.3)
LOSS_NAMES = {
    "loss_objectness": "objectness",
    "loss_rpn_box_reg": "proposal_box",
    "loss_classifier": "classification",
    "loss_box_reg": "box",
}


class FasterRCNNDetector(nn.Module):
    """Two-stage detection (Ren 2015, arXiv:1506.01497) on a feature pyramid, made of torchvision's parts.

    The losses sample anchors and proposals with torch's global generator.

    Args:
        channels: channels of each map of the pyramid, fine to coarse.
        strides: input pixels a cell of each map covers; each map's is twice the one before.
        num_classes: K; no background class.
        dropout: share of the pyramid's channels zeroed in training.
        width: channels of the pyramid.
        hidden: features of the two layers of the second stage.
        anchor_scale: side of an anchor in strides of its map; 8 suits images of 800 px, as on COCO.
        min_stride: finer maps than this are left out.
        max_boxes: boxes per image that are given at most; twice as many are proposed.

    Raises:
        ModelError: impossible numbers.
    """

    def __init__(  # noqa: PLR0913 - what a recipe may set
        self,
        channels: Sequence[int],
        strides: Sequence[float],
        num_classes: int,
        *,
        dropout: float = 0.0,
        width: int = 128,
        hidden: int = 512,
        anchor_scale: float = 4.0,
        min_stride: float = 0,
        max_boxes: int = MAX_BOXES,
    ) -> None:
        super().__init__()
        check_positive(width=width, hidden=hidden, anchor_scale=anchor_scale, max_boxes=max_boxes)
        self.pyramid = DetectionPyramid(channels, strides, width=width, min_stride=min_stride, dropout=dropout)
        proposals = max(PROPOSALS, PROPOSALS_A_BOX * max_boxes)
        self.proposals = _build_proposals(self.pyramid, anchor_scale, proposals=proposals)
        self.boxes = _build_boxes(self.pyramid, num_classes, hidden=hidden, max_boxes=max_boxes)

    def forward(
        self, pyramid: Sequence[Tensor], size: tuple[int, int], target: Target | None = None
    ) -> dict[str, Tensor] | list[Detections]:
        """Map a pyramid of images of `size` (H, W) to losses where a target is given, else to detections.

        Returns:
            scalar float32 losses objectness, proposal_box, classification and box; or B `Detections`, at most
            `max_boxes` an image, whose score is the class probability.
        """
        maps = self.pyramid(pyramid)
        truths = None if target is None else to_torchvision(target, first_label=1)
        # Half precision has too few digits for coordinates, and both stages compute with them.
        with torch.autocast(maps[0].device.type, enabled=False), _giving_losses(self.proposals, self.boxes, truths):
            named = {str(level): features.float() for level, features in enumerate(maps)}
            proposed, losses = self.proposals(image_list(maps, size), named, truths)
            found, more_losses = self.boxes(named, proposed, [size] * len(proposed), truths)
        if target is None:
            return from_torchvision(found, first_label=1)
        return {LOSS_NAMES[name]: value for name, value in {**losses, **more_losses}.items()}


@contextmanager
def _giving_losses(proposals: nn.Module, boxes: nn.Module, truths: list[dict[str, Tensor]] | None) -> Iterator[None]:
    """Let both stages give losses where truths are given; torchvision ties that to the mode of training instead."""
    before = proposals.training, boxes.training
    proposals.training = boxes.training = truths is not None
    try:
        yield
    finally:
        proposals.training, boxes.training = before


def _build_proposals(pyramid: DetectionPyramid, anchor_scale: float, *, proposals: int) -> RegionProposalNetwork:
    return RegionProposalNetwork(
        CellAnchors(pyramid.strides, scale=anchor_scale, ratios=ANCHOR_RATIOS),
        RPNHead(pyramid.out_channels, len(ANCHOR_RATIOS)),
        fg_iou_thresh=0.7,
        bg_iou_thresh=0.3,
        batch_size_per_image=SAMPLED_ANCHORS,
        positive_fraction=0.5,
        pre_nms_top_n={"training": PROPOSALS_BEFORE_NMS, "testing": max(PROPOSALS_BEFORE_NMS, proposals)},
        post_nms_top_n={"training": PROPOSALS_IN_TRAINING, "testing": proposals},
        nms_thresh=0.7,
    )


def _build_boxes(pyramid: DetectionPyramid, num_classes: int, *, hidden: int, max_boxes: int) -> RoIHeads:
    strides = pyramid.strides[:-1]  # the top level only proposes
    pool = MultiScaleRoIAlign([str(level) for level in range(len(strides))], POOLED_SIDE, sampling_ratio=2)
    # torchvision would guess both from the first batch, as powers of two; a patch of 14 px has none.
    pool.scales = [1 / stride for stride in strides]
    pool.map_levels = LevelMapper(0, len(strides) - 1, canonical_scale=CELLS_A_PROPOSAL * strides[0], canonical_level=0)
    return RoIHeads(
        pool,
        TwoMLPHead(pyramid.out_channels * POOLED_SIDE**2, hidden),
        FastRCNNPredictor(hidden, num_classes + 1),
        fg_iou_thresh=0.5,
        bg_iou_thresh=0.5,
        batch_size_per_image=SAMPLED_PROPOSALS,
        positive_fraction=0.25,
        bbox_reg_weights=None,
        score_thresh=SCORE_THRESHOLD,
        nms_thresh=0.5,
        detections_per_img=max_boxes,
    )


SPEC = HeadSpec(task=DETECTION, takes="pyramid", build=FasterRCNNDetector)
