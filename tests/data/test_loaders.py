"""Order and pixels depend on (seed, epoch, sample) only."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from tests.pictures import draw_folder
from vision_ft.augment.presets import build_augment
from vision_ft.data.formats import FORMATS
from vision_ft.data.loading.dataset import DecodedImages, TrainImages
from vision_ft.data.loading.loaders import EpochBatches, build_train_loader
from vision_ft.types import Preprocessing

PREPROCESSING = Preprocessing((3, 32, 32), 0.9, "center", "bicubic", (0.5,) * 3, (0.5,) * 3)


def epoch(folder: Path, *, workers: int, number: int, budget: int = 2**30) -> tuple[torch.Tensor, torch.Tensor]:
    table = FORMATS["imagefolder"](folder)
    rows = np.arange(len(table))
    pictures = DecodedImages(table, rows.tolist(), channels=3, min_side_px=None, budget_bytes=budget)
    pictures.fill(threads=2)
    augment = build_augment("heavy", size=(32, 32), interpolation="bicubic")
    dataset = TrainImages(pictures, augment=augment, preprocessing=PREPROCESSING, seed=7)
    batches = EpochBatches(rows, batch_size=4, seed=7)
    batches.begin(number)
    found = list(build_train_loader(dataset, batches, workers=workers))
    return torch.cat([batch.images for batch in found]), torch.cat([batch.ids for batch in found])


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_workers_0_and_2_see_the_same_pixels(tmp_path):
    draw_folder(tmp_path, classes=2, per_class=5)
    for number in (1, 2):
        alone, helped = epoch(tmp_path, workers=0, number=number), epoch(tmp_path, workers=2, number=number)
        assert torch.equal(alone[1], helped[1])
        assert torch.equal(alone[0], helped[0])


def test_pictures_in_memory_and_from_disk_are_the_same(tmp_path):
    draw_folder(tmp_path, classes=2, per_class=5)
    kept, read = epoch(tmp_path, workers=0, number=1), epoch(tmp_path, workers=0, number=1, budget=0)
    assert torch.equal(kept[0], read[0])


def test_another_epoch_has_another_order_and_other_pixels(tmp_path):
    draw_folder(tmp_path, classes=2, per_class=5)
    one, two = epoch(tmp_path, workers=0, number=1), epoch(tmp_path, workers=0, number=2)
    assert not torch.equal(one[1], two[1])
    assert not torch.equal(one[0][one[1].argsort()], two[0][two[1].argsort()])


def test_ranks_share_an_epoch_out_in_equal_batches():
    rows = np.arange(11)
    ranks = [EpochBatches(rows, batch_size=4, seed=1, rank=rank, world_size=2) for rank in (0, 1)]
    for rank in ranks:
        rank.begin(3)
    dealt = [[row for batch in rank for _, row in batch] for rank in ranks]
    assert len(dealt[0]) == len(dealt[1]) == 6
    assert set(dealt[0]) | set(dealt[1]) == set(range(11))
    assert [len(batch) for batch in ranks[0]] == [len(batch) for batch in ranks[1]]


def test_an_epoch_can_start_in_the_middle():
    batches = EpochBatches(np.arange(10), batch_size=3, seed=1)
    batches.begin(1)
    whole = list(batches)
    batches.begin(1, skip=2)
    assert list(batches) == whole[2:]


def test_a_last_batch_of_one_picture_joins_the_one_before():
    batches = EpochBatches(np.arange(9), batch_size=4, seed=0)
    assert [len(batch) for batch in batches] == [4, 5]
    assert len(batches) == 2


def test_weights_draw_rare_rows_as_often_as_common_ones():
    labels = np.array([0] * 900 + [1] * 100)
    weights = np.where(labels == 1, 9.0, 1.0)
    batches = EpochBatches(np.arange(1000), batch_size=50, seed=0, weights=weights)
    batches.begin(1)
    drawn = labels[[row for batch in batches for _, row in batch]]
    assert drawn.mean() == pytest.approx(0.5, abs=0.05)
