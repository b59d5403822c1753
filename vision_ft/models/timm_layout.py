"""Write a linear head as timm's own classifier, and read one back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vision_ft.errors import ModelError
from vision_ft.models import preprocessing as spec
from vision_ft.models.backbone import Backbone
from vision_ft.models.source import Source, create_timm
from vision_ft.types import Preprocessing

# Entries of timm's `pretrained_cfg` that describe where the original weights came from or how they were evaluated.
NOT_OURS = (
    *("url", "file", "hf_hub_id", "hf_hub_filename", "source", "state_dict", "tag", "label_offset", "label_names"),
    *("label_descriptions", "custom_load", "test_input_size", "test_crop_pct", "test_pool_size", "pool_size"),
    *("architecture", "origin_url", "description", "notes", "num_classes", "min_input_size"),
)
TOLERANCE = 1e-4  # relative; the two routes differ by rounding only


def state_dict_with_classifier(backbone: Backbone, head: nn.Linear) -> dict[str, Tensor] | None:
    """Return the weights under timm's names with `head` as classifier, or None where timm's cannot express it.

    The result is proven: timm's whole network must give what the head gives on the pooled vector.
    """
    source = Source(backbone.name, backbone.architecture, _network(backbone).pretrained_cfg, backbone.model_args)
    network: Any = create_timm(source, backbone.model_args, num_classes=head.out_features).eval()
    own = {name: value.detach().cpu() for name, value in backbone.model.state_dict().items()}
    network.load_state_dict(own, strict=False)
    weight, bias = head.weight.detach().cpu().float(), head.bias.detach().cpu().float()
    if own.keys() - network.state_dict().keys() or not _set_classifier(network.get_classifier(), weight, bias):
        return None
    with torch.no_grad():
        picture = torch.rand(1, *backbone.preprocessing.size, generator=torch.Generator().manual_seed(0))
        pooled = network.forward_head(network.forward_features(picture), pre_logits=True).flatten(1)
        expected, got = F.linear(pooled, weight, bias), network(picture)
    if expected.shape != got.shape or (expected - got).abs().max() > TOLERANCE * expected.abs().max().clamp(min=1):
        return None
    return {name: value.contiguous().clone() for name, value in network.state_dict().items()}


def split_classifier(
    backbone: nn.Module, state_dict: Mapping[str, Tensor], *, features: int
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Split timm's weights into those of the backbone and those of a linear head: `weight` (K, D) and `bias` (K,).

    Args:
        backbone: timm's network without classifier.
        state_dict: of timm's whole network.
        features: D.

    Raises:
        ModelError: the classifier is not one linear layer.
    """
    own = backbone.state_dict().keys()
    rest = {name: value for name, value in state_dict.items() if name not in own}
    head: dict[str, Tensor] = {}
    for name, value in rest.items():
        if not name.endswith(".weight") or value.ndim not in (2, 4) or value.numel() != value.shape[0] * features:
            continue
        weight = value.reshape(-1, features)
        if "weight" in head and not torch.equal(head["weight"], weight):
            raise ModelError("the classifier has two different parts (distilled); use the folder as a backbone only.")
        bias_name = name.removesuffix("weight") + "bias"
        head = {"weight": weight, **({"bias": rest[bias_name]} if bias_name in rest else {})}
    if any(not _is_identity_statistic(name, value) for name, value in rest.items()):
        raise ModelError("the classifier normalises its input; use the folder as a backbone only.")
    return {name: value for name, value in state_dict.items() if name in own}, head


def timm_config(backbone: Backbone, preprocessing: Preprocessing, class_names: tuple[str, ...]) -> dict[str, Any]:
    """Return the content of config.json as timm and transformers read it.

    timm's own `save_for_hf` is not used: it writes in place, and recent versions store `num_classes` among the
    `model_args`, which transformers then passes twice and refuses.
    """
    original = _network(backbone).pretrained_cfg
    kept = {key: value for key, value in original.items() if key not in NOT_OURS}
    cfg = {**kept, **spec.to_dict(preprocessing), "num_classes": len(class_names)}
    if backbone.model_args.get("dynamic_img_size"):
        cfg["fixed_input_size"] = False
    return {
        "architecture": backbone.architecture,
        "num_classes": len(class_names),
        "num_features": backbone.num_features,
        "label_names": list(class_names),
        "model_args": dict(backbone.model_args),
        "pretrained_cfg": cfg,
    }


def _network(backbone: Backbone) -> Any:
    return backbone.model


def _set_classifier(classifier: Any, weight: Tensor, bias: Tensor) -> bool:
    """Copy the head into timm's classifier, of which a distilled network has two that are averaged."""
    parts = classifier if isinstance(classifier, tuple) else (classifier,)
    with torch.no_grad():
        for part in parts:
            linear = getattr(part, "linear", getattr(part, "fc", part))  # LeViT's and Sequencer's are wrapped
            if not isinstance(linear, (nn.Linear, nn.Conv2d)) or linear.bias is None:
                return False
            if linear.weight.numel() != weight.numel():
                return False
            linear.weight.copy_(weight.reshape(linear.weight.shape))
            linear.bias.copy_(bias)
            if isinstance(norm := getattr(part, "bn", None), nn.BatchNorm1d):
                # LeViT normalises before its classifier: with these statistics, in eval, it does nothing.
                norm.reset_parameters()
                norm.running_var.fill_(1 - norm.eps)  # type: ignore[union-attr]
    return True


def _is_identity_statistic(name: str, value: Tensor) -> bool:
    if name.endswith("running_var"):
        return torch.allclose(value, torch.tensor(1.0), atol=1e-3)
    if name.endswith("running_mean"):
        return bool((value.abs() < 1e-6).all())
    return True
