"""Frozen work is done once, and cached features are the features."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from tests.pictures import draw_folder
from tests.runs import tiny_run
from vision_ft.wiring.features import FeatureSource


@pytest.fixture
def passes(monkeypatch) -> list[int]:
    """Numbers of images that went through a backbone for the cache."""
    counts: list[int] = []
    original = FeatureSource._load

    def counted(self, rows: np.ndarray, view: int):
        counts.append(len(rows))
        return original(self, rows, view)

    monkeypatch.setattr(FeatureSource, "_load", counted)
    return counts


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    return draw_folder(tmp_path_factory.mktemp("data"), per_class=10)


def test_a_second_run_and_another_strategy_compute_no_feature_again(data, tmp_path, passes):
    tiny_run(data, tmp_path / "one", strategy__name="feature-extraction")
    assert sum(passes) == 30
    tiny_run(data, tmp_path / "two", strategy__name="feature-extraction", model__head="mlp", strategy__epochs=2)
    tiny_run(data, tmp_path / "three", strategy__name="gradual-unfreeze", strategy__epochs=1)
    assert sum(passes) == 30


def test_new_pictures_cost_only_their_own_pass(tmp_path, passes):
    data = draw_folder(tmp_path / "data", per_class=10)
    tiny_run(data, tmp_path / "one", strategy__name="feature-extraction")
    draw_folder(tmp_path / "more", per_class=12, seed=5)
    for file in (tmp_path / "more").rglob("01?.png"):
        file.rename(data / file.parent.name / f"new{file.name}")
    before = sum(passes)
    tiny_run(data, tmp_path / "two", strategy__name="feature-extraction")
    assert sum(passes) - before == 6


def test_other_weights_or_another_size_are_another_cache(data, tmp_path, passes):
    tiny_run(data, tmp_path / "one", strategy__name="feature-extraction")
    tiny_run(data, tmp_path / "two", strategy__name="feature-extraction", run__seed=1)
    tiny_run(data, tmp_path / "three", strategy__name="feature-extraction", model__image_size=40)
    assert sum(passes) == 90


def test_scores_from_cached_features_equal_those_of_the_whole_model(data, tmp_path):
    run = tiny_run(data, tmp_path / "run", strategy__name="feature-extraction")
    from vision_ft.evaluate.classification.predictions import read_predictions

    stored = read_predictions(run.path / "predictions" / "test.parquet")
    answers = run.load().predict([data / path for path in stored.paths])
    whole = [[answer.scores[name] for name in stored.classes] for answer in answers]
    assert torch.allclose(torch.tensor(whole), torch.tensor(stored.scores), atol=1e-5)


def test_a_damaged_part_of_the_cache_is_computed_again(data, tmp_path, passes):
    one = tiny_run(data, tmp_path / "one", strategy__name="feature-extraction")
    for part in (tmp_path / "cache" / "features").rglob("*.safetensors"):
        part.write_bytes(part.read_bytes()[:50])
    two = tiny_run(data, tmp_path / "two", strategy__name="feature-extraction")
    assert sum(passes) == 60
    assert one.metrics["splits"] == two.metrics["splits"]


def test_augmented_views_add_rows_to_the_fit(data, tmp_path, passes):
    tiny_run(data, tmp_path / "run", strategy__name="feature-extraction", augment__views=3)
    train = 30 - 2 * 5  # a val and a test of 15% each, rounded to at least one a class
    assert sum(passes) >= 30 + 2 * train - 4
