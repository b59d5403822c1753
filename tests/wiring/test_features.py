"""Cached features: an image's vector depends on the image alone."""

from __future__ import annotations

import numpy as np
import pytest

from tests.pictures import draw_folder
from tests.runs import TINY
from vision_ft.api.train import resolve_recipe
from vision_ft.engine.callbacks import LogReporter
from vision_ft.engine.run import Services
from vision_ft.engine.runtime import Runtime
from vision_ft.engine.signals import StopRequest
from vision_ft.wiring.data import prepare_table
from vision_ft.wiring.model import build_model
from vision_ft.wiring.training import build_training_run


def features_of(recipe, rows, folder):
    table, _ = prepare_table(recipe.data, seed=0, threads=1)
    services = Services(Runtime(device="cpu", devices=1, precision="auto"), StopRequest(), LogReporter(), folder)
    run = build_training_run(recipe, table, build_model(recipe, table.classes), services)
    return run.data.features("features", rows, 1)[0]


@pytest.mark.parametrize("backbone", ["test_resnet", "test_vit"])
def test_the_vector_of_a_picture_does_not_depend_on_what_shares_its_batch(backbone, tmp_path, monkeypatch):
    data = draw_folder(tmp_path / "data", classes=3, per_class=14)
    recipe = resolve_recipe(data, (), TINY | {"model.backbone": backbone})
    monkeypatch.setenv("VISION_FT_CACHE", str(tmp_path / "all"))
    everything = features_of(recipe, np.arange(42), tmp_path)
    for rows in ([5], [40], [3, 17, 30, 31, 38, 41]):
        monkeypatch.setenv("VISION_FT_CACHE", str(tmp_path / f"some-{rows[0]}"))
        some = features_of(recipe, np.array(rows), tmp_path)
        assert np.array_equal(some, everything[rows])
