"""Splits: stratified, reproducible, and nothing that belongs together is torn apart."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from vision_ft.data.formats import FORMATS
from vision_ft.data.split import assign
from vision_ft.data.table import SampleTable
from vision_ft.errors import DataError
from vision_ft.types import ClassSpace, Task


def build(labels: list[int] | np.ndarray, *, seed: int = 0, **columns: object) -> SampleTable:
    names = tuple(f"class{i}" for i in range(int(np.max(labels)) + 1))
    paths = [f"{i}.jpg" for i in range(len(labels))]
    return SampleTable.build(root=Path("/d"), paths=paths, labels=labels, classes=ClassSpace(names), **columns)


def counts(table: SampleTable, split: str) -> list[int]:
    return np.bincount(table.labels[table.rows(split)], minlength=len(table.classes)).tolist()


def test_shares_hold_within_every_class() -> None:
    table = assign(build([0] * 100 + [1] * 20 + [2] * 60), val=0.15, test=0.15)
    assert counts(table, "val") == counts(table, "test") == [15, 3, 9]
    assert counts(table, "train") == [70, 14, 42]


def test_the_same_seed_gives_the_same_split_and_another_seed_another() -> None:
    table = build(np.arange(300) % 5)
    assert assign(table, seed=1).splits.tolist() == assign(table, seed=1).splits.tolist()
    assert assign(table, seed=1).splits.tolist() != assign(table, seed=2).splits.tolist()


def test_small_classes_keep_a_picture_in_train_then_val_then_test() -> None:
    table = assign(build([0] + [1] * 2 + [2] * 3 + [3] * 50), val=0.15, test=0.15)
    assert counts(table, "train")[:3] == [1, 1, 1]
    assert counts(table, "val")[:3] == [0, 1, 1]
    assert counts(table, "test")[:3] == [0, 0, 1]


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("task", ["detection", "segmentation"])
def test_classes_that_few_pictures_hold_in_boxes_or_masks_are_in_every_split(task: Task, seed: int) -> None:
    held = [[0, 1] if row % 20 == 7 else [0] for row in range(100)]
    pixels = [[90, 10 * (len(inside) - 1), 0] for inside in held]  # of two classes, and ignored ones
    extra = {
        "detection": {"box_labels": pa.array(held, pa.list_(pa.int32()))},
        "segmentation": {"class_pixels": pa.array(pixels, pa.list_(pa.int64()))},
    }
    paths, classes = [f"{row}.jpg" for row in range(100)], ClassSpace(("common", "rare"))
    nothing = [-1] * 100
    table = SampleTable.build(
        root=Path("/d"), paths=paths, labels=nothing, classes=classes, task=task, extra=extra[task]
    )
    table = assign(table, seed=seed)
    rare = [len(inside) == 2 for inside in held]
    assert Counter(table.splits[rare]) == {"train": 3, "val": 1, "test": 1}
    assert Counter(table.splits) == {"train": 70, "val": 15, "test": 15}


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("num_groups", [4, 12, 60])
def test_no_group_crosses_a_split(seed: int, num_groups: int) -> None:
    rng = np.random.default_rng(seed)
    groups = rng.integers(0, num_groups, 400)
    table = assign(build(rng.integers(0, 3, 400), groups=[f"g{g}" for g in groups]), seed=seed)
    assert not table.arrow.column("split").null_count
    for group in range(num_groups):
        assert len(set(table.splits[groups == group])) == 1
    assert all(counts(table, "train"))
    assert all(counts(table, "val"))
    if num_groups == 60:
        assert abs(len(table.rows("val")) / 400 - 0.15) < 0.03
        assert abs(len(table.rows("test")) / 400 - 0.15) < 0.03


def test_groups_that_are_a_class_each_keep_every_class_in_train() -> None:
    labels = np.repeat(np.arange(4), 12)  # each class seen by three individuals, four images each
    table = assign(build(labels, groups=[f"{label}-{i % 3}" for i, label in enumerate(labels)]))
    assert all(counts(table, "train"))
    assert all(counts(table, "val"))


def test_duplicates_and_near_duplicates_stay_together_through_chains() -> None:
    rng = np.random.default_rng(0)
    num = 90
    hashes, cluster = [f"h{i}" for i in range(num)], [None] * num
    hashes[10] = hashes[0]  # 0 and 10 are one file
    cluster[10] = cluster[20] = 10  # 10 and 20 look alike
    groups = [None] * num
    groups[20] = groups[30] = "g"  # 20 and 30 are one group
    extra = {"hash": pa.array(hashes), "cluster": pa.array(cluster, pa.int64())}
    for seed in range(10):
        table = assign(build(rng.integers(0, 2, num), groups=groups, extra=extra), seed=seed)
        assert len(set(table.splits[[0, 10, 20, 30]])) == 1


def test_a_given_train_and_test_keep_and_val_comes_out_of_train() -> None:
    given = ["train"] * 60 + ["test"] * 40
    table = assign(build(np.arange(100) % 2, splits=given), val=0.2)
    assert table.rows("test").tolist() == list(range(60, 100))
    assert counts(table, "val") == [6, 6]
    assert Counter(table.splits) == {"train": 48, "val": 12, "test": 40}


def test_a_given_val_is_kept_and_no_test_is_invented() -> None:
    table = assign(build(np.arange(100) % 2, splits=["train"] * 80 + ["val"] * 20))
    assert Counter(table.splits) == {"train": 80, "val": 20}


def test_a_row_without_a_split_joins_the_split_it_is_tied_to() -> None:
    splits = ["train"] * 10 + ["val"] * 10 + ["test"] * 10 + [None] * 3
    groups = [f"g{i}" for i in range(30)] + ["g0", "g15", "g25"]
    table = assign(build(np.arange(33) % 2, splits=splits, groups=groups))
    assert table.splits[30:].tolist() == ["train", "val", "test"]


def test_a_given_train_row_whose_twin_is_in_test_stays_in_train() -> None:
    splits = ["train"] * 20 + ["test"] * 4
    groups = [f"g{i}" for i in range(20)] + ["g0", "g1", "g2", "g3"]
    table = assign(build(np.arange(24) % 2, splits=splits, groups=groups), val=0.2)
    assert set(table.splits[:4]) == {"train"}
    assert set(table.splits[20:]) == {"test"}


def test_zero_shares_put_all_into_train() -> None:
    assert set(assign(build([0, 1] * 5), val=0, test=0).splits) == {"train"}


def test_impossible_wishes_are_refused() -> None:
    with pytest.raises(DataError, match=r"val=0.6 and test=0.4 leave nothing for train"):
        assign(build([0, 1]), val=0.6, test=0.4)
    with pytest.raises(DataError, match="no image is left for val: 10 images fall into 1 units"):
        assign(build([0, 1] * 5, groups=["one"] * 10))


def test_fixed_splits_stay_and_the_other_rows_are_split_among_themselves() -> None:
    given = ["train"] * 20 + [None] * 40
    groups = [None] * 19 + ["tied"] + ["tied"] * 2 + [None] * 38
    table = assign(build([0, 1] * 30, splits=given, groups=groups), val=0.25, test=0.25, fixed=True)
    assert table.splits[:22].tolist() == ["train"] * 22, "what is tied to a given row joins it"
    assert Counter(table.splits[22:].tolist()) == {"train": 18, "val": 10, "test": 10}
    alone = build([0, 1] * 10, splits=["train"] * 20)
    assert assign(alone, fixed=True).splits.tolist() == ["train"] * 20
    assert "val" in assign(alone).splits, "val is else carved out of train"


def test_pictures_that_are_too_few_are_not_blamed_on_groups() -> None:
    with pytest.raises(DataError, match="no image is left for val: 2 images are too few to split. Add images"):
        assign(build([0, 1]))


def test_parking_frames_never_cross_a_split(shared: Path) -> None:
    pattern = "{camera}/{label}/{frame}_slot*"
    table = assign(FORMATS["imagefolder"](shared / "data" / "parking_patches", group_pattern=pattern))
    assert table.groups is not None
    by_split = [set(table.groups[table.rows(split)]) for split in ("train", "val", "test")]
    assert all(by_split)
    assert not by_split[0] & by_split[1]
    assert not by_split[0] & by_split[2]
    assert not by_split[1] & by_split[2]
    assert 0.1 < len(table.rows("val")) / len(table) < 0.2


@pytest.mark.slow
@pytest.mark.parametrize("num_groups", [None, 300_000])
def test_a_million_rows_are_split_in_seconds(num_groups: int | None) -> None:
    rng = np.random.default_rng(0)
    num = 1_000_000
    groups = rng.integers(0, num_groups, num) if num_groups else np.arange(num)
    named = [f"g{g}" for g in groups] if num_groups else None
    table = build(groups % 1000, groups=named)
    start = time.perf_counter()
    table = assign(table)
    took = time.perf_counter() - start
    assert abs(len(table.rows("val")) / num - 0.15) < 0.001
    assert took < 30, took  # 0.6 s without groups, 3 s with 300,000 of them
