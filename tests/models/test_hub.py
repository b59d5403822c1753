"""Without a network, pretrained weights end in one quick error that says what to place; the cache still serves."""

from __future__ import annotations

import socket
import time

import pytest
import timm
import torch
from safetensors.torch import save_file

from vision_ft.errors import ModelError
from vision_ft.models import hub
from vision_ft.models.backbone import create_backbone


@pytest.fixture
def no_network(monkeypatch):
    def refuse(*_args, **_options):
        raise OSError("network is unreachable")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(hub, "try_to_load_from_cache", lambda *_args, **_options: None)


@pytest.mark.parametrize("name", ["resnet18", "hf-hub:timm/resnet18.a1_in1k"])
def test_without_a_network_one_error_names_the_file_and_the_option(no_network, name):
    started = time.perf_counter()
    with pytest.raises(ModelError) as caught:
        create_backbone(name, pretrained=True)
    assert time.perf_counter() - started < 10
    message = str(caught.value)
    assert message.startswith(f"{name}: the pretrained weights are not on this machine and could not be fetched (")
    assert "Download model.safetensors of https://huggingface.co/timm/resnet18.a1_in1k" in message
    assert "model.pretrained=path/to/file.safetensors" in message
    assert "model.pretrained=false" in message


def test_a_resolver_that_hangs_does_not_hold_the_command(monkeypatch):
    monkeypatch.setattr(hub, "DEADLINE_S", 0.2)
    monkeypatch.setattr(hub, "_ask_hub", lambda *_args: time.sleep(5))
    monkeypatch.setattr(hub, "try_to_load_from_cache", lambda *_args, **_options: None)
    started = time.perf_counter()
    with pytest.raises(ModelError, match="no answer within 0 s"):
        create_backbone("resnet18", pretrained=True)
    assert time.perf_counter() - started < 3


def test_a_failure_in_the_middle_of_the_download_is_explained(monkeypatch):
    monkeypatch.setattr(hub, "_ask_hub", lambda *_args: None)
    monkeypatch.setattr(hub, "try_to_load_from_cache", lambda *_args, **_options: None)

    def cut(*_args, **_options):
        raise ConnectionResetError("peer closed the connection")

    monkeypatch.setattr("timm.models._builder.load_state_dict_from_hf", cut)
    with pytest.raises(ModelError, match=r"resnet18: the pretrained weights .* peer closed the connection\). Download"):
        create_backbone("resnet18", pretrained=True)


def test_cached_weights_are_read_without_any_network(no_network, monkeypatch, tmp_path):
    torch.manual_seed(0)
    network = timm.create_model("resnet18")
    save_file(network.state_dict(), tmp_path / "model.safetensors")
    asked = []

    def cached(repo, filename, revision=None):
        asked.append(repo)
        return str(tmp_path / filename) if (tmp_path / filename).exists() else None

    monkeypatch.setattr(hub, "try_to_load_from_cache", cached)
    backbone = create_backbone("resnet18", pretrained=True)
    assert set(asked) == {"timm/resnet18.a1_in1k"}
    assert torch.equal(backbone.model.conv1.weight, network.conv1.weight)


def test_a_network_that_timm_never_published_weights_for_is_said_so():
    with pytest.raises(
        ModelError, match="adv_inception_v3: timm has no pretrained weights of this name. Give your own"
    ):
        create_backbone("adv_inception_v3", pretrained=True)


def test_offline_mode_is_respected(monkeypatch):
    monkeypatch.setattr(hub, "try_to_load_from_cache", lambda *_args, **_options: None)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(ModelError, match=r"could not be fetched \(OfflineModeIsEnabled: Cannot reach https://hugg"):
        create_backbone("resnet18", pretrained=True)
