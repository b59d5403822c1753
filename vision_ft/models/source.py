"""Resolve a backbone's name to timm's architecture, its settings and where its weights come from."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import timm
from timm.models import PretrainedCfg, get_pretrained_cfg, is_model, load_model_config_from_hf, split_model_name_tag
from torch import nn

from vision_ft.errors import ModelError
from vision_ft.models import hub
from vision_ft.models.weights import find_weights_file

LOCAL_PREFIX = "local-dir:"
HUB_PREFIX = "hf-hub:"


@dataclass(frozen=True)
class Source:
    """What a backbone's name stands for.

    Attributes:
        name: as the user wrote it.
        architecture: timm's name without the tag of the weights.
        cfg: timm's `pretrained_cfg`.
        model_args: arguments of `timm.create_model` that the source itself stores.
        folder: the local folder of a `local-dir:` name, or the cached one of a `hf-hub:` name.
    """

    name: str
    architecture: str
    cfg: Mapping[str, Any]
    model_args: Mapping[str, Any] = field(default_factory=dict)
    folder: Path | None = None

    def weights_file(self, pretrained: bool | str | Path) -> Path | None:
        """Return the local weights file to read; None means random weights or a download.

        Raises:
            ModelError: a `local-dir:` folder without weights.
        """
        if isinstance(pretrained, (str, Path)):
            path = Path(pretrained)
            return find_weights_file(path) if path.is_dir() else path
        if not pretrained:
            return None
        return find_weights_file(self.folder) if self.folder else hub.cached_weights(self.cfg)


def resolve_source(name: str) -> Source:
    """Resolve a timm name, `hf-hub:owner/name` or `local-dir:path`.

    Raises:
        ModelError: no such architecture, tag, folder or repository; near names are given.
    """
    if name.startswith(LOCAL_PREFIX):
        return _from_folder(name, Path(name[len(LOCAL_PREFIX) :]))
    if name.startswith(HUB_PREFIX):
        return _from_hub(name, name[len(HUB_PREFIX) :])
    architecture, tag = split_model_name_tag(name)
    if not is_model(architecture):
        raise _unknown_name(name, architecture)
    try:
        cfg = get_pretrained_cfg(name)
    except RuntimeError as err:
        tags = [known.partition(".")[2] for known in timm.list_pretrained(f"{architecture}.*")]
        raise ModelError(f"{name}: {architecture} has no weights tagged {tag!r}; its tags are {tags}.") from err
    return Source(name, architecture, cfg.to_dict() if cfg else {})


def create_timm(source: Source, arguments: Mapping[str, Any], **options: Any) -> nn.Module:
    """Call `timm.create_model` for a source; `options` are its own: pretrained, num_classes, pretrained_cfg_overlay."""
    if not options.get("pretrained"):
        options.setdefault("num_classes", 1)  # the classifier is removed anyway; do not draw thousands of rows
    cfg = {**source.cfg, "architecture": source.architecture}
    model: nn.Module = timm.create_model(source.architecture, pretrained_cfg=cfg, **arguments, **options)
    return model


def _unknown_name(name: str, architecture: str) -> ModelError:
    near = difflib.get_close_matches(architecture, timm.list_models(), n=3, cutoff=0.6)
    hint = f" Did you mean {' or '.join(near)}?" if near else ""
    if "/" in name:
        hint = f" A Hugging Face repository is written '{HUB_PREFIX}{name}', a folder '{LOCAL_PREFIX}{name}'."
    return ModelError(f"{name}: timm has no backbone of this name.{hint} timm.list_models() lists all names.")


def _from_folder(name: str, folder: Path) -> Source:
    config_file = folder / "config.json"
    if not config_file.is_file():
        raise ModelError(f"{name}: {config_file} not found; a timm folder holds config.json and model.safetensors.")
    return replace(source_from_config(read_config(config_file), config_file, name=name), folder=folder)


def source_from_config(config: Mapping[str, Any], config_file: Path, *, name: str) -> Source:
    """Read the network's part of a config.json, ours or any of timm's.

    Raises:
        ModelError: it names no architecture that this timm has.
    """
    network = (config.get("vision_ft") or {}).get("network") or config
    architecture = network.get("architecture")
    if not isinstance(architecture, str):
        raise ModelError(f"{config_file}: names no timm architecture under the key 'architecture'.")
    if not is_model(architecture):
        raise ModelError(f"{config_file}: {_unknown_name(architecture, architecture)}")
    # An old timm wrote the values of `pretrained_cfg` at the top level.
    cfg = {**network, **(network.get("pretrained_cfg") or {})}
    known = {key: value for key, value in cfg.items() if key in PretrainedCfg.__dataclass_fields__}
    return Source(name, architecture, known, dict(network.get("model_args") or {}))


def read_config(config_file: Path) -> dict[str, Any]:
    """Read a timm config.json.

    Raises:
        ModelError: it is damaged.
    """
    try:
        config = json.loads(config_file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as err:
        raise ModelError(f"{config_file}: cannot be read, cut or damaged ({err}).") from err
    if not isinstance(config, dict):
        raise ModelError(f"{config_file}: expected an object, got {type(config).__name__}; damaged.")
    if not all(isinstance(config.get(key) or {}, dict) for key in ("pretrained_cfg", "model_args", "vision_ft")):
        raise ModelError(f"{config_file}: pretrained_cfg, model_args and vision_ft must be objects; damaged.")
    return config


def _from_hub(name: str, model_id: str) -> Source:
    repo, revision = hub.split_repo(model_id)
    cached = hub.cached_file(repo, "config.json", revision)
    if cached is not None:
        source = _from_folder(name, cached.parent)
        return Source(name, source.architecture, {**source.cfg, "hf_hub_id": model_id}, source.model_args)
    hub.require_hub(name, {"hf_hub_id": model_id})
    try:
        cfg, architecture, model_args = load_model_config_from_hf(model_id)
    except Exception as err:  # every failure of the hub's library becomes one sentence
        raise hub.missing_weights(name, {"hf_hub_id": model_id}, f"{type(err).__name__}: {err}") from err
    if not is_model(architecture):
        raise _unknown_name(name, architecture)
    return Source(name, architecture, cfg, model_args)
