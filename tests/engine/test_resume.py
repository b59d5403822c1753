"""A run that was killed anywhere and resumed ends bit-identical to one that was not."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

import vision_ft as vf
from tests.pictures import draw_folder, draw_picture
from tests.runs import command_line, tiny_run
from vision_ft.engine import loop
from vision_ft.errors import ResumeError

pytestmark = pytest.mark.slow
RECIPE = {"strategy__epochs": 3, "model__dropout": 0.2, "model__drop_path": 0.1, "optim__accumulate": 2}


def model_of(run: Path) -> dict[str, torch.Tensor]:
    return load_file(run / "model" / "model.safetensors")


def assert_same_run(one: Path, other: Path) -> None:
    first, second = model_of(one), model_of(other)
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert vf.Run(one).metrics["splits"] == vf.Run(other).metrics["splits"]


class Killed(BaseException):
    """Stands for SIGKILL in a test of one process: nothing in the package may catch it."""


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    return draw_folder(tmp_path_factory.mktemp("data"), per_class=12)


@pytest.mark.parametrize("strategy", ["gradual-unfreeze", "full"])
@pytest.mark.parametrize("head", ["linear", "mlp"])
def test_killed_after_each_safe_point_and_resumed_is_bit_identical(strategy, head, data, tmp_path, monkeypatch):
    recipe = RECIPE | {"strategy__name": strategy, "model__head": head}
    whole = tiny_run(data, tmp_path / "whole", **recipe)
    original = loop.TrainingRun.save
    saves = 0

    def counted(self, stage=None):
        nonlocal saves
        original(self, stage)
        saves += 1
        if saves == stop_at:
            raise Killed

    monkeypatch.setattr(loop.TrainingRun, "save", counted)
    last_save = {"linear": 5, "mlp": 25}[head] + (strategy == "gradual-unfreeze") * 2  # borders: head, phases, epochs
    for stop_at in {1, 2, last_save // 2, last_save - 1, last_save}:
        saves, out = 0, tmp_path / f"cut{stop_at}"
        with pytest.raises(Killed):
            tiny_run(data, out, **recipe)
        stop_at = -1
        tiny_run(data, out, resume=True, **recipe)
        assert_same_run(whole.path, out)


def test_killed_by_sigkill_and_resumed_is_bit_identical(data, tmp_path):
    recipe = {"strategy__name": "full", "strategy__epochs": 30}
    whole = tiny_run(data, tmp_path / "whole", **recipe)
    out = tmp_path / "cut"
    process = start(data, out, **recipe)
    wait_for_epochs(out, 2)
    process.kill()
    assert process.wait() == -signal.SIGKILL
    tiny_run(data, out, resume=True, **recipe)
    assert_same_run(whole.path, out)


def test_sigterm_saves_exits_143_and_resumes_bit_identical(data, tmp_path):
    recipe = {"strategy__name": "full", "strategy__epochs": 30, "model__dropout": 0.3}
    whole = tiny_run(data, tmp_path / "whole", **recipe)
    out = tmp_path / "cut"
    process = start(data, out, **recipe)
    wait_for_epochs(out, 2)
    process.terminate()
    assert process.wait(timeout=60) == 143
    tiny_run(data, out, resume=True, **recipe)
    assert_same_run(whole.path, out)


def start(data: Path, out: Path, **recipe: object) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "vision_ft", *command_line(data, out, **recipe)]
    return subprocess.Popen(command, env=os.environ | {"PYTHONPATH": "."}, stdout=subprocess.DEVNULL)


def wait_for_epochs(out: Path, number: int) -> None:
    log, deadline = out / "log.jsonl", time.monotonic() + 120
    while not log.is_file() or len(log.read_text().splitlines()) < number:
        assert time.monotonic() < deadline, "the run did not get that far"
        time.sleep(0.02)


def test_stopped_within_an_epoch_goes_on_from_that_step(data, tmp_path, monkeypatch):
    recipe = RECIPE | {"strategy__name": "full", "optim__batch_size": 4}
    whole = tiny_run(data, tmp_path / "whole", **recipe)
    out = tmp_path / "cut"
    steps = 0
    original = loop.stop_if_asked

    def ask_at_third_step(run, stage):
        nonlocal steps
        steps += 1
        run.stop.requested = steps == 3
        original(run, stage)

    monkeypatch.setattr(loop, "stop_if_asked", ask_at_third_step)
    with pytest.raises(SystemExit) as exit_:
        tiny_run(data, out, **recipe)
    assert exit_.value.code == 143
    tiny_run(data, out, resume=True, **recipe)
    assert_same_run(whole.path, out)


def test_data_that_changed_since_is_named(data, tmp_path, monkeypatch):
    copy = draw_folder(tmp_path / "data", per_class=12)
    monkeypatch.setattr(loop, "end_epoch", interrupt)
    with pytest.raises(Killed):
        tiny_run(copy, tmp_path / "run", strategy__name="full")
    import numpy as np

    draw_picture((0, 0, 0), np.random.default_rng(1)).save(copy / "blue" / "003.png")
    with pytest.raises(ResumeError, match=r"the data changed since the run began, in 1 images: blue/003.png"):
        tiny_run(copy, tmp_path / "run", resume=True, strategy__name="full")


def interrupt(*_arguments: object) -> None:
    raise Killed


def test_a_run_is_resumed_by_its_folder_alone(data, tmp_path, monkeypatch):
    recipe = {"strategy__name": "full", "strategy__epochs": 2}
    whole = tiny_run(data, tmp_path / "whole", **recipe)
    with monkeypatch.context() as patch:
        patch.setattr(loop, "end_epoch", interrupt)
        with pytest.raises(Killed):
            tiny_run(data, tmp_path / "cut", **recipe)
    vf.finetune(tmp_path / "cut", resume=True)
    assert_same_run(whole.path, tmp_path / "cut")


def test_killed_when_the_head_stopped_early_still_trains_the_backbone(data, tmp_path, monkeypatch):
    recipe = {"model__head": "mlp", "strategy__name": "full", "strategy__epochs": 1, "optim__patience": 1}
    recipe |= {"optim__head_lr": 1e-12, "optim__weight_decay": 0.0}  # nothing moves: the head stops after two epochs
    whole = tiny_run(data, tmp_path / "whole", **recipe)
    original = loop.TrainingRun.save

    def killed_once_stopped(self, stage=None):
        original(self, stage)
        if self.progress.stopped:
            raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(loop.TrainingRun, "save", killed_once_stopped)
        with pytest.raises(Killed):
            tiny_run(data, tmp_path / "cut", **recipe)
    tiny_run(data, tmp_path / "cut", resume=True, **recipe)
    assert "all layers" in (tmp_path / "cut" / "log.jsonl").read_text()
    assert_same_run(whole.path, tmp_path / "cut")


def test_a_run_killed_before_its_report_gets_it_on_resume(data, tmp_path):
    run = tiny_run(data, tmp_path / "run", strategy__name="feature-extraction")
    (run.path / "report.html").unlink()
    tiny_run(data, run.path, resume=True, strategy__name="feature-extraction")
    assert (run.path / "report.html").is_file()


def test_another_recipe_is_refused_with_both_values(data, tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "end_epoch", interrupt)
    with pytest.raises(Killed):
        tiny_run(data, tmp_path / "run", strategy__name="full")
    with pytest.raises(ResumeError, match=r"optim.lr: 0.003 -> 0.01"):
        tiny_run(data, tmp_path / "run", resume=True, strategy__name="full", optim__lr=0.01)


def test_nothing_to_resume_and_a_taken_folder_are_said(data, tmp_path):
    with pytest.raises(ResumeError, match="no run to resume here"):
        tiny_run(data, tmp_path / "none", resume=True)
    tiny_run(data, tmp_path / "run", strategy__name="feature-extraction")
    with pytest.raises(ResumeError, match="holds a run already"):
        tiny_run(data, tmp_path / "run", strategy__name="feature-extraction")
