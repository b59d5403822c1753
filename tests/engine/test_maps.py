"""Cached maps are the maps: same batches, same losses, resumed alike, within their budget."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.dense import dense_run, draw_dense
from vision_ft import pipeline
from vision_ft.engine import features, loop
from vision_ft.engine.checkpoint import LAST, load_state
from vision_ft.engine.maps import MapCache, MapLayout, MapReader, make_room
from vision_ft.errors import TrainingError
from vision_ft.models.assemble import build_model
from vision_ft.models.backbone import create_backbone
from vision_ft.wiring import training
from vision_ft.wiring.maps import BackboneMaps

PROBE = {
    "strategy__name": "feature-extraction",
    "strategy__epochs": 2,
    "optim__batch_size": 4,
    "model__dropout": 0.2,
    "augment__views": 1,
}
HEADS = {"segmentation": ("fpn", {"width": 32}), "detection": ("fcos", {"width": 64})}
every_task = pytest.mark.parametrize("task", HEADS)


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    return draw_dense(tmp_path_factory.mktemp("data") / "drawn", count=14)


@pytest.fixture(autouse=True)
def _only_training(monkeypatch):
    monkeypatch.setattr(pipeline, "finish", lambda end: None)
    monkeypatch.setattr(pipeline, "_write_end", lambda folder, timings: None)


@pytest.fixture
def passes(monkeypatch) -> list[int]:
    """Numbers of images that went through a backbone for the cache, in each batch."""
    counts: list[int] = []
    original = BackboneMaps._compute

    def counted(self, images: torch.Tensor) -> torch.Tensor:
        counts.append(len(images))
        return original(self, images)

    monkeypatch.setattr(BackboneMaps, "_compute", counted)
    return counts


class Lines:
    """A reporter that keeps what is said."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def __getattr__(self, name):
        return self.lines.append if name == "say" else lambda *arguments: None


def probe(task: str, data: Path, out: Path, **overrides):
    head, arguments = HEADS[task]
    return dense_run(task, data, out, model__head=head, model__head_args=arguments, **PROBE | overrides)


def losses(out: Path) -> list[float]:
    lines = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
    return [
        line[name] for line in lines for name in ("train_loss", "val_miou", "val_map") if line.get(name) is not None
    ]


def weights(out: Path) -> dict[str, torch.Tensor]:
    return load_state(out / "checkpoints" / LAST)["model"]


def assert_same(one: Path, other: Path) -> None:
    first, second = weights(one), weights(other)
    assert all(torch.equal(first[name], second[name]) for name in first)


def use_float32(monkeypatch) -> None:
    monkeypatch.setattr(training, "BackboneMaps", lambda model, **given: BackboneMaps(model, dtype="float32", **given))


@every_task
def test_an_epoch_on_cached_maps_has_the_losses_of_one_on_pictures(task, data, tmp_path, monkeypatch):
    use_float32(monkeypatch)
    probe(task, data, tmp_path / "cached")
    assert list((tmp_path / "cache" / "maps").rglob("*.safetensors"))
    probe(task, data, tmp_path / "pictures", run__maps_budget_mb=0)
    assert losses(tmp_path / "cached") == pytest.approx(losses(tmp_path / "pictures"), abs=1e-5)
    assert len(losses(tmp_path / "cached")) == 4


@every_task
def test_each_view_has_the_answers_of_its_own_augmentation(task, data, tmp_path, monkeypatch):
    """Epoch e of cached maps equals an epoch of images that are augmented as view e mod V."""
    use_float32(monkeypatch)
    chosen = {"augment__preset": "light", "augment__views": 2, "strategy__epochs": 3}
    probe(task, data, tmp_path / "cached", **chosen)
    original = training.build_train_loader

    def with_views(dataset, batches, *, workers):
        def batch(indices):
            plain = dataset_plain[0]
            samples = [dataset[1, row] if epoch % 2 else plain[row] for epoch, row in indices]
            return dataset.collate(samples)

        loader = original(dataset, batches, workers=workers)
        return type("Views", (), {"__iter__": lambda _: map(batch, loader.batch_sampler)})()

    dataset_plain: list = []
    opened = training.open_pictures

    def remembering(*arguments, **options):
        pictures = opened(*arguments, **options)
        dataset_plain.append(pictures.plain)
        return pictures

    monkeypatch.setattr(training, "open_pictures", remembering)
    monkeypatch.setattr(training, "build_train_loader", with_views)
    probe(task, data, tmp_path / "pictures", run__maps_budget_mb=0, **chosen)
    assert losses(tmp_path / "cached") == pytest.approx(losses(tmp_path / "pictures"), abs=1e-5)


class StoppedError(Exception):
    """Training got far enough for the test."""


@every_task
def test_augmented_maps_belong_to_a_task_and_the_masks_of_all_workers_to_one_budget(task, data, tmp_path, monkeypatch):
    keys, budgets = [], []
    build = training.build_targets

    def stop(_model, *, view_key, **_given):
        keys.append(view_key)
        raise StoppedError

    def remembering(*arguments, keep_bytes):
        budgets.append(keep_bytes)
        return build(*arguments, keep_bytes=keep_bytes)

    monkeypatch.setattr(training, "BackboneMaps", stop)
    monkeypatch.setattr(training, "build_targets", remembering)
    for workers in (0, 4):
        with pytest.raises(StoppedError):
            probe(task, data, tmp_path / f"{workers}", run__workers=workers, run__decoded_budget_mb=64)
    assert [key["task"] for key in keys] == [task] * 2
    assert budgets == [2**24, 2**22]


def test_a_second_run_and_another_strategy_compute_no_map_again(data, tmp_path, passes):
    probe("segmentation", data, tmp_path / "one")
    computed = len(passes)
    assert computed == 2  # one batch of train, one of val
    probe("segmentation", data, tmp_path / "two", run__seed=0, optim__head_lr=0.001)
    probe("segmentation", data, tmp_path / "three", strategy__name="full", strategy__epochs=1)
    assert len(passes) == computed


@every_task
def test_stopped_in_the_extraction_or_in_an_epoch_and_resumed_is_bit_identical(
    task, data, tmp_path, monkeypatch, passes
):
    monkeypatch.setattr("vision_ft.wiring.features.BATCH_SIZE", 4)
    probe(task, data, tmp_path / "whole", run__seed=0)
    whole = len(passes)
    original = features.PartFolder.add

    def stop_after_a_part(self, hashes, rows):
        original(self, hashes, rows)
        raise SystemExit(143)

    monkeypatch.setenv("VISION_FT_CACHE", str(tmp_path / "other"))
    monkeypatch.setattr("vision_ft.engine.maps.PART_BYTES", 1)  # a part a batch
    with monkeypatch.context() as patch:
        patch.setattr(features.PartFolder, "add", stop_after_a_part)
        with pytest.raises(SystemExit):
            probe(task, data, tmp_path / "cut")
    assert len(passes) == whole + 1
    asked = loop.stop_if_asked

    def ask(run, stage):
        run.stop.requested = run.progress.step == 2
        asked(run, stage)

    with monkeypatch.context() as patch:
        patch.setattr(loop, "stop_if_asked", ask)
        with pytest.raises(SystemExit):
            probe(task, data, tmp_path / "cut", resume=True)
    probe(task, data, tmp_path / "cut", resume=True)
    assert len(passes) == 2 * whole  # what the first attempt had written was not computed again
    assert_same(tmp_path / "whole", tmp_path / "cut")


def test_a_damaged_part_is_computed_again(data, tmp_path, passes):
    probe("segmentation", data, tmp_path / "one")
    for part in (tmp_path / "cache" / "maps").rglob("*.safetensors"):
        part.write_bytes(part.read_bytes()[:-7])
    probe("segmentation", data, tmp_path / "two")
    assert len(passes) == 4
    assert_same(tmp_path / "one", tmp_path / "two")


def test_the_plan_says_whether_maps_are_cached(data, tmp_path, passes, monkeypatch):
    import vision_ft.api.train as api

    reporter = Lines()
    monkeypatch.setattr(api, "default_reporter", lambda: reporter)
    probe("segmentation", data, tmp_path / "cached", model__image_size=96)
    monkeypatch.setattr(BackboneMaps, "need_mb", lambda self, *counts: 5000.4)
    probe("segmentation", data, tmp_path / "over", model__image_size=96)
    said = [line for line in reporter.lines if line.startswith("maps of")]
    assert said == [
        "maps of the frozen backbone, 1 of 4,096 MB allowed, are cached",
        "maps of the frozen backbone, 5,000 of 4,096 MB allowed, are computed in each epoch",
    ]
    assert len(passes) == 2


# -- the parts ---------------------------------------------------------------------------------------------------------


def rows_of(count: int, numbers: int = 1000) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(count, numbers)).astype(np.float32)


def test_rows_come_back_in_the_order_asked_for(tmp_path):
    cache = MapCache(tmp_path, {"weights": "a"}, numbers=1000)
    rows = rows_of(5).astype(np.float16)
    cache.add(["a", "b", "c"], rows[:3])
    cache.add(["c", "d", "e"], rows[[4, 3, 4]])
    stored, known = cache.open(["e", "a", "d", "c", "a", "f"])
    assert known.tolist() == [True] * 5 + [False]
    assert np.array_equal(stored.read([0, 1, 2, 3, 4]).numpy(), rows[[4, 0, 3, 2, 0]])  # the first "c" wins


def test_the_parts_that_were_not_used_for_longest_make_room(tmp_path):
    caches = [MapCache(tmp_path, {"weights": name}, numbers=1000) for name in "abc"]
    for age, cache in enumerate(caches):
        cache.add(["x"], rows_of(1).astype(np.float16))
        for part in cache.parts():
            os.utime(part.file, (age, age))
    oldest, _ = caches[0].open(["x"])  # is used now
    assert make_room(tmp_path, need_bytes=0, budget_bytes=7000) == 0
    assert make_room(tmp_path, need_bytes=2500, budget_bytes=7000) == 1
    assert [bool(list(cache.parts())) for cache in caches] == [True, False, True]
    assert make_room(tmp_path, need_bytes=7000, budget_bytes=7000) == 2
    assert oldest.read([0]).shape == (1, 1000)  # an open part can still be read


def test_a_full_disk_is_said_with_the_folder_and_the_way_out(tmp_path, monkeypatch):
    def full(*_arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(features, "write_atomic", full)
    with pytest.raises(TrainingError, match=r"maps.*could not be written \(No space left on device\).*maps_budget_mb"):
        MapCache(tmp_path, {}, numbers=1000).add(["a"], rows_of(1))


@pytest.mark.parametrize("name", ["test_resnet", "test_vit"])
@pytest.mark.parametrize("head", ["fpn", "fcos"])
def test_what_the_head_reads_of_the_maps_survives_packing(name, head):
    torch.manual_seed(0)
    backbone = create_backbone(name, pretrained=False, image_size=(64, 96))
    model = build_model(backbone, head, 2).eval()
    layout = MapLayout.of(model)
    with torch.inference_mode():
        maps = model.forward_features(torch.randn(2, 3, 64, 96))
        rows = layout.pack(maps)
        unpacked = layout.unpack(rows)
        assert rows.shape == (2, layout.numbers)
        for ours, theirs in zip(model.head.neck(unpacked), model.head.neck(maps), strict=True):
            assert torch.allclose(ours, theirs, atol=1e-6)
    assert layout.numbers <= sum(level[0].numel() for level in maps)
    assert layout.size == (64, 96)


def test_float16_changes_the_answers_of_a_head_by_less_than_a_thousandth_of_their_spread(tmp_path):
    torch.manual_seed(0)
    model = build_model(create_backbone("test_resnet", pretrained=False, image_size=64), "fpn", 3).eval()
    reader = MapReader(model, MapLayout.of(model)).eval()
    with torch.inference_mode():
        rows = reader.layout.pack(model.forward_features(torch.randn(2, 3, 64, 64)))
        cache = MapCache(tmp_path, {}, numbers=reader.layout.numbers)
        cache.add(["a", "b"], rows.numpy())
        stored = cache.open(["a", "b"])[0].read([0, 1])
        ours, exact = reader(stored), reader(rows)
    assert stored.dtype == torch.float16
    assert 0 < float((ours - exact).abs().max()) < 1e-3 * float(exact.std())
