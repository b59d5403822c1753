"""Batches of new images with a share of old ones."""

from __future__ import annotations

import numpy as np
import pytest

from vision_ft.data.loading.loaders import EpochBatches
from vision_ft.data.loading.rehearsal import Memory, RehearsalBatches
from vision_ft.errors import RecipeError

NEW = np.arange(100, 160)
OLD = np.arange(40)
OLD_LABELS = np.repeat([0, 1, 2], [30, 8, 2])


def batches_of(epoch: int = 1, *, share: float = 0.25, skip: int = 0, **options) -> list[list[int]]:
    options = {"batch_size": 16, "seed": 3} | options
    batches = RehearsalBatches(NEW, Memory(OLD, OLD_LABELS, share), **options)
    batches.begin(epoch, skip=skip)
    found = list(batches)
    assert all(index[0] == epoch for batch in found for index in batch)
    assert len(found) == len(batches) - skip
    return [[row for _, row in batch] for batch in found]


def test_a_batch_holds_the_share_of_old_rows_and_every_new_row_comes_once():
    found = batches_of()
    assert [len(batch) for batch in found] == [16] * 5
    assert [sum(row in OLD for row in batch) for batch in found] == [4] * 5
    assert sorted(row for batch in found for row in batch if row in NEW) == NEW.tolist()


def test_a_shorter_last_batch_has_fewer_old_rows():
    found = batches_of(batch_size=20)  # 15 new and 5 old each, four of them
    assert [len(batch) for batch in found] == [20] * 4
    found = batches_of(batch_size=32)  # 24 new and 8 old, twice, then 12 new
    assert [len(batch) for batch in found] == [32, 32, 16]


def test_old_rows_are_class_balanced_whatever_the_sizes_of_the_classes():
    old = np.array([row for batch in batches_of() for row in batch if row in OLD])
    counts = np.bincount(OLD_LABELS[old])
    assert counts.max() - counts.min() <= 1


def test_no_old_row_comes_twice_before_its_class_is_used_up():
    old = np.array([row for batch in batches_of(repeats=2) for row in batch if row in OLD])
    times = np.bincount(old, minlength=len(OLD))
    for label in (0, 1, 2):
        of_class = times[np.equal(OLD_LABELS, label)]
        assert of_class.max() - of_class.min() <= 1
    assert times[OLD_LABELS == 2].min() > 1, "a class of two rows has to repeat"
    assert times[OLD_LABELS == 0].max() == 1, "a class of thirty rows has not"


def test_order_depends_on_seed_and_epoch_only():
    assert batches_of(2) == batches_of(2)
    assert batches_of(2) != batches_of(3)
    assert batches_of(2) != batches_of(2, seed=4)
    old = [[row for batch in batches_of(epoch) for row in batch if row in OLD] for epoch in (2, 3)]
    assert old[0] != old[1]


@pytest.mark.parametrize("skip", [1, 3, 5])
def test_an_epoch_can_start_in_the_middle(skip):
    assert batches_of(skip=skip) == batches_of()[skip:]


def test_repeats_visit_the_few_new_rows_several_times_in_an_epoch():
    found = batches_of(repeats=3)
    assert len(found) == 15
    new = [row for batch in found for row in batch if row in NEW]
    assert (np.bincount(new)[NEW] == 3).all()
    assert sorted(new[:60]) == NEW.tolist(), "each visit is a whole permutation"


@pytest.mark.parametrize("world_size", [2, 3])
def test_ranks_get_equal_batches_and_share_rows_out(world_size):
    ranks = [batches_of(batch_size=18, rank=rank, world_size=world_size) for rank in range(world_size)]
    sizes = [[len(batch) for batch in rank] for rank in ranks]
    assert all(size == sizes[0] for size in sizes)
    rows = [row for rank in ranks for batch in rank for row in batch]
    assert set(NEW.tolist()) <= set(rows)
    old = np.array([row for row in rows if row in OLD])
    assert np.bincount(OLD_LABELS[old]).min() > len(old) / 3 - 1
    assert np.bincount(old, minlength=40)[:30].max() == 1, "no two ranks show the same old row"


def test_without_a_memory_the_batches_are_those_of_the_plain_sampler():
    plain = EpochBatches(NEW, batch_size=16, seed=3)
    plain.begin(1)
    expected = [[row for _, row in batch] for batch in plain]
    assert batches_of(share=0.0) == expected
    empty = RehearsalBatches(NEW, Memory(OLD[:0], OLD_LABELS[:0]), batch_size=16, seed=3)
    empty.begin(1)
    assert [[row for _, row in batch] for batch in empty] == expected


def test_a_small_share_still_shows_an_old_row_and_a_large_one_a_new_row():
    assert all(sum(row in OLD for row in batch) == 1 for batch in batches_of(share=0.01))
    assert all(sum(row in NEW for row in batch) >= 1 for batch in batches_of(share=0.99))
    singles = batches_of(batch_size=1)
    assert all(sum(row in OLD for row in batch) == sum(row in NEW for row in batch) for batch in singles)


def test_weights_draw_new_rows_and_leave_the_memory_alone():
    weights = np.where(NEW < 110, 50.0, 1.0)
    found = batches_of(weights=weights)
    new = np.array([row for batch in found for row in batch if row in NEW])
    assert len(new) == 60
    assert (new < 110).mean() > 0.75
    assert [sum(row in OLD for row in batch) for batch in found] == [4] * 5


def test_rows_and_number_of_pictures_are_those_of_both_sets():
    batches = RehearsalBatches(NEW, Memory(OLD, OLD_LABELS), batch_size=16, seed=3, repeats=2)
    assert batches.rows.tolist() == [*OLD, *NEW]
    assert batches.num_pictures == sum(len(batch) for batch in batches) == 160


@pytest.mark.parametrize("share", [-0.1, 1.0, float("nan")])
def test_a_share_out_of_range_is_named(share):
    with pytest.raises(RecipeError, match=f"rehearsal share: got {share}; allowed: 0 up to, but not including, 1"):
        Memory(OLD, OLD_LABELS, share)


def test_repeats_below_one_are_named():
    with pytest.raises(RecipeError, match="rehearsal repeats: got 0; allowed: 1 or more"):
        RehearsalBatches(NEW, Memory(OLD, OLD_LABELS), batch_size=4, seed=0, repeats=0)
