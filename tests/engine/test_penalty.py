"""A penalty on the weights, old images beside new ones, weights of rows: what adaptation asks of the engine."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from vision_ft.adaptation.anchor import build_anchor
from vision_ft.data.loading.loaders import EpochBatches
from vision_ft.data.loading.rehearsal import Memory, RehearsalBatches
from vision_ft.engine.callbacks import LogReporter
from vision_ft.engine.loop import fit
from vision_ft.engine.optim import OptimSettings
from vision_ft.engine.run import Method, RunData, Services, TrainingRun
from vision_ft.engine.runtime import Runtime
from vision_ft.engine.signals import StopRequest
from vision_ft.errors import TrainingError
from vision_ft.models.assemble import Classifier, build_model
from vision_ft.models.backbone import create_backbone
from vision_ft.models.stages import parameter_groups
from vision_ft.strategies import full, surgical
from vision_ft.tasks import TASKS
from vision_ft.types import Batch, Target

LABELS = np.arange(32) % 2
NEW, OLD, VAL = np.arange(16), np.arange(16, 28), np.arange(28, 32)
SETTINGS = OptimSettings(
    name="sgd", lr=0.05, head_lr=0.05, weight_decay=0.0, momentum=0.0, warmup=0.0, clip=None, accumulate=1, ema=False,
    patience=None, metric="accuracy",
)  # fmt: skip


def pictures() -> torch.Tensor:
    noise = torch.rand(len(LABELS), 3, 32, 32, generator=torch.Generator().manual_seed(0))
    return noise + torch.from_numpy(LABELS)[:, None, None, None] * torch.tensor([0.6, 0.0, -0.6])[:, None, None]


def source_model() -> Classifier:
    torch.manual_seed(0)
    return build_model(create_backbone("test_vit", pretrained=False, image_size=32), "linear", 2)


class Loader:
    """Batches of the images above in the order of a sampler."""

    def __init__(self, batches) -> None:
        self.batches = batches

    def __iter__(self):
        for indices in self.batches:
            yield batch_of([row for _, row in indices])


def batch_of(rows) -> Batch:
    rows = torch.as_tensor(rows)
    return Batch(pictures()[rows], Target(labels=torch.from_numpy(LABELS)[rows]), rows)


def run_in(folder: Path, *, batches=None, penalty=None, row_weights=None, labels=LABELS, **settings) -> TrainingRun:
    model = source_model()
    batches = EpochBatches(NEW, batch_size=8, seed=1) if batches is None else batches

    def features(_what, rows, _views):
        with torch.no_grad():
            return model.eval().forward_features(pictures()[rows]).numpy()[None]

    data = RunData(
        train=lambda: Loader(batches), batches=batches, train_rows=batches.rows, val_rows=VAL, labels=labels,
        load_eval=lambda rows: [batch_of(rows)], features=features, describe=str, row_weights=row_weights,
    )  # fmt: skip
    task = TASKS["classification"]
    loss = task.build_loss(np.array([8, 8]), imbalance="none", label_smoothing=0.0)
    method = Method(
        task=task, loss=loss, settings=OptimSettings(**(vars(SETTINGS) | settings)), seed=1, batchnorm="eval",
        imbalance="none", penalty=penalty,
    )  # fmt: skip
    folder.mkdir(exist_ok=True)
    return TrainingRun(model, data, method, Services(Runtime(device="cpu"), StopRequest(), LogReporter(), folder))


def everything(epochs: int = 3) -> list:
    return full.plan([*run_groups()], epochs, decay=1.0, head_first=False)


def run_groups() -> list[str]:
    return list(parameter_groups(source_model()))


def distance(model: nn.Module) -> float:
    """How far the weights of a model are from those of the source."""
    source = dict(source_model().named_parameters())
    return sum(
        float((value.detach() - source[name].detach()).square().sum()) for name, value in model.named_parameters()
    )


def losses(folder: Path) -> list[float]:
    return [json.loads(line)["train_loss"] for line in (folder / "log.jsonl").read_text().splitlines()]


def test_a_stronger_anchor_keeps_the_weights_nearer_to_the_source(tmp_path):
    found = []
    for strength in (None, 0.1, 1.0, 10.0):
        penalty = None if strength is None else build_anchor(source_model(), strength=strength, head_strength=strength)
        run = run_in(tmp_path / f"{strength}", penalty=penalty)
        fit(run, everything())
        found.append(distance(run.model))
    assert found == sorted(found, reverse=True)
    assert found[-1] < found[0] / 4


def test_a_penalty_without_gradient_changes_neither_weights_nor_the_logged_loss(tmp_path):
    plain, constant = (
        run_in(tmp_path / "plain"),
        run_in(tmp_path / "constant", penalty=lambda _model: torch.tensor(9.0)),
    )
    for run in (plain, constant):
        fit(run, everything())
    assert losses(tmp_path / "plain") == losses(tmp_path / "constant")
    assert distance(plain.model) == distance(constant.model) > 0


def test_accumulated_batches_count_the_penalty_once_a_step(tmp_path):
    models = []
    for accumulate in (1, 2):
        batches = EpochBatches(NEW, batch_size=8 // accumulate, seed=1)
        run = run_in(tmp_path / f"{accumulate}", batches=batches, penalty=pull, accumulate=accumulate, lr=0.01)
        fit(run, everything(1))
        models.append(run.model.state_dict())
    assert all(torch.allclose(value, models[1][name], atol=1e-4) for name, value in models[0].items())
    first = source_model().state_dict()["head.bias"]
    assert (first - models[0]["head.bias"]).mean() == pytest.approx(0.015, abs=1e-5), "steps of 0.01 and 0.005"


def pull(model: nn.Module) -> torch.Tensor:
    """A constant gradient of 1 on every weight."""
    return torch.stack([parameter.sum() for parameter in model.parameters() if parameter.requires_grad]).sum()


def test_a_penalty_that_is_no_number_stops_before_the_step(tmp_path):
    run = run_in(tmp_path / "run", penalty=lambda _model: torch.tensor(float("nan")))
    with pytest.raises(TrainingError, match="epoch 1, batch 1: the loss is nan; no step was taken"):
        fit(run, everything())
    assert distance(run.model) == 0


def test_a_frozen_head_stays_bit_identical_in_a_phase_of_one_block(tmp_path):
    run = run_in(tmp_path / "run", penalty=build_anchor(source_model(), strength=0.1))
    phases = surgical.plan(run_groups(), 2, part="first", head_first=False)
    fit(run, phases)
    source = source_model().state_dict()
    trained = {
        name for group in phases[0].lr_scale for name in run.groups[group]
    }  # fmt: skip
    for name, value in run.model.state_dict().items():
        assert torch.equal(value, source[name]) == (name not in trained), name


class Killed(BaseException):
    """Stands for SIGKILL: nothing in the package may catch it."""


@pytest.mark.parametrize("stop_at", [1, 2, 3])
def test_rehearsal_with_an_anchor_is_resumed_bit_identical(stop_at, tmp_path, monkeypatch):
    def prepared(name: str) -> TrainingRun:
        batches = RehearsalBatches(NEW, Memory(OLD, LABELS[OLD]), batch_size=4, seed=1, repeats=2)
        penalty = build_anchor(source_model(), strength=0.1)
        return run_in(tmp_path / name, batches=batches, penalty=penalty, momentum=0.9, accumulate=2)

    whole = prepared("whole")
    fit(whole, everything())
    original, saves = TrainingRun.save, 0

    def counted(self, stage=None):
        nonlocal saves
        original(self, stage)
        saves += 1
        if saves == stop_at:
            raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(TrainingRun, "save", counted)
        with pytest.raises(Killed):
            fit(prepared("cut"), everything())
    again = prepared("cut")
    assert again.resume()
    fit(again, everything())
    expected = whole.model.state_dict()
    assert all(torch.equal(value, expected[name]) for name, value in again.model.state_dict().items())
    assert losses(tmp_path / "cut") == losses(tmp_path / "whole")


def test_stopped_within_an_epoch_of_rehearsal_goes_on_from_that_step(tmp_path):
    def prepared(name: str) -> TrainingRun:
        batches = RehearsalBatches(NEW, Memory(OLD, LABELS[OLD]), batch_size=4, seed=1)
        return run_in(tmp_path / name, batches=batches, penalty=build_anchor(source_model(), strength=0.1))

    whole, cut = prepared("whole"), prepared("cut")
    fit(whole, everything(2))
    cut.stop.requested = True  # honoured after the first step
    with pytest.raises(SystemExit):
        fit(cut, everything(2))
    again = prepared("cut")
    assert again.resume()
    assert again.progress.step == 1
    fit(again, everything(2))
    expected = whole.model.state_dict()
    assert all(torch.equal(value, expected[name]) for name, value in again.model.state_dict().items())


@pytest.mark.parametrize("heavy", [0, 1])
def test_row_weights_decide_the_convex_fit_where_two_cameras_disagree(heavy, tmp_path):
    """Two cameras see the same eight images and label them in opposite ways: the camera with more weight wins."""
    phases = full.plan(run_groups(), 1)[:1]
    assert phases[0].solver == "convex"
    labels, weights = LABELS.copy(), np.ones(len(LABELS))
    labels[8:16] = 1 - LABELS[:8]
    labels[VAL] = labels[8 * heavy : 8 * heavy + 4]
    weights[8 * heavy : 8 * heavy + 8] = 9.0
    seen_as = np.arange(len(LABELS)) % 8  # row -> the image it shows
    run = run_in(tmp_path / "run", row_weights=weights, labels=labels)
    shown = run.data.features
    run.data = replace(run.data, features=lambda what, rows, views: shown(what, seen_as[rows], views))
    seen_as[VAL] = np.arange(4)
    fit(run, phases)
    with torch.no_grad():
        features = torch.from_numpy(shown("", np.arange(8), 1)[0])
        predicted = run.model.eval().forward_head(features).argmax(dim=1).numpy()
    assert predicted.tolist() == labels[8 * heavy : 8 * heavy + 8].tolist()
