"""Fine-tuning strategies: pure functions from parameter groups and epochs to a list of phases.

Adding one = a file with a `STRATEGY` and a line in the registry below, or `register_strategy`.
"""

from __future__ import annotations

from collections.abc import Callable

from vision_ft.plugins.registry import Registry
from vision_ft.types import Phase, Strategy

STRATEGIES: Registry[Strategy] = Registry(
    "strategy",
    key="strategy.name",
    built_in={
        "feature-extraction": "vision_ft.strategies.feature_extraction:STRATEGY",
        "gradual-unfreeze": "vision_ft.strategies.gradual_unfreeze:STRATEGY",
        "full": "vision_ft.strategies.full:STRATEGY",
        "surgical": "vision_ft.strategies.surgical:STRATEGY",
    },
)


def register_strategy(
    name: str, plan: Callable[..., list[Phase]], *, epochs: int = 6, interpolate: bool = False
) -> None:
    """Make a strategy available as `strategy.name=name`.

    Args:
        name: in recipes.
        plan: pure function `plan(groups, epochs, ...) -> list[Phase]`; `groups` are ordered from input to head. Where
            it takes them, it gets `solver`, how a phase of the head alone is fitted ("convex" or "gradient"), and
            timm's `architecture`; its further arguments are set with strategy.options.
        epochs: default number of epochs.
        interpolate: whether the tuned weights are averaged with the head-only ones, alpha chosen on val (WiSE-FT).

    Raises:
        RecipeError: the name is taken.
    """
    STRATEGIES.register(name, Strategy(plan=plan, interpolate=interpolate, epochs=epochs))
