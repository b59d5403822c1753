"""The grid of augmented images, with masks and boxes drawn where they really lie; and the colours of classes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from PIL import Image

from tests.report.fake_dense import make_box_run, make_mask_run
from vision_ft.augment.presets import build_augment
from vision_ft.data.images.paint import PALETTE, background_of, class_colour, draw_boxes, paint_mask, rgb
from vision_ft.data.loading.grid import GAP_PX, MARKED_TILE_PX, draw_augmentation_grid
from vision_ft.data.table import SampleTable
from vision_ft.types import Preprocessing
from vision_ft.wiring.targets import build_targets

SQUASH = Preprocessing(
    size=(3, 64, 64), crop_pct=1.0, crop_mode="squash", interpolation="bicubic", mean=(0.5,) * 3, std=(0.5,) * 3
)


@dataclass(frozen=True)
class Shift:
    """Moves image, mask and boxes by eight pixels to the right."""

    def with_targets(self, image, _seed, *, mask=None, boxes=None):
        moved = build_augment("none", size=image.shape[:2], crop_pct=1.0, crop_mode="squash").with_targets(image, 0)
        result = {"image": np.roll(image, 8, axis=1), "mask": None if mask is None else np.roll(mask, 8, axis=1)}
        given = np.zeros((0, 4), np.float32) if boxes is None else boxes + np.array([8, 0, 8, 0], np.float32)
        return type(moved)(**result, boxes=given, kept=np.arange(len(given)))


def grid_of(run, tmp_path):
    table = SampleTable.read(run(tmp_path) / "data.parquet")
    return np.asarray(
        draw_augmentation_grid(table, [0], augment=Shift(), channels=3, truth=build_targets(table, SQUASH))
    ).astype(int)


def tile(grid: np.ndarray, column: int) -> np.ndarray:
    """The image of 64 x 48 pixels in the middle of a tile."""
    left = GAP_PX + column * (MARKED_TILE_PX + GAP_PX) + (MARKED_TILE_PX - 64) // 2
    top = GAP_PX + (MARKED_TILE_PX - 48) // 2
    return grid[top : top + 48, left : left + 64]


def test_masks_are_laid_over_the_grid_and_move_with_the_picture(tmp_path):
    grid = grid_of(make_mask_run, tmp_path)
    first, moved = tile(grid, 0), tile(grid, 1)
    plain = np.asarray(Image.open(tmp_path / "data" / "images" / "test0.png")).astype(int)
    tree = (plain[12, 16] + np.array(rgb(class_colour(1)))) / 2
    assert np.abs(first[12, 16] - tree).max() <= 1
    assert np.array_equal(first[4, 4], plain[4, 4])  # background is not painted
    assert np.array_equal(first[-1, 20], plain[-1, 20])  # nor what does not count
    assert np.abs(moved[12, 24] - tree).max() <= 1


def test_boxes_are_drawn_on_the_grid_and_move_with_the_picture(tmp_path):
    grid = grid_of(make_box_run, tmp_path)
    first, moved = tile(grid, 0), tile(grid, 1)
    assert tuple(first[12, 4]) == rgb(class_colour(0))
    assert tuple(first[18, 30]) == rgb(class_colour(1))
    assert tuple(moved[12, 12]) == rgb(class_colour(0))


def test_labels_leave_the_grid_as_it_was(tmp_path):
    table = SampleTable.read(make_box_run(tmp_path) / "data.parquet")
    augment = build_augment("none", size=(32, 32))
    grid = draw_augmentation_grid(table, [0, 1], augment=augment, channels=3)
    assert grid.size == (8 * 132 + 4, 2 * 132 + 4)


def test_a_colour_belongs_to_a_class_and_comes_again_beyond_the_palette():
    assert len(set(PALETTE)) == len(PALETTE) == 15
    assert class_colour(15) == class_colour(0)
    mask = np.array([[0, 15, 255]], np.uint8)
    painted = paint_mask(np.zeros((1, 3, 3), np.uint8), mask, weight=1.0)
    assert tuple(painted[0, 0]) == tuple(painted[0, 1]) == rgb(class_colour(0))
    assert tuple(painted[0, 2]) == (0, 0, 0)


@pytest.mark.parametrize(("names", "index"), [(("tree", "Background "), 1), (("free", "busy"), None)])
def test_the_background_is_known_by_its_name(names, index):
    assert background_of(names) == index


def test_a_box_that_is_no_wider_than_a_line_is_drawn():
    drawn = draw_boxes(Image.new("RGB", (10, 10)), np.array([[4.0, 4.0, 4.0, 4.0]]), np.array([2]))
    assert drawn.getpixel((4, 4)) == rgb(class_colour(2))
