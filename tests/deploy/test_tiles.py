"""Tiles cover an image, and their answers join without seams or doubles."""

from __future__ import annotations

import weakref

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from vision_ft.deploy.boxes import BoxPredictor
from vision_ft.deploy.options import Options, check_options, choose_plan
from vision_ft.deploy.tiles import TilePlan, blend_shares, merge_boxes, plan_tiles, plan_whole
from vision_ft.errors import RecipeError
from vision_ft.models import masks
from vision_ft.models.masks import label_map
from vision_ft.types import ClassSpace, Detections, Preprocessing


def detections(*rows) -> Detections:
    """Each row is x1 y1 x2 y2 score label."""
    values = torch.tensor(rows, dtype=torch.float32).reshape(-1, 6)
    return Detections(values[:, :4], values[:, 4], values[:, 5].long())


@pytest.mark.parametrize(("size", "tile", "overlap"), [
    ((100, 250), (64, 64), 0.25), ((65, 64), (64, 64), 0.0), ((40, 300), (64, 100), 0.5), ((7, 5), (3, 2), 0.75),
])  # fmt: skip
def test_tiles_cover_every_pixel_and_overlap_as_asked(size, tile, overlap):
    plan = plan_tiles(size, tile, overlap=overlap)
    covered = np.zeros(size, dtype=int)
    for x1, y1, x2, y2 in plan.boxes:
        assert (y2 - y1, x2 - x1) == plan.tile
        covered[y1:y2, x1:x2] += 1
    assert covered.shape == size
    assert covered.min() >= 1
    for starts, side in ((plan.tops, plan.tile[0]), (plan.lefts, plan.tile[1])):
        common = [side - (after - before) for before, after in zip(starts, starts[1:], strict=False)]
        assert all(shared >= int(overlap * side) for shared in common)


def test_a_picture_no_larger_than_a_tile_is_one_tile():
    assert plan_tiles((48, 60), (64, 64)) == plan_whole((48, 60))


@pytest.mark.parametrize("overlap", [-0.1, 0.8])
def test_an_overlap_that_cannot_be_is_refused(overlap):
    with pytest.raises(RecipeError, match=rf"overlap: got {overlap}; allowed is a share of the tile from 0 to 0.75"):
        plan_tiles((100, 100), (50, 50), overlap=overlap)


def test_tiles_of_constant_shares_blend_to_the_constant():
    plan = plan_tiles((150, 210), (64, 48))
    shares = torch.tensor([0.2, 0.5, 0.3])[:, None, None].expand(3, *plan.tile)
    labels, confidence = blend_shares(plan, [shares] * len(plan))
    assert (labels == 1).all()
    assert confidence == pytest.approx(np.full((150, 210), 0.5), abs=1e-6)


def test_a_fully_convolutional_model_shows_no_seam():
    """Cells see 3 pixels around them: away from the tiles' faded borders they answer as in the whole image."""
    generator = torch.Generator().manual_seed(0)
    picture = torch.rand(1, 3, 120, 170, generator=generator)
    smooth = F.avg_pool2d(picture, 3, stride=1, padding=1, count_include_pad=False)[0].softmax(dim=0)
    plan = plan_tiles((120, 170), (64, 64), overlap=0.5)
    parts = [
        F.avg_pool2d(picture[:, :, y1:y2, x1:x2], 3, stride=1, padding=1, count_include_pad=False)[0].softmax(dim=0)
        for x1, y1, x2, y2 in plan.boxes
    ]
    labels, confidence = blend_shares(plan, parts)
    best, whole = smooth.max(dim=0)
    assert confidence == pytest.approx(best.numpy(), abs=1e-3)
    assert (labels == whole.numpy()).mean() > 0.999


def test_two_tiles_that_disagree_change_over_without_a_step():
    plan = TilePlan((8, 96), (8, 64), (0,), (0, 32))
    low, high = (torch.tensor([a, 1 - a])[:, None, None].expand(2, 8, 64) for a in (0.9, 0.6))
    _, confidence = blend_shares(plan, [low, high])
    assert confidence[0, 0] == pytest.approx(0.9)
    assert confidence[0, -1] == pytest.approx(0.6)
    assert np.abs(np.diff(confidence[0])).max() < 0.3 / 10


def test_blending_one_tile_changes_no_bit():
    logits = torch.randn(3, 16, 16, generator=torch.Generator().manual_seed(0))
    labels, confidence = blend_shares(plan_whole((50, 70)), [masks.class_shares(logits, (50, 70))])
    expected = label_map(logits, (50, 70))
    assert np.array_equal(labels, expected[0])
    assert np.array_equal(confidence, expected[1])


def test_class_after_class_gives_the_bits_of_all_at_once(monkeypatch):
    logits = torch.randn(4, 16, 16, generator=torch.Generator().manual_seed(0))
    expected = label_map(logits, (50, 70))
    monkeypatch.setattr(masks, "MAX_VALUES", 10)
    for found, wanted in zip(label_map(logits, (50, 70)), expected, strict=True):
        assert np.array_equal(found, wanted)
        assert found.dtype == wanted.dtype


def test_tiles_are_let_go_as_soon_as_they_are_summed_up():
    plan, given, alive = plan_tiles((640, 64), (64, 64)), [], []

    def parts():
        for _ in plan.boxes:
            alive.append(sum(reference() is not None for reference in given))
            part = torch.full((2, 64, 64), 0.5)
            given.append(weakref.ref(part))
            yield part
            del part

    blend_shares(plan, parts())
    assert len(given) == len(plan)
    assert max(alive) <= 1


def test_boxes_move_to_their_tile_and_doubles_in_the_overlap_become_one():
    plan = TilePlan((64, 112), (64, 64), (0,), (0, 48))
    left = detections((51, 10, 61, 20, 0.8, 0), (5, 5, 15, 15, 0.7, 1))
    right = detections((3, 10, 13, 20, 0.9, 0), (40, 30, 60, 50, 0.6, 0))
    merged = merge_boxes(plan, [left, right])
    assert merged.boxes.tolist() == [[51, 10, 61, 20], [5, 5, 15, 15], [88, 30, 108, 50]]
    assert merged.scores.tolist() == pytest.approx([0.9, 0.7, 0.6])
    assert merged.labels.tolist() == [0, 1, 0]


def test_a_box_cut_by_a_tile_goes_where_the_neighbour_has_it_whole_even_if_it_is_surer():
    plan = TilePlan((64, 112), (64, 64), (0,), (0, 48))
    cut, whole = (54, 10, 64, 20, 0.95, 0), (6, 10, 36, 20, 0.6, 0)  # of one object at x 54 to 84
    assert merge_boxes(plan, [detections(cut), detections(whole)]).boxes.tolist() == [[54, 10, 84, 20]]
    other_class = (6, 10, 36, 20, 0.6, 1)
    assert len(merge_boxes(plan, [detections(cut), detections(other_class)]).boxes) == 2


def test_a_cut_box_stays_where_only_its_own_tile_has_a_whole_one_around_it():
    plan = TilePlan((64, 112), (64, 64), (0,), (0, 48))
    cut, around = (50, 10, 64, 20, 0.9, 0), (30, 5, 61, 25, 0.6, 0)
    assert len(merge_boxes(plan, [detections(cut, around), detections()]).boxes) == 2


class Answering(nn.Module):
    """A model that gives each tile the same boxes."""

    def __init__(self, *rows):
        super().__init__()
        self.found = detections(*rows)

    def forward(self, images):
        return [self.found] * len(images)


def test_a_certain_box_is_not_lost_to_an_uncertain_one_around_it():
    """Both tiles see an object cut at 0.9 and something vague around it, which the threshold then takes."""
    cut = (0, 20, 100, 60, 0.9, 0)
    vague = (3, 10, 97, 70, 0.06, 0)
    reading = Preprocessing((3, 100, 100), 1.0, "squash", "bilinear", (0.5,) * 3, (0.5,) * 3)
    model = BoxPredictor(Answering(cut, vague), classes=ClassSpace(("car",)), preprocessing=reading)
    (answer,) = model.predict(np.zeros((100, 175, 3), np.uint8), tile=100, threshold=0.5)
    assert answer.box_scores == pytest.approx([0.9, 0.9])
    (answer,) = model.predict(np.zeros((100, 175, 3), np.uint8), tile=100)
    assert answer.box_scores == pytest.approx([0.9, 0.9]), "the classes' own thresholds too"


def test_a_threshold_below_which_no_box_is_given_is_refused_and_0_gives_all():
    reading = Preprocessing((3, 100, 100), 1.0, "squash", "bilinear", (0.5,) * 3, (0.5,) * 3)
    model = BoxPredictor(Answering((0, 20, 100, 60, 0.06, 0)), classes=ClassSpace(("car",)), preprocessing=reading)
    picture = np.zeros((100, 100, 3), np.uint8)
    with pytest.raises(RecipeError, match=r"threshold: got 0.01, but a detector gives no box with a score below 0.05; "
                       r"allowed is a score from 0.05 to 1, or 0 for all boxes that it gives\."):  # fmt: skip
        model.predict(picture, threshold=0.01)
    assert [len(model.predict(picture, threshold=value)[0].boxes) for value in (0, 0.05, 0.07)] == [1, 1, 0]


def test_a_box_at_the_border_of_the_picture_is_not_cut():
    plan = TilePlan((64, 112), (64, 64), (0,), (0, 48))
    small, around = (0, 10, 10, 20, 0.9, 0), (0, 5, 30, 40, 0.8, 0)
    assert len(merge_boxes(plan, [detections(small, around), detections()]).boxes) == 2


def test_boxes_of_one_tile_stay_as_they_are():
    found = detections((0, 0, 10, 10, 0.9, 0), (0, 0, 10, 9, 0.8, 0))
    assert merge_boxes(plan_whole((64, 64)), [found]) is found


@pytest.mark.parametrize(("size", "tile", "count"), [
    ((90, 96), "auto", 1), ((64, 97), "auto", 2), ((90, 96), True, 4), ((640, 640), False, 1), ((64, 64), 32, 9),
    ((97, 64), None, 2)])  # fmt: skip
def test_tiles_are_made_from_one_and_a_half_training_pictures_on(size, tile, count):
    assert len(choose_plan(size, Options(tile=tile), usual=(64, 64))) == count


def test_without_a_training_size_tiles_need_a_side():
    assert len(choose_plan((640, 640), Options(), usual=None)) == 1
    with pytest.raises(RecipeError, match="does not say how large its training images were. Give a side in pixels"):
        choose_plan((640, 640), Options(tile=True), usual=None)


@pytest.mark.parametrize(("options", "text"), [
    (Options(tile="big"), 'tile: got "big"; allowed: "auto", True, False, or the side of a tile in pixels'),
    (Options(tile=0), "tile: got 0 x 0 pixels; a tile needs sides of 1 pixel and more"),
    (Options(overlap=2), "overlap: got 2; allowed"),
    (Options(threshold=1.5), "threshold: got 1.5; allowed is a score from 0 to 1"),
    (Options(calibrated=True), "calibrated: a model for detection does not take it. Allowed: tile, overlap, threshold"),
    (Options(confidence=True), "confidence: a model for detection does not take it"),
])  # fmt: skip
def test_options_that_cannot_be_are_refused(options, text):
    with pytest.raises(RecipeError, match=text):
        check_options(options, task="detection", takes=("tile", "overlap", "threshold"))
