"""Paired bootstraps of mIoU and mAP: against a plain loop, over groups, and where there is nothing to draw."""

from __future__ import annotations

import numpy as np
import pytest

from tests.compared_dense import GROUPS, boxes, masks
from tests.evaluate.boxes import chosen
from vision_ft.errors import DataError
from vision_ft.evaluate.drawn import Drawn, chance_of, change_between, difference_of
from vision_ft.evaluate.masks.predictions import write_mask_predictions
from vision_ft.evaluate.read import read_any_predictions, take_rows
from vision_ft.evaluate.scoring import SCORINGS


def draw_metrics(predictions, *, seed: int = 0) -> Drawn:
    return SCORINGS[predictions.task].draw(predictions, seed=seed)


PAIRS = {"miou": (masks, {"mended": 0.3}), "map": (boxes, {"mended": 0.5})}


@pytest.mark.parametrize("metric", PAIRS)
def test_the_value_is_the_change_of_the_headline_and_the_interval_that_of_a_plain_loop(metric):
    make, changes = PAIRS[metric]
    before, after = make(groups=None), make(groups=None, **changes)
    found = change_between(draw_metrics(before, seed=1), draw_metrics(after, seed=1), metric)
    assert found.value == pytest.approx(after.headline()[metric] - before.headline()[metric])
    rng = np.random.default_rng(99)
    loop = []
    for _ in range(300):
        weights = np.bincount(rng.integers(0, 40, 40), minlength=40).astype(float)
        loop.append(after.headline(weights)[metric] - before.headline(weights)[metric])
    low, high = np.percentile(loop, [2.5, 97.5])
    width = high - low
    assert found.low == pytest.approx(low, abs=0.2 * width)
    assert found.high == pytest.approx(high, abs=0.2 * width)
    assert found.low < found.value < found.high


def test_whole_groups_are_drawn_where_there_are_eight():
    def change(groups):
        before, after = masks(groups=groups), masks(mended=0.3, groups=groups)
        return change_between(draw_metrics(before), draw_metrics(after), "miou")

    single, grouped = change(None), change(GROUPS)
    assert single.value == grouped.value
    assert (single.low, single.high) != (grouped.low, grouped.high)
    few = np.array([f"site {row % 7}" for row in range(40)], dtype=object)
    assert change(few) == single, "seven groups are too few to draw"


def test_equal_models_change_nothing_and_have_no_evidence():
    drawn = draw_metrics(boxes())
    assert change_between(drawn, drawn, "map50") == difference_of(0.0, np.zeros(10))
    assert chance_of(np.zeros(500)) == 1.0
    assert chance_of(np.full(999, 0.1)) == pytest.approx(2 / 1000)
    assert chance_of(np.array([])) == 1.0
    assert chance_of(np.full(5, np.nan)) == 1.0


def test_without_a_true_box_there_is_no_number():
    empty = chosen(boxes(), [0, 5, 10])  # every fifth image has no object
    drawn = draw_metrics(empty)
    change = change_between(drawn, drawn, "map")
    assert np.isnan([change.value, change.low, change.high]).all()


def test_a_metric_of_another_task_is_refused():
    drawn = draw_metrics(masks())
    with pytest.raises(DataError, match=r"got metric 'map'; allowed: miou, dice, pixel_accuracy"):
        change_between(drawn, drawn, "map")


@pytest.mark.parametrize("make", [masks, boxes])
def test_rows_are_taken_from_every_field_and_measured_alone(make):
    whole = make(ids=np.arange(100, 140))
    rows = np.array([7, 3, 21])
    part = take_rows(whole, rows)
    assert part.paths == [whole.paths[row] for row in rows]
    assert list(part.ids) == [107, 103, 121]
    assert list(part.groups) == list(GROUPS[rows])
    weights = np.zeros(40)
    weights[rows] = 1
    assert part.headline() == pytest.approx(whole.headline(weights))
    assert len(take_rows(whole, np.arange(40) < 4)) == 4


def test_a_predictions_file_is_read_by_the_task_that_it_names(tmp_path):
    write_mask_predictions(tmp_path / "masks.parquet", masks())
    assert read_any_predictions(tmp_path / "masks.parquet").task == "segmentation"
    with pytest.raises(DataError, match="no such predictions file"):
        read_any_predictions(tmp_path / "gone.parquet")
    (tmp_path / "torn.parquet").write_bytes(b"PAR1")
    with pytest.raises(DataError, match="not a readable parquet file"):
        read_any_predictions(tmp_path / "torn.parquet")
