"""What can go wrong while training: a loss that is no number, a full disk, a damaged checkpoint."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest
import torch

from tests.pictures import draw_folder
from tests.runs import tiny_run
from vision_ft.engine import checkpoint, loop
from vision_ft.engine.checkpoint import load_state, save_state
from vision_ft.errors import ResumeError, TrainingError


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    return draw_folder(tmp_path_factory.mktemp("data"), per_class=8)


def test_a_loss_that_is_no_number_stops_before_the_step_and_names_the_files(data, tmp_path, monkeypatch):
    seen: dict[str, torch.Tensor] = {}
    original = loop.train_batch

    def poisoned(run, stage, batch, group_size):
        if run.progress.epoch == 1 and run.progress.step == 1:
            batch.images[0] = float("nan")
            seen.update({name: value.clone() for name, value in run.model.named_parameters()})
            seen["model"] = run.model
        original(run, stage, batch, group_size)

    monkeypatch.setattr(loop, "train_batch", poisoned)
    with pytest.raises(TrainingError, match=r"epoch 2, batch 2: the loss is nan; no step was taken.*\.png.*--resume"):
        tiny_run(data, tmp_path / "run", strategy__name="full", strategy__epochs=3)
    model = seen.pop("model")
    assert all(torch.equal(value, seen[name]) for name, value in model.named_parameters())


def test_a_full_disk_keeps_the_previous_checkpoint(tmp_path, monkeypatch):
    file = tmp_path / "last.pt"
    save_state(file, {"epoch": 1})
    original = torch.save

    def full(state, target):
        original(state, target)
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(checkpoint.torch, "save", full)
    with pytest.raises(OSError, match="No space left"):
        save_state(file, {"epoch": 2})
    assert load_state(file)["epoch"] == 1
    assert [path.name for path in tmp_path.iterdir()] == ["last.pt"]


def test_a_cut_checkpoint_is_named(tmp_path):
    file = tmp_path / "last.pt"
    save_state(file, {"weights": torch.zeros(1000)})
    file.write_bytes(file.read_bytes()[:2000])
    with pytest.raises(ResumeError, match=r"last.pt: the checkpoint is cut or damaged"):
        load_state(file)


def test_a_checkpoint_with_code_in_it_is_refused(tmp_path):
    class Payload:
        def __reduce__(self):
            return (Path.touch, (tmp_path / "CANARY",))

    file = tmp_path / "last.pt"
    torch.save({"format_version": 1, "payload": Payload()}, file)
    with pytest.raises(ResumeError, match=r"last.pt.*not one of ours"):
        load_state(file)
    assert not (tmp_path / "CANARY").exists()


def test_a_checkpoint_of_another_format_says_who_wrote_it(tmp_path):
    file = tmp_path / "last.pt"
    torch.save({"format_version": 99, "written_by": "9.9"}, file)
    with pytest.raises(ResumeError, match="format 99, written by vision-ft 9.9.*reads format 1"):
        load_state(file)
