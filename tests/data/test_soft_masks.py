"""Soft masks: grades of grey that a threshold parts into background and foreground."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.annotated import SIZE, draw_pictures
from vision_ft.config.load import load_recipe
from vision_ft.config.schema.data import DataConfig
from vision_ft.converting import convert
from vision_ft.data.class_table import BINARY, ClassTable, soften
from vision_ft.data.formats.masks.read import class_table_of
from vision_ft.data.images.decode import PictureError
from vision_ft.data.masks import read_mask
from vision_ft.errors import DataError, RecipeError
from vision_ft.wiring.data import prepare_table, read_table

SHARES = np.array([[0.0, 0.25], [0.5, 1.0]])
AT_HALF = [[0, 0], [1, 1]]
EIGHT_BITS = np.ceil(SHARES * 255).astype(np.uint8)


@pytest.mark.parametrize(
    ("pixels", "name"),
    [
        (EIGHT_BITS, "a.png"),
        (np.ceil(SHARES * 65535).astype(np.uint16), "a.png"),
        (SHARES.astype(np.float32), "a.tif"),
        (np.repeat(EIGHT_BITS[..., None], 3, axis=2), "a.png"),
        (SHARES > 0.3, "a.png"),
    ],
    ids=["8-bit", "16-bit", "fractions", "equal-channels", "1-bit"],
)
def test_a_pixel_from_the_threshold_on_is_foreground(pixels: np.ndarray, name: str, tmp_path: Path) -> None:
    Image.fromarray(pixels).save(tmp_path / name)
    assert read_mask(tmp_path / name, soften(BINARY, 0.5)).tolist() == AT_HALF


def test_a_jpeg_mask_is_fine_where_a_threshold_parts_its_values(tmp_path: Path) -> None:
    mask = np.zeros((32, 32), np.uint8)
    mask[8:24, 8:24] = 255
    Image.fromarray(mask).save(tmp_path / "a.jpg", quality=60)
    assert np.array_equal(read_mask(tmp_path / "a.jpg", soften(BINARY, 0.5)), mask // 255)


def test_the_larger_value_of_the_class_table_is_the_upper_side(tmp_path: Path) -> None:
    Image.fromarray(EIGHT_BITS).save(tmp_path / "a.png")
    upside_down = ClassTable(("tree", "ground"), (255, 0))
    assert read_mask(tmp_path / "a.png", soften(upside_down, 0.5)).tolist() == [[1, 1], [0, 0]]


@pytest.mark.parametrize(
    ("pixels", "name", "words"),
    [
        (np.full((2, 2), 1.5, np.float32), "a.tif", r"a\.tif: fractions of a soft mask must lie in 0\.\.1"),
        (np.full((2, 2), np.nan, np.float32), "a.tif", r"fractions of a soft mask must lie in 0\.\.1"),
        (np.full((2, 2), 7, np.int32), "a.tif", "32-bit values of a soft mask have no known range. Save it as PNG"),
        (np.full((2, 2, 3), (200, 10, 10), np.uint8), "a.png", "the mask is coloured; data.mask_threshold parts grey"),
    ],
)
def test_a_soft_mask_without_a_range_is_refused(pixels: np.ndarray, name: str, words: str, tmp_path: Path) -> None:
    Image.fromarray(pixels).save(tmp_path / name)
    with pytest.raises(PictureError, match=words):
        read_mask(tmp_path / name, soften(BINARY, 0.5))


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (ClassTable(("a", "b", "c"), (0, 1, 2)), r"got 0\.5, which parts two classes; the class table has .*c"),
        (ClassTable(("a", "b"), (0, 1), (255,)), "and ignored values. Remove the threshold"),
        (ClassTable(("a", "b"), ((0, 0, 0), (1, 1, 1))), "by colour. Remove the threshold"),
    ],
)
def test_a_threshold_needs_two_classes_of_values(table: ClassTable, words: str) -> None:
    with pytest.raises(DataError, match=words):
        soften(table, 0.5)


def draw_soft(root: Path) -> Path:
    draw_pictures(root, [f"images/{name}.png" for name in "abcdef"])
    (root / "masks").mkdir()
    for name in "abcdef":
        ramp = np.linspace(0, 255, SIZE[0]).astype(np.uint8)
        Image.fromarray(np.repeat(ramp[None], SIZE[1], axis=0)).save(root / "masks" / f"{name}.png")
    return root


def test_grades_without_a_threshold_stop_and_say_what_to_set(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"For grades between background and foreground set data\.mask_threshold=0\.5"):
        read_table(DataConfig(path=str(draw_soft(tmp_path))))


def test_a_threshold_goes_with_the_table_and_the_converter_writes_hard_masks(tmp_path: Path) -> None:
    source = draw_soft(tmp_path / "in")
    recipe = load_recipe(None, [f"data.path={source}", "data.mask_threshold=0.75"])
    table, found = prepare_table(recipe.data, seed=0, threads=1)
    assert [finding for finding in found if finding.kind.startswith("mask")] == []
    assert class_table_of(table).threshold == 0.75
    assert table.arrow.column("class_pixels")[0].as_py() == [48 * SIZE[1], 16 * SIZE[1], 0]
    done = convert(source, tmp_path / "out", to="masks", overrides=["data.mask_threshold=0.75"])
    assert done.findings == ()
    again = read_table(DataConfig(path=str(tmp_path / "out")))
    assert class_table_of(again) == BINARY
    mask = read_mask(tmp_path / "out" / again.arrow.column("mask")[0].as_py(), BINARY)
    assert mask.sum() == 16 * SIZE[1]


def test_the_threshold_is_a_share_and_only_of_masks(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"data\.mask_threshold: got 128 .*allowed: "):
        load_recipe(None, ["data.path=x", "data.mask_threshold=128"])
    draw_pictures(tmp_path, ["cat/a.png", "dog/b.png"])
    with pytest.raises(RecipeError, match=r"data\.mask_threshold is set, but the format imagefolder does not take it"):
        read_table(DataConfig(path=str(tmp_path), mask_threshold=0.5))
