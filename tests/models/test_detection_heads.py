"""The parts of the detection heads: where boxes of cells lie, how targets go in, what is refused."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from vision_ft.errors import ModelError
from vision_ft.models.heads.detection_common import (
    CellAnchors,
    DetectionPyramid,
    from_torchvision,
    image_list,
    to_torchvision,
)
from vision_ft.models.heads.faster_rcnn import FasterRCNNDetector
from vision_ft.models.heads.fcos import FCOSDetector, stretch_to_cell
from vision_ft.types import Target

CHANNELS, STRIDES = (8, 12, 16, 20), (4, 8, 16, 32)
BUILDERS = {"fcos": FCOSDetector, "faster-rcnn": FasterRCNNDetector}
both_heads = pytest.mark.parametrize("head", BUILDERS)


def build(head, *, strides=STRIDES, classes=2, **options):
    torch.manual_seed(0)
    return BUILDERS[head](CHANNELS[: len(strides)], strides, classes, width=64, **options)


def pyramid(height, width, *, count=1, strides=STRIDES):
    generator = torch.Generator().manual_seed(1)
    return [
        torch.rand(count, channels, -int(-height // stride), -int(-width // stride), generator=generator)
        for channels, stride in zip(CHANNELS, strides, strict=False)
    ]


def target_of(boxes, labels=None):
    boxes = torch.tensor(boxes, dtype=torch.float32).reshape(-1, 4)
    return Target(boxes=(boxes,), box_labels=(torch.tensor(labels or [0] * len(boxes), dtype=torch.int64),))


def anchors_of(generator, *shapes, count=1):
    return generator(image_list([torch.zeros(count, 1, 1, 1)], (8, 8)), [torch.zeros(count, 1, *s) for s in shapes])


# Boxes of cells


def test_the_boxes_of_cells_are_the_cells_row_by_row():
    (boxes,) = anchors_of(CellAnchors([8]), (2, 3))
    assert boxes.tolist() == [
        [0, 0, 8, 8],
        [8, 0, 16, 8],
        [16, 0, 24, 8],
        [0, 8, 8, 16],
        [8, 8, 16, 16],
        [16, 8, 24, 16],
    ]


def test_strides_of_a_patch_of_14_are_not_rounded():
    (boxes,) = anchors_of(CellAnchors([3.5, 7]), (1, 2), (1, 1))
    assert boxes.tolist() == [[0, 0, 3.5, 3.5], [3.5, 0, 7, 3.5], [0, 0, 7, 7]]


def test_anchors_have_one_area_and_the_ratios_of_height_to_width():
    (boxes,) = anchors_of(CellAnchors([8], scale=4, ratios=(0.25, 1, 4)), (1, 1))
    assert boxes.tolist() == [[-28, -4, 36, 12], [-12, -12, 20, 20], [-4, -28, 12, 36]]


def test_every_picture_of_the_batch_gets_the_same_boxes():
    boxes = anchors_of(CellAnchors([8]), (2, 2), count=3)
    assert len(boxes) == 3
    assert all(torch.equal(boxes[0], others) for others in boxes)


def test_the_pyramid_ends_one_level_coarser_and_leaves_finer_maps_out():
    maps = DetectionPyramid(CHANNELS, STRIDES, width=6, min_stride=8)
    assert maps.strides == (8, 16, 32, 64)
    assert [tuple(level.shape) for level in maps(pyramid(90, 120))] == [
        (1, 6, 12, 15),
        (1, 6, 6, 8),
        (1, 6, 3, 4),
        (1, 6, 2, 2),
    ]


@pytest.mark.parametrize(
    ("box", "expected"),
    [
        ((8, 8, 24, 24), (8, 8, 24, 24)),  # holds the middle of a cell
        ((0, 0, 1, 1), (0, 0, 4.5, 4.5)),  # of one pixel in a corner
        ((14, 2, 15, 30), (11.5, 2, 15, 30)),  # thin: only its width changes
        ((63, 63, 64, 64), (59.5, 59.5, 64, 64)),
        ((0, 10, 160, 18), (0, 7.5, 160, 18)),  # long: its map has cells of 16 px
        ((0, 0, 256, 4), (0, 0, 256, 16.5)),  # of 32 px
    ],
    ids=str,
)
def test_a_box_that_holds_no_middle_of_a_cell_is_stretched_to_the_nearest(box, expected):
    assert stretch_to_cell(torch.tensor([box]).float(), (8, 16, 32)).tolist() == [list(map(float, expected))]


# What fcos answers, from outputs written by hand


class Saying(nn.Module):
    """Towers that give the same outputs whatever they see."""

    def __init__(self, **outputs):
        super().__init__()
        self.outputs = outputs

    def forward(self, _maps):
        return self.outputs


def fcos_saying(*, cell, distances, label=0, size=(32, 32)):
    """A detector of two classes on stride 8 whose one sure cell says the distances to the sides, in strides."""
    head = build("fcos", strides=(8,))
    cells = (size[0] // 8) * (size[1] // 8) + (size[0] // 16) * (size[1] // 16)
    logits = torch.full((1, cells, 2), -20.0)
    logits[0, cell, label] = 20.0
    reach = torch.zeros(1, cells, 4)
    reach[0, cell] = torch.tensor(distances)
    head.detector.head = Saying(cls_logits=logits, bbox_regression=reach, bbox_ctrness=torch.zeros(1, cells, 1))
    return head


def test_a_cell_of_fcos_gives_the_box_around_its_middle():
    head = fcos_saying(cell=5, distances=[1.0, 0.5, 2.0, 1.5], label=1)  # second row, second cell: middle 12, 12
    (found,) = head(pyramid(32, 32, strides=(8,)), (32, 32))
    assert found.boxes.tolist() == [[4, 8, 28, 24]]
    assert found.labels.tolist() == [1]
    assert found.scores.tolist() == pytest.approx([0.5**0.5])  # sqrt(class probability 1 * centerness 0.5)


def test_boxes_end_at_the_border_of_the_picture_and_none_is_without_area():
    head = fcos_saying(cell=7, distances=[1.0, 1.0, 9.0, 9.0])  # middle 28, 12
    (found,) = head(pyramid(32, 32, strides=(8,)), (30, 31))
    assert found.boxes.tolist() == [[20, 4, 31, 30]]
    (none,) = fcos_saying(cell=7, distances=[0.0] * 4)(pyramid(32, 32, strides=(8,)), (30, 31))
    assert none.boxes.shape == (0, 4)
    assert none.scores.shape == none.labels.shape == (0,)


@pytest.mark.parametrize("corner", [(0, 0), (7.5, 7.5), (44, 27), (95, 63)], ids=str)
def test_fcos_learns_a_box_of_one_pixel_wherever_it_lies(corner):
    head = build("fcos", strides=(8, 16, 32))
    maps = pyramid(64, 96, strides=(8, 16, 32))
    x, y = corner
    assert head(maps, (64, 96), target_of([[x, y, x + 1, y + 1]]))["box"] > 0
    assert head(maps, (64, 96), target_of([]))["box"] == 0


@pytest.mark.parametrize("shape", [(160, 8), (8, 160), (250, 4), (120, 6), (60, 2)], ids=str)
def test_fcos_learns_a_thin_box_wherever_it_lies(shape):
    head, maps = build("fcos", strides=(8, 16, 32), depth=1), pyramid(256, 256, strides=(8, 16, 32))
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for _ in range(25):
            x, y = ((256 - side) * torch.rand((), generator=generator).item() for side in shape)
            assert head(maps, (256, 256), target_of([[x, y, x + shape[0], y + shape[1]]]))["box"] > 0, (x, y)


# What both do


@both_heads
def test_boxes_without_area_are_left_out(head):
    module, maps = build(head), pyramid(64, 96)
    boxes = [[10, 10, 40, 40], [20, 20, 20, 50], [5, 30, 60, 30]]

    def losses(target):
        torch.manual_seed(0)
        return module(maps, (64, 96), target)

    clean, mixed = losses(target_of(boxes[:1])), losses(target_of(boxes))
    assert clean.keys() == mixed.keys()
    assert all(torch.equal(clean[name], mixed[name]) for name in clean)


@both_heads
def test_what_one_size_of_picture_leaves_behind_does_not_change_another(head):
    used, fresh = build(head).eval(), build(head).eval()
    with torch.no_grad():
        used(pyramid(96, 96), (96, 96))
        (got,), (expected,) = (module(pyramid(90, 120), (90, 120)) for module in (used, fresh))
    assert torch.equal(got.boxes, expected.boxes)
    assert torch.equal(got.scores, expected.scores)


@both_heads
def test_a_target_without_boxes_is_our_own_mistake(head):
    with pytest.raises(AssertionError, match="needs the boxes of its target"):
        build(head)(pyramid(64, 64), (64, 64), Target())
    with pytest.raises(AssertionError, match="needs the box labels of its target"):
        build(head)(pyramid(64, 64), (64, 64), Target(boxes=(torch.zeros(0, 4),)))


def test_labels_are_moved_where_torchvision_keeps_0_for_the_background():
    (given,) = to_torchvision(target_of([[0, 0, 5, 5], [1, 1, 9, 9]], [0, 3]), first_label=1)
    assert given["labels"].tolist() == [1, 4]
    scored = {**given, "scores": torch.tensor([0.9, 0.4])}
    (found,) = from_torchvision([scored], first_label=1)
    assert found.labels.tolist() == [0, 3]
    assert found.boxes.tolist() == [[0, 0, 5, 5], [1, 1, 9, 9]]


@pytest.mark.parametrize("strides", [STRIDES, (3.5, 7, 14, 28)], ids=str)
def test_proposals_are_pooled_from_where_they_lie(strides):
    """Each map holds its own x in pixels, so what is pooled is the middle of the proposal, on every level."""
    pool = build("faster-rcnn", strides=strides).boxes.box_roi_pool
    size = int(64 * strides[0])
    maps = {
        str(level): (torch.arange(size / stride) * float(stride)).expand(1, 1, int(size // stride), -1).contiguous()
        for level, stride in enumerate(strides)
    }
    side = 14 * strides[0]
    boxes = torch.tensor([[40, 40, 40 + side * grown, 60.0 + side * grown] for grown in (0.5, 1, 2, 3)])
    pooled = pool(maps, [boxes], [(size, size)]).mean(dim=(1, 2, 3))
    assert torch.allclose(pooled, (boxes[:, 0] + boxes[:, 2]) / 2, atol=0.01)


@pytest.mark.parametrize(("cells", "level"), [(3, 0), (27, 0), (29, 1), (55, 1), (57, 2), (113, 3), (900, 3)])
def test_a_proposal_is_pooled_from_the_map_on_which_it_is_14_to_28_cells_wide(cells, level):
    side = 4.0 * cells
    mapper = build("faster-rcnn").boxes.box_roi_pool.map_levels
    assert mapper([torch.tensor([[0, 0, side, side]])]).tolist() == [level]


@both_heads
@pytest.mark.parametrize(
    ("options", "most"), [({}, 300), ({"max_boxes": 120}, 120), ({"max_boxes": 1500}, 1500)], ids=str
)
def test_as_many_boxes_a_picture_are_given_as_asked_for(head, options, most):
    module = build(head, **options).eval()
    lax_and_blind(module)
    with torch.no_grad():
        (found,) = module(pyramid(256, 256), (256, 256))
    assert len(found.scores) == most


def lax_and_blind(module):
    """Let a detector find something in all places: no score is too low, and no box is a double of another."""
    if isinstance(module, FCOSDetector):
        module.detector.score_thresh, module.detector.nms_thresh = 0.0, 1.0
        return
    module.proposals.nms_thresh, module.boxes.score_thresh, module.boxes.nms_thresh = 1.0, 0.0, 1.0


# What is refused


@both_heads
@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"min_stride": 64}, r"min_stride: got 64, but the maps have strides \[4, 8, 16, 32\]; allowed is at most 32"),
        ({"width": 0}, r"width: got 0; it must be above 0"),
        ({"max_boxes": 0}, r"max_boxes: got 0; it must be above 0"),
    ],
    ids=str,
)
def test_impossible_numbers_are_refused(head, options, text):
    with pytest.raises(ModelError, match=r"model\.head_args\." + text):
        BUILDERS[head](CHANNELS, STRIDES, 2, **options)


@pytest.mark.parametrize(
    ("head", "options", "text"),
    [
        ("fcos", {"width": 100}, r"width: got 100; the head 'fcos' takes multiples of 32 from 64 on\."),
        ("fcos", {"width": 32}, r"width: got 32; the head 'fcos' takes multiples of 32 from 64 on\."),
        ("fcos", {"depth": 0}, r"depth: got 0; it must be above 0\."),
        ("faster-rcnn", {"hidden": -1}, r"hidden: got -1; it must be above 0\."),
        ("faster-rcnn", {"anchor_scale": 0}, r"anchor_scale: got 0; it must be above 0\."),
    ],
    ids=str,
)
def test_options_of_one_head_are_checked(head, options, text):
    with pytest.raises(ModelError, match=r"model\.head_args\." + text):
        BUILDERS[head](CHANNELS, STRIDES, 2, **options)
