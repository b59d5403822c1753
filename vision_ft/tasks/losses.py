"""The losses of a task by name, and how one is built from what a recipe says."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from vision_ft.errors import RecipeError, did_you_mean
from vision_ft.plugins.registry import Registry
from vision_ft.tasks.spec import Loss

LossFactory = Callable[..., Loss]  # build(class_counts, **options); the options are those of its signature
NEUTRAL: dict[str, tuple[Any, ...]] = {  # values that a loss need not know of; sampling is the loader's work
    "imbalance": ("none", "sampler"),
    "label_smoothing": (0.0,),
}


def loss_registry(built_in: Mapping[str, LossFactory]) -> Registry[LossFactory]:
    """Return the registry of a task's losses; the first is what "auto" means."""
    return Registry("loss", key="optim.loss", built_in=built_in)


def build_named(
    losses: Registry[LossFactory], class_counts: np.ndarray, *, task: str, name: str, **options: Any
) -> Loss:
    """Build a loss by name, with those options that it takes.

    Args:
        losses: of the task.
        class_counts: as the task counts them.
        task: its name, for the messages.
        name: a key of `losses`, or "auto".
        options: "imbalance" and "label_smoothing" of the recipe, and what else the task knows.

    Raises:
        RecipeError: the name is unknown, or an option is set that the loss does not take.
    """
    chosen = next(iter(losses)) if name == "auto" else name
    if chosen not in losses:
        raise RecipeError(
            f'optim.loss: got "{name}"; allowed for {task}: auto, {", ".join(losses)}.{did_you_mean(name, losses)}'
        )
    build = losses[chosen]
    taken = inspect.signature(build).parameters
    for option, neutral in NEUTRAL.items():
        if option not in taken and options.get(option) not in (None, *neutral):
            raise RecipeError(
                f'optim.{option}: got {options[option]!r}, but the loss "{chosen}" does not take it. '
                f"Set it to {neutral[0]}."
            )
    return build(class_counts, **{option: value for option, value in options.items() if option in taken})
