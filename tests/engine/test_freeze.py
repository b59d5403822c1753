"""Frozen means frozen: after real training, every frozen weight and statistic is bit-identical."""

from __future__ import annotations

from pathlib import Path

import pytest
import timm
import torch
from safetensors.torch import save_file

from tests.pictures import draw_folder
from tests.runs import tiny_run
from vision_ft.engine import loop
from vision_ft.engine.checkpoint import START, load_state
from vision_ft.models.stages import parameter_groups

BACKBONES = ["test_resnet", "test_vit", "test_convnext", "test_efficientnet"]


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    return draw_folder(tmp_path_factory.mktemp("data"), per_class=8)


@pytest.mark.slow
@pytest.mark.parametrize("backbone", BACKBONES)
def test_groups_that_no_phase_trains_never_move(backbone, data, tmp_path, monkeypatch):
    models = []
    original = loop.fit

    def remembering(run, phases):
        models.append((run.model, {n: v.clone() for n, v in run.model.state_dict().items()}, phases))
        original(run, phases)

    monkeypatch.setattr("vision_ft.pipeline.fit", remembering)
    tiny_run(
        data, tmp_path / "run", model__backbone=backbone, strategy__name="gradual-unfreeze",
        strategy__options={"depth": 0.3}, strategy__epochs=2, optim__ema=True,
    )  # fmt: skip
    model, before, phases = models[0]
    trained = set().union(*(phase.lr_scale for phase in phases))
    groups = parameter_groups(model)
    frozen = [name for group, names in groups.items() if group not in trained for name in names]
    moved = [name for group, names in groups.items() if group in trained for name in names]
    after = load_state(tmp_path / "run" / "checkpoints" / "last.pt")["model"]
    assert frozen
    assert all(torch.equal(before[name], after[name]) for name in frozen)
    assert any(not torch.equal(before[name], after[name]) for name in moved)
    prefixes = {name.rpartition(".")[0] for name in frozen}
    statistics = [n for n in before if "running_" in n and n.rpartition(".")[0] in prefixes]
    assert all(torch.equal(before[name], after[name]) for name in statistics)
    assert bool(statistics) == (backbone in ("test_resnet", "test_efficientnet"))


def test_feature_extraction_leaves_the_whole_backbone_bit_identical(data, tmp_path):
    weights = timm.create_model("test_resnet").state_dict()
    save_file(weights, tmp_path / "weights.safetensors")
    pretrained = str(tmp_path / "weights.safetensors")
    run = tiny_run(data, tmp_path / "run", strategy__name="feature-extraction", model__pretrained=pretrained)
    kept = load_state(run.path / "checkpoints" / "last.pt")["model"]
    backbone = {name.removeprefix("backbone.model."): value for name, value in kept.items() if "backbone" in name}
    assert len(backbone) > 30
    assert all(torch.equal(value, weights[name]) for name, value in backbone.items())
    assert not (run.path / "checkpoints" / START).exists()


def test_an_unfreezing_run_starts_from_the_fitted_head(data, tmp_path):
    probe = tiny_run(data, tmp_path / "probe", strategy__name="feature-extraction")
    full = tiny_run(data, tmp_path / "full", strategy__name="full", strategy__epochs=1)
    start = load_state(full.path / "checkpoints" / START)["model"]
    fitted = load_state(probe.path / "checkpoints" / "last.pt")["model"]
    assert all(torch.equal(start[name], fitted[name]) for name in fitted)
