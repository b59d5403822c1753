"""Build a timm network from a resolved source, with weights from a file or the hub, and explain every refusal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from vision_ft.errors import ModelError
from vision_ft.models import hub
from vision_ft.models.sizes import check_size
from vision_ft.models.source import Source, create_timm
from vision_ft.models.weights import read_state_dict

# timm gives this network another epsilon when `pretrained` is set; said always, so that a saved model stays the same.
BN_EPS = {"fbnetc_100": 1e-3}
# What timm and torch raise for arguments, shapes and sizes that do not fit together.
BUILD_ERRORS = (TypeError, ValueError, AssertionError, RuntimeError, KeyError, IndexError, AttributeError)
# The backbone's place inside our own assembled model.
BACKBONE_PREFIX = "backbone.model."
# The classifier's usual names, tried where a file keeps the names of the original release.
CLASSIFIERS = ("head", "fc", "classifier", "head.fc")


def build_network(
    source: Source,
    *,
    pretrained: bool | str | Path,
    in_chans: int,
    size: tuple[int, int] | None,
    drop_path: float,
    model_args: Mapping[str, Any],
) -> tuple[nn.Module, dict[str, Any]]:
    """Build the network without its classifier.

    Returns:
        the network, and the arguments that rebuild it through `timm.create_model(architecture, **arguments)`.

    Raises:
        ModelError: see `create_backbone`.
    """
    arguments = _arguments(source, in_chans=in_chans, size=size, model_args=model_args)
    extra = {"drop_path_rate": drop_path} if drop_path else {}
    weights = source.weights_file(pretrained)
    if weights is None and pretrained:
        hub.require_hub(source.name, source.cfg)
    if size is not None:
        check_size(source, arguments, size)
    state_dict = _backbone_part(read_state_dict(weights)) if weights is not None else None
    try:
        if state_dict is not None:
            model = _with_state_dict(source, {**arguments, **extra}, state_dict)
        else:
            model = create_timm(source, {**arguments, **extra}, pretrained=bool(pretrained))
    except BUILD_ERRORS as err:
        raise _explained(source, err, weights, {**arguments, **extra}) from err
    except Exception as err:
        # Whatever the hub's library raises while it downloads; anything else is not ours to hide.
        if weights is not None or not pretrained:
            raise
        raise hub.missing_weights(source.name, source.cfg, f"{type(err).__name__}: {err}") from err
    model.reset_classifier(0)  # type: ignore[operator]
    return model, arguments


def _arguments(
    source: Source, *, in_chans: int, size: tuple[int, int] | None, model_args: Mapping[str, Any]
) -> dict[str, Any]:
    stored = {key: value for key, value in source.model_args.items() if key not in ("num_classes", "in_chans")}
    arguments = {**stored, **model_args}
    # Always said: timm would otherwise take the channels of the weights for those of the network.
    arguments["in_chans"] = in_chans
    if source.architecture in BN_EPS:
        arguments.setdefault("bn_eps", BN_EPS[source.architecture])
    takes_size = source.cfg.get("fixed_input_size") or "img_size" in stored
    if size is not None and takes_size and not arguments.get("dynamic_img_size"):
        arguments["img_size"] = list(size)
    reserved = sorted({"num_classes", "features_only", "pretrained", "checkpoint_path"} & model_args.keys())
    if reserved:
        raise ModelError(f"model_args: {reserved} are set by the package; leave them out.")
    return arguments


def _with_state_dict(source: Source, arguments: Mapping[str, Any], state_dict: dict[str, Tensor]) -> nn.Module:
    """Let timm place the weights: it resamples position embeddings, adapts the first layer and checks every name.

    The network is built with the classifier of the file, so that timm's check is strict in both directions.
    """
    num_classes = _num_classes(state_dict, source.cfg.get("classifier"))
    if num_classes is None:
        num_classes = 1  # a file without a classifier: any will do, it is removed afterwards
        blank = create_timm(source, arguments, num_classes=1)
        rest = blank.state_dict()
        blank.reset_classifier(0)  # type: ignore[operator]
        state_dict.update({name: value for name, value in rest.items() if name not in blank.state_dict()})
    overlay = {
        "state_dict": state_dict,
        **dict.fromkeys(("url", "file", "hf_hub_id", "hf_hub_filename", "source"), ""),
        "num_classes": num_classes,
        "input_size": (_stem_channels(state_dict, source.cfg), *tuple(source.cfg.get("input_size", (3, 224, 224)))[1:]),
        "label_offset": 0,
        "custom_load": False,
    }
    model = create_timm(source, arguments, pretrained=True, num_classes=num_classes, pretrained_cfg_overlay=overlay)
    model.pretrained_cfg = model.default_cfg = {**source.cfg, "architecture": source.architecture}  # type: ignore[assignment]
    return model


def _backbone_part(state_dict: dict[str, Tensor]) -> dict[str, Tensor]:
    """Take the backbone out of a folder of ours whose head is not timm's."""
    if not any(name.startswith(BACKBONE_PREFIX) for name in state_dict):
        return state_dict
    return {name.removeprefix(BACKBONE_PREFIX): v for name, v in state_dict.items() if name.startswith(BACKBONE_PREFIX)}


def _num_classes(state_dict: Mapping[str, Tensor], classifier: str | Sequence[str] | None) -> int | None:
    names = (classifier,) if isinstance(classifier, str) else tuple(classifier or ())
    for name in (*names, *CLASSIFIERS):
        weight = state_dict.get(f"{name}.weight")
        if weight is not None and weight.ndim in (2, 4):
            return int(weight.shape[0])
    return None


def _stem_channels(state_dict: Mapping[str, Tensor], cfg: Mapping[str, Any]) -> int:
    stems = cfg.get("first_conv")
    first = stems if isinstance(stems, str) else next(iter(stems or ()), "")
    weight = state_dict.get(f"{first}.weight")
    return int(weight.shape[1]) if weight is not None and weight.ndim == 4 else 3


def _explained(source: Source, err: Exception, weights: Path | None, arguments: Mapping[str, Any]) -> ModelError:
    text = str(err).strip()
    if weights is not None and ("state_dict" in text or "size mismatch" in text):
        return ModelError(
            f"{weights}: the weights do not fit {source.architecture}; {_listed_names(text)}. "
            "Check the backbone's name and model.model_args against those the file was saved with."
        )
    return ModelError(f"{source.name}: timm cannot build it with {dict(arguments)}: {type(err).__name__}: {text[:500]}")


def _listed_names(text: str, limit: int = 12) -> str:
    """Shorten torch's message: the kind of each mismatch with the first few names."""
    parts = []
    for line in text.splitlines()[1:]:
        title, _, rest = line.strip().partition(":")
        names = [name.strip(' ".') for name in rest.split(",")] if "key(s)" in title else []
        if names:
            more = f" and {len(names) - limit} more" if len(names) > limit else ""
            parts.append(f"{len(names)} {title.split()[0].lower()}: {', '.join(names[:limit])}{more}")
        elif len(parts) < limit:
            parts.append(line.strip().rstrip("."))
    return "; ".join(parts)
