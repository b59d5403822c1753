"""The model folder: weights and config.json, for a linear head a checkpoint that timm and transformers load too."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from safetensors.torch import save_file
from torch import Tensor

from vision_ft.errors import ModelError
from vision_ft.files import atomic_path, write_json
from vision_ft.models import preprocessing as spec
from vision_ft.models.assemble import Classifier, DenseModel, VisionModel, build_model
from vision_ft.models.backbone import backbone_from_source
from vision_ft.models.heads import HEADS
from vision_ft.models.heads.linear import LinearHead
from vision_ft.models.source import read_config, source_from_config
from vision_ft.models.timm_layout import split_classifier, state_dict_with_classifier, timm_config
from vision_ft.models.weights import load_weights, read_state_dict
from vision_ft.plugins.missing import find_record, say_missing, warn_of_change
from vision_ft.types import ClassSpace, Preprocessing

FORMAT_VERSION = 1
WEIGHTS_FILE = "model.safetensors"
CONFIG_FILE = "config.json"
KEY = "vision_ft"  # everything of ours in config.json lies under it


def save_model(
    model: VisionModel,
    folder: str | Path,
    *,
    classes: ClassSpace,
    preprocessing: Preprocessing,
    extra: Mapping[str, Any] | None = None,
) -> Path:
    """Write model.safetensors and config.json, each in one step.

    Args:
        model: what to save.
        folder: made when absent.
        classes: the names of its K outputs, in their order.
        preprocessing: how images are prepared for it.
        extra: further JSON-ready values to keep with it, such as the temperature; `load_model` gives them back.

    Raises:
        ModelError: the number of classes differs from the outputs.
    """
    folder = Path(folder)
    if len(classes) != model.num_classes:
        raise ModelError(f"{folder}: the model has {model.num_classes} outputs, but {len(classes)} classes were given.")
    standard = timm_config(model.backbone, preprocessing, classes.names)
    tensors = state_dict_with_classifier(model.backbone, model.head) if isinstance(model.head, LinearHead) else None
    own: dict[str, Any] = {
        "format_version": FORMAT_VERSION,
        "package_version": _package_version(),
        "task": str((extra or {}).get("task") or HEADS[model.head_name].task),
        "backbone": model.backbone.name,
        "head": model.head_name,
        "dropout": model.dropout,
        "head_args": model.head_args,
        "timm_checkpoint": tensors is not None,
        "extra": dict(extra or {}),
    }
    added = HEADS.record(model.head_name)
    if added is not None:
        own["plugins"] = [added]
    if tensors is not None:
        config = {**standard, KEY: own}
    else:
        tensors = {name: value.detach().cpu().contiguous().clone() for name, value in model.state_dict().items()}
        note = (
            f"timm and transformers cannot load this folder: its head {model.head_name!r} on {standard['architecture']}"
            " is not a timm classifier. Load it with vision_ft.load(...)."
        )
        # Without the keys that they look for, they refuse it instead of starting from a random classifier.
        config = {"note": note, KEY: {**own, "network": standard}}
    with atomic_path(folder / WEIGHTS_FILE) as temporary:
        save_file(tensors, temporary, metadata={"format": "pt"})  # transformers asks for this entry
    write_json(folder / CONFIG_FILE, config)
    return folder


def load_model(folder: str | Path) -> tuple[Classifier | DenseModel, ClassSpace, Preprocessing, dict[str, Any]]:
    """Read a folder that `save_model` wrote, or any timm folder with a linear classifier and class names.

    Returns:
        the model in eval mode, its classes, its preprocessing and the `extra` values.

    Raises:
        ModelError: a file is absent, damaged or of a newer format, the class names are missing, or weights do not fit.
    """
    folder = Path(folder)
    config_file, weights_file = folder / CONFIG_FILE, folder / WEIGHTS_FILE
    if not config_file.is_file():
        raise ModelError(f"{folder}: no {CONFIG_FILE} in it; give the model folder of a run, such as runs/birds/model.")
    config = read_config(config_file)
    own = config.get(KEY) or {}
    _check_format(own, config_file)
    _check_head(own, config_file)
    source = source_from_config(config, config_file, name=str(own.get("backbone") or config.get("architecture")))
    classes = _read_classes(own.get("network") or config, config_file)
    preprocessing = spec.from_dict(spec.complete(source.cfg))
    tensors = read_state_dict(weights_file)
    backbone = backbone_from_source(source, pretrained=False, in_chans=preprocessing.size[0])
    backbone.preprocessing = preprocessing
    model = build_model(
        backbone,
        str(own.get("head", "linear")),
        len(classes),
        dropout=float(own.get("dropout") or 0.0),
        head_args=own.get("head_args") or {},
    )
    _fill(model, tensors, where=str(weights_file), in_timm_layout=bool(own.get("timm_checkpoint", True)))
    return model.eval(), classes, preprocessing, dict(own.get("extra") or {})


def _fill(model: VisionModel, tensors: Mapping[str, Tensor], *, where: str, in_timm_layout: bool) -> None:
    if not in_timm_layout:
        load_weights(model, tensors, where=where)
        return
    try:
        backbone, head = split_classifier(model.backbone.model, tensors, features=model.backbone.num_features)
    except ModelError as err:
        raise ModelError(f"{where}: {err}") from err
    load_weights(model.backbone.model, backbone, where=where)
    load_weights(model.head, head, where=f"{where}, classifier")


def _read_classes(config: Mapping[str, Any], config_file: Path) -> ClassSpace:
    names = config.get("label_names")
    if isinstance(names, dict):
        names = [names[key] for key in sorted(names, key=lambda key: int(key))]
    if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
        raise ModelError(
            f'{config_file}: names no classes. Add the list "label_names": ["first class", ...] in the order of '
            "the model's outputs."
        )
    return ClassSpace(tuple(names))


def _check_head(own: Mapping[str, Any], config_file: Path) -> None:
    """Refuse a head that somebody registered when the model was trained, and nobody here; no file is run to find it."""
    name = str(own.get("head", "linear"))
    record = find_record(own.get("plugins"), HEADS.kind, name)
    if record is None:
        return
    if name not in HEADS:
        raise ModelError(f"{config_file}: {say_missing(record, key=HEADS.key)}")
    warn_of_change(record, HEADS)


def _check_format(own: Mapping[str, Any], config_file: Path) -> None:
    found = own.get("format_version", FORMAT_VERSION)
    if not isinstance(found, int) or found > FORMAT_VERSION:
        raise ModelError(
            f"{config_file}: format version {found}, written by vision-ft {own.get('package_version', 'unknown')}; "
            f"this one reads up to {FORMAT_VERSION}. Upgrade vision-ft."
        )


def _package_version() -> str:
    try:
        return version("vision-ft")
    except PackageNotFoundError:
        return "unknown"
