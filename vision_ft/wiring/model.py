"""From the recipe's model and strategy sections to a model and its phases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import torch

from vision_ft.config.schema.recipe import Recipe
from vision_ft.errors import RecipeError
from vision_ft.models import assemble
from vision_ft.models.assemble import Classifier, DenseModel, VisionModel
from vision_ft.models.backbone import create_backbone
from vision_ft.models.heads import HEADS
from vision_ft.options import options_of, refuse_others
from vision_ft.strategies import STRATEGIES
from vision_ft.tasks import TASKS
from vision_ft.types import ClassSpace, LabelColumn, Phase
from vision_ft.wiring.names import look_up
from vision_ft.wiring.plugins import has_own_loss

DEFAULT_LR = {"adamw": 1e-4, "sgd": 1e-2}
DENSE_HEAD_SCALE = 10.0
DEFAULT_HEAD_LR = {"adamw": 3e-3, "sgd": 1e-1}  # heads on cached features: a thousand times cheaper steps, no risk


def build_model(recipe: Recipe, classes: ClassSpace, columns: Sequence[LabelColumn] = ()) -> Classifier | DenseModel:
    """Build backbone and head, seeded by the recipe; with label columns, which hold the classes, a head for each.

    Raises:
        ModelError: the backbone or its weights cannot be had.
        RecipeError: the head is unknown or one of another task.
    """
    config = recipe.model
    overrides = _preprocessing_overrides(recipe)
    head_args = config.head_args | ({"columns": [len(column.classes) for column in columns]} if columns else {})
    size = config.image_size
    torch.manual_seed(recipe.run.seed)  # random heads and, without pretrained weights, backbones
    backbone = create_backbone(
        config.backbone,
        pretrained=config.pretrained,
        in_chans=config.in_chans,
        image_size=(size[0], size[1]) if isinstance(size, list) else size,
        drop_path=config.drop_path,
        model_args=config.args,
        overrides={name: value for name, value in overrides.items() if value is not None},
    )
    model = assemble.build_model(backbone, config.head, len(classes), dropout=config.dropout, head_args=head_args)
    # Measured on two AVX2 cores at 128 px, images a second forward / trained: ResNet-18 133 / 53 -> 183 / 58,
    # MobileNetV2 238 / 57 -> 331 / 69, DeiT-tiny unchanged.
    model.to(memory_format=torch.channels_last)
    return model


def _preprocessing_overrides(recipe: Recipe) -> dict[str, Any]:
    """Return what the recipe, or the kind of the head, wants otherwise than the backbone's own preprocessing."""
    config = recipe.model
    spec = look_up(HEADS, config.head, key="model.head")
    if spec.task != (TASKS[recipe.task].heads or recipe.task):
        raise RecipeError(f'model.head: "{config.head}" is a head for {spec.task}, but the task is {recipe.task}.')
    overrides: dict[str, Any] = {
        "mean": config.mean,
        "std": config.std,
        "interpolation": config.interpolation,
        "crop_pct": config.crop_pct,
    }
    if spec.takes == "pyramid":  # no pixel may be cut away: the whole image is squashed to the input size
        if config.crop_pct not in (None, 1.0):
            raise RecipeError(f"model.crop_pct: got {config.crop_pct}; {recipe.task} reads whole images. Remove it.")
        overrides |= {"crop_pct": 1.0, "crop_mode": "squash"}
    return overrides


def build_plan(recipe: Recipe, groups: Sequence[str], *, architecture: str) -> list[Phase]:
    """Ask the strategy for its phases.

    Raises:
        RecipeError: the strategy or one of its options is unknown or out of range.
    """
    config = recipe.strategy
    strategy = look_up(STRATEGIES, config.name, key="strategy.name")
    head = HEADS[recipe.model.head]
    own_loss = has_own_loss(recipe)
    is_convex = head.is_linear and TASKS[recipe.task].convex is not None and not own_loss
    if config.options.get("solver") == "convex" and own_loss:
        raise RecipeError(
            f'strategy.options.solver: "convex" has a loss of its own, but optim.loss is "{recipe.optim.loss}". '
            'Use "gradient".'
        )
    if config.options.get("solver") == "convex" and not is_convex:
        raise RecipeError(
            f'strategy.options.solver: "convex" fits linear heads of classification; model.head is '
            f'"{recipe.model.head}" and the task {recipe.task}. Use "gradient".'
        )
    epochs = config.epochs if config.epochs is not None else strategy.epochs
    offered = {"solver": "convex" if is_convex else "gradient", "architecture": architecture}
    if head.takes == "pyramid":
        offered |= _dense_options(epochs)
    return ask_strategy(config.name, groups, epochs=epochs, offered=offered, asked=config.options)


def ask_strategy(
    name: str,
    groups: Sequence[str],
    *,
    epochs: int,
    offered: Mapping[str, Any],
    asked: Mapping[str, Any] = MappingProxyType({}),
) -> list[Phase]:
    """Ask a registered strategy for its phases.

    Args:
        name: key of `STRATEGIES`.
        groups: parameter groups from input to head.
        epochs: passes over the images.
        offered: options that are given where the strategy takes them.
        asked: options of the recipe, which overrule those; "architecture" is known from the model, not from it.

    Raises:
        RecipeError: the strategy does not take an option, or it is out of range.
    """
    strategy = STRATEGIES[name]
    taken = options_of(strategy.plan)
    allowed = [option for option in taken if option != "architecture"]
    refuse_others(asked, allowed, key="strategy.options", owner=name, error=RecipeError)
    return strategy.plan(groups, epochs, **{key: offered[key] for key in taken if key in offered} | dict(asked))


def _dense_options(epochs: int) -> dict[str, Any]:
    """Return how heads with a decoder start, where the recipe does not say it.

    Their first epochs read images, and cost about as much as the backbone's. They are far from their optimum
    afterwards: on street scenes (ResNet-18, 144x192 px, 12 passes) full fine-tuning reached a val mIoU of 0.48 with
    the head at the backbone's rate and of 0.58 at ten times of it. Each phase ends at a rate of zero and starts anew,
    which such a head does not take well: gradual unfreezing in three phases ended at 0.54, in one at 0.58.
    """
    return {"head_epochs": max(epochs // 2, 1), "head_scale": DENSE_HEAD_SCALE, "steps": 1}


def describe_plan(
    recipe: Recipe, model: VisionModel, groups: Mapping[str, Sequence[str]], phases: Sequence[Phase]
) -> dict[str, Any]:
    """Describe what trains, at which rate, and how many parameters that is: the content of plan.json."""
    group_sizes = count_parameters(model, groups)
    return {
        "strategy": recipe.strategy.name,
        "backbone": recipe.model.backbone,
        "head": recipe.model.head,
        "groups": [{"name": group, "parameters": size} for group, size in group_sizes.items()],
        "phases": describe_phases(phases, group_sizes, learning_rates(recipe)),
    }


def count_parameters(model: VisionModel, groups: Mapping[str, Sequence[str]]) -> dict[str, int]:
    """Return group name -> number of parameters, in the order of the groups."""
    sizes = {name: parameter.numel() for name, parameter in model.named_parameters()}
    return {group: sum(sizes[name] for name in names) for group, names in groups.items()}


def describe_phases(
    phases: Sequence[Phase], group_sizes: Mapping[str, int], rates: tuple[float, float]
) -> list[dict[str, Any]]:
    """Describe phases as plan.json lists them.

    Args:
        phases: in their order.
        group_sizes: group name -> number of parameters, from input to head.
        rates: base learning rate of image phases and of head phases.
    """
    head = list(group_sizes)[-1]
    lr, head_lr = rates
    return [
        {
            "name": phase.name,
            "epochs": phase.epochs,
            "solver": phase.solver,
            "groups": {
                group: (head_lr if set(phase.lr_scale) == {head} else lr) * scale
                for group, scale in phase.lr_scale.items()
            },
            "trainable_parameters": sum(group_sizes[group] for group in phase.lr_scale),
        }
        for phase in phases
    ]


def learning_rates(recipe: Recipe) -> tuple[float, float]:
    """Return the base rate of image phases and that of head phases on cached features."""
    name, lr = recipe.optim.name, recipe.optim.lr
    head_lr = recipe.optim.head_lr
    usual, usual_head = TASKS[recipe.task].learning_rates.get(name, (DEFAULT_LR[name], DEFAULT_HEAD_LR[name]))
    return (lr if lr is not None else usual, head_lr if head_lr is not None else usual_head)
