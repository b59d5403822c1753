"""Boxes and pixels are counted in the regions where they lie."""

from __future__ import annotations

import numpy as np
import pytest

from tests.feed.feeds import square_regions, write_pictures
from vision_ft.deploy.feeding import FrameValues
from vision_ft.errors import DataError
from vision_ft.feed.measure import count_boxes, measure_feed, measure_shares, pixels_inside
from vision_ft.feed.regions import Region, RegionSet
from vision_ft.feed.source import open_feed
from vision_ft.predictions import BoxPrediction

SQUARE = ((8, 8), (28, 8), (28, 28), (8, 28))


def boxes_at(*middles, names) -> BoxPrediction:
    boxes = np.array([[x - 3, y - 2, x + 3, y + 2] for x, y in middles], dtype=np.float32).reshape(-1, 4)
    return BoxPrediction(path="", boxes=boxes, box_labels=tuple(names), box_scores=np.ones(len(boxes)))


NO_BOXES = FrameValues(
    look=lambda frame: boxes_at(names=[]), names=("car",), quantity="count", draw=lambda image, found: image
)


def test_a_box_belongs_to_the_region_of_its_middle():
    answer = boxes_at((10, 10), (27, 27), (29, 10), (50, 50), names=["car", "bus", "car", "car"])
    counts = count_boxes(answer, [Region("frame", ()), Region("a", SQUARE)], ["bus", "car"])
    assert counts.tolist() == [[1, 3], [1, 1]]


def test_a_frame_without_boxes_counts_nothing():
    counts = count_boxes(boxes_at(names=[]), [Region("frame", ()), Region("a", SQUARE)], ["bus", "car"])
    assert counts.tolist() == [[0, 0], [0, 0]]


def test_a_square_of_20_pixels_holds_400():
    inside = pixels_inside(SQUARE, (96, 64))
    rows, columns = np.unravel_index(inside, (64, 96))
    assert len(inside) == 400
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (8, 27, 8, 27)


def test_the_share_of_a_class_is_that_of_its_pixels():
    mask = np.zeros((64, 96), dtype=np.uint8)
    mask[8:18, 8:28] = 1  # the upper half of the square
    shares = measure_shares(mask, [pixels_inside(SQUARE, (96, 64))], num_classes=3)
    assert shares[0].tolist() == pytest.approx([1 - 200 / 6144, 200 / 6144, 0])
    assert shares[1].tolist() == pytest.approx([0.5, 0.5, 0])


def test_a_region_that_leaves_the_frame_by_a_rounded_pixel_stays_within_it():
    inside = pixels_inside(((-1, -1), (97, -1), (97, 65), (-1, 65)), (96, 64))
    assert np.array_equal(np.sort(inside), np.arange(96 * 64))


def test_a_region_called_like_the_whole_frame_is_refused(tmp_path):
    feed = open_feed(write_pictures(tmp_path / "f", {"0.png": np.zeros((64, 96, 3), np.uint8)}))
    named = RegionSet((Region("frame", SQUARE),))
    with pytest.raises(DataError, match='a region is called "frame", as the rows of the whole frame are. Rename'):
        next(measure_feed(feed, NO_BOXES, regions=named))


def test_a_frame_of_another_size_ends_the_pass(tmp_path):
    frames = {f"{n}.png": np.zeros((64, 96 + 4 * n, 3), np.uint8) for n in range(2)}
    feed = open_feed(write_pictures(tmp_path / "f", frames))
    look = measure_feed(feed, NO_BOXES, regions=square_regions())
    assert len(list(look)) == 1
    assert "1.png has 100 x 64 pixels, those before had 96 x 64" in feed.stopped
