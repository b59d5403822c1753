"""Broken and hostile weights files: one ModelError that names the file, in bounded memory, and no code ever runs."""

from __future__ import annotations

import json
import time

import pytest
import torch
from torch import nn

from vision_ft.errors import ModelError
from vision_ft.models.folder import load_model
from vision_ft.models.weights import load_weights, read_state_dict

CANARY = "CANARY_PWNED"
HONEST = {
    "plain_state_dict.pt",
    "label_order_mismatch.safetensors",
    "no_metadata.safetensors",
    "missing_key.safetensors",
}
NEVER_WEIGHTS = {".onnx", ".joblib", ".npy"}  # refused by their ending


class Tiny(nn.Module):
    """The network whose weights the honest files hold."""

    def __init__(self):
        super().__init__()
        self.backbone = nn.ParameterDict({"w": nn.Parameter(torch.zeros(8, 4))})
        self.head = nn.Linear(8, 3)


@pytest.fixture
def folder(shared, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # where a payload would leave its mark
    yield shared / "faults" / "annotations" / "checkpoints"
    assert not (tmp_path / CANARY).exists(), "a file ran code"


def test_every_broken_or_hostile_file_gives_one_error_that_names_it(folder):
    files = sorted(path for path in folder.iterdir() if path.name not in HONEST)
    assert len(files) == 22
    for path in files:
        started = time.perf_counter()
        with pytest.raises(ModelError) as caught:
            read_state_dict(path)
        message = str(caught.value)
        assert message.startswith(f"{path}: "), message
        assert "\n" not in message
        assert time.perf_counter() - started < 5
        if path.name.startswith("st_"):
            assert "cut or damaged" in message, message
        if path.suffix in NEVER_WEIGHTS:
            assert "weights files end in .safetensors" in message


def test_the_manifest_lists_no_checkpoint_that_is_not_tried(folder):
    cases = json.loads((folder.parent / "manifest.json").read_text())["cases"]
    listed = {file.partition("/")[2] for case in cases if case["area"] == "checkpoint" for file in case["files"]}
    assert listed == {path.name for path in folder.iterdir()}


@pytest.mark.parametrize("name", ["pickle_eval.pt", "pickle_legacy.pth", "pickle_raw.ckpt", "timm_like_namespace.pt"])
def test_a_pickle_is_refused_with_the_reason_and_the_way_out(folder, name):
    with pytest.raises(
        ModelError, match=r"pickle holds more than weights and could run code.*safetensors.torch"
    ) as caught:
        read_state_dict(folder / name)
    assert "weights_only" not in str(caught.value), "torch's advice to load it unsafely is not passed on"


def test_the_refusal_names_what_an_honest_checkpoint_wanted(folder):
    with pytest.raises(ModelError, match="argparse.Namespace"):
        read_state_dict(folder / "timm_like_namespace.pt")


def test_a_pickle_under_a_safe_name_is_not_tried_as_a_pickle(folder, monkeypatch):
    monkeypatch.setattr(torch, "load", lambda *_args, **_options: pytest.fail("torch.load was tried"))
    with pytest.raises(ModelError, match="not a whole safetensors file"):
        read_state_dict(folder / "pickle_named.safetensors")


def test_a_zip_bomb_is_refused_before_it_unpacks(folder, monkeypatch):
    monkeypatch.setattr(torch, "load", lambda *_args, **_options: pytest.fail("the archive was opened"))
    with pytest.raises(ModelError, match=r"compressed archive that unpacks from 66,269 to 6\d,\d{3},\d{3} bytes"):
        read_state_dict(folder / "pt_zip_bomb_64MB.pt")


def test_an_honest_file_loads(folder):
    state_dict = read_state_dict(folder / "plain_state_dict.pt")
    assert state_dict
    assert all(isinstance(value, torch.Tensor) for value in state_dict.values())


def test_a_missing_name_is_listed(folder):
    path = folder / "missing_key.safetensors"
    with pytest.raises(
        ModelError, match=r"missing_key.safetensors: the weights do not fit the model; 1 missing: head.bias"
    ):
        load_weights(Tiny(), read_state_dict(path), where=str(path))


def test_a_folder_without_class_list_asks_for_it(folder, tmp_path):
    target = tmp_path / "model"
    target.mkdir()
    (target / "model.safetensors").write_bytes((folder / "no_metadata.safetensors").read_bytes())
    (target / "config.json").write_text('{"architecture": "resnet18"}')
    with pytest.raises(ModelError, match=r'names no classes. Add the list "label_names": \["first class", ...\]'):
        load_model(target)
