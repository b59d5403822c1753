"""Name the parts of a model from input to head, and freeze some of them completely."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import chain
from typing import Any, Literal

from timm.models._manipulate import group_with_matcher
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from vision_ft.errors import ModelError

STEM, STAGE, HEAD = "stem", "stage", "head"
BACKBONE_PREFIX = "backbone.model."
_UNMATCHED = "\0unmatched"  # no parameter has this name: it shows where timm puts what no pattern matches


class FrozenAware(nn.Module):
    """A module whose frozen parts stay in eval through every `.train()`: no dropout, no BatchNorm update."""

    frozen_modules: tuple[nn.Module, ...] = ()  # a tuple, so that torch does not register them a second time

    def train(self, mode: bool = True) -> FrozenAware:
        """Set the mode of everything but the frozen parts, which stay in eval."""
        super().train(mode)
        for module in self.frozen_modules:
            module.training = False
        return self


def parameter_groups(model: nn.Module) -> dict[str, list[str]]:
    """Return group name -> parameter names, ordered from input to head: stem, stage1, ..., head.

    The groups are timm's own (`group_matcher(coarse=True)`), so a CNN gives its stages and a ViT its blocks. What no
    pattern matches, such as a final norm or a last convolution, belongs to the last stage. Every parameter is in
    exactly one group.
    """
    network: Any = model.get_submodule(BACKBONE_PREFIX.rstrip("."))
    stages = _backbone_stages(network)
    names = [STEM, *(f"{STAGE}{number}" for number in range(1, len(stages)))]
    groups = {
        name: [BACKBONE_PREFIX + parameter for parameter in stage] for name, stage in zip(names, stages, strict=True)
    }
    taken = set(chain.from_iterable(groups.values()))
    head = [name for name, _ in model.named_parameters() if name not in taken]
    return {**groups, HEAD: head}


def set_trainable(
    model: nn.Module, names: Collection[str], *, batchnorm: Literal["train", "eval"] = "train"
) -> dict[str, list[str]]:
    """Let only the named groups train; the others keep their weights, statistics and inference behaviour.

    Args:
        model: a `FrozenAware` model.
        names: groups that train.
        batchnorm: "eval" keeps the statistics of every BatchNorm, also in groups that train, while its weight and
            bias still learn; "train" updates the statistics of groups that train.

    Returns:
        the groups, as from `parameter_groups`.

    Raises:
        ModelError: a name is not a group.
    """
    groups = parameter_groups(model)
    unknown = sorted(set(names) - groups.keys())
    if unknown:
        raise ModelError(f"unknown parameter groups {unknown}; this model has {list(groups)}.")
    parameters = dict(model.named_parameters())
    for group, members in groups.items():
        for member in members:
            parameters[member].requires_grad_(group in names)
            if group not in names:
                parameters[member].grad = None
    owner = module_groups(model, groups)
    model.frozen_modules = tuple(  # type: ignore[assignment]
        module
        for name, module in model.named_modules()
        if name and (not owner[name] & set(names) or (batchnorm == "eval" and isinstance(module, _BatchNorm)))
    )
    model.train(model.training)
    return groups


def module_groups(model: nn.Module, groups: Mapping[str, Sequence[str]]) -> dict[str, set[str]]:
    """Return module name -> the groups it belongs to; several only for a container that spans them.

    A module without parameters, such as a dropout, belongs to the group of its nearest ancestor that lies in one
    group; beside the stages themselves (a ViT's `pos_drop`) to the group of the module defined before it.
    """
    owner_of = {member: group for group, members in groups.items() for member in members}
    direct: dict[str, set[str]] = {name: set() for name, _ in model.named_modules()}
    for parameter, group in owner_of.items():
        for ancestor in _ancestors(parameter):
            direct[ancestor].add(group)
    result: dict[str, set[str]] = {}
    previous = {next(iter(groups))}
    for name, module in model.named_modules():
        found = direct[name]
        if not found:
            above = direct[name.rpartition(".")[0]] or result[name.rpartition(".")[0]]
            found = above if len(above) == 1 else previous
        result[name] = found
        if next(module.parameters(recurse=False), None) is not None and len(found) == 1:
            previous = found
    return result


def decay_scales(groups: Sequence[str] | Mapping[str, Any], decay: float) -> dict[str, float]:
    """Return group name -> learning-rate multiplier: 1 for the head, times `decay` for every group below it."""
    top_down = list(reversed(list(groups)))
    return {name: decay**depth for depth, name in reversed(list(enumerate(top_down)))}


def _ancestors(parameter: str) -> Iterable[str]:
    parts = parameter.split(".")[:-1]
    return (".".join(parts[:length]) for length in range(len(parts) + 1))


def _backbone_stages(network: Any) -> list[list[str]]:
    parameters = [name for name, _ in network.named_parameters()]
    try:
        matcher = network.group_matcher(coarse=True)
    except (AttributeError, AssertionError):  # PoolFormer states no groups, RDNet only fine ones
        return _stages_by_child(parameters)
    grouped = group_with_matcher(((name, None) for name in [*parameters, _UNMATCHED]), matcher)
    stages = [list(members) for _, members in sorted(grouped.items())]
    for index, members in enumerate(stages):
        if _UNMATCHED in members:
            members.remove(_UNMATCHED)
            stages[max(index - 1, 0)] += stages.pop(index)
            break
    stages = [members for members in stages if members]
    return stages if len(stages) > 1 else _stages_by_child(parameters)


def _stages_by_child(parameters: Sequence[str]) -> list[list[str]]:
    """Group by child, and by item where the child is a list of stages; for networks that state no groups."""
    stages: dict[str, list[str]] = {}
    for name in parameters:
        first, second, *_ = [*name.split("."), ""]
        key = f"{first}.{second}" if second.isdigit() else first
        if stages and first.startswith(("norm", "bn", "head")):
            key = next(reversed(stages))  # a final norm, in the head or before it, belongs to the last stage
        stages.setdefault(key, []).append(name)
    return list(stages.values())
