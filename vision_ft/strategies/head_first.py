"""The phase that every strategy begins with: fit the head while the backbone stays as it was pretrained."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from vision_ft.errors import RecipeError
from vision_ft.types import Phase

HeadSolver = Literal["convex", "gradient"]
HEAD_EPOCHS = 20  # an epoch on cached features costs milliseconds, so a generous number is cheap


def check_head_scale(scale: float) -> None:
    """Refuse a multiple of the learning rate that is not above 0.

    Raises:
        RecipeError: it is 0 or less.
    """
    if not scale > 0:
        raise RecipeError(f"strategy.options.head_scale: got {scale}; allowed: above 0.")


def plan_head(groups: Sequence[str], *, solver: HeadSolver, epochs: int = HEAD_EPOCHS) -> Phase:
    """Plan the fit of the last group, the head, on cached features.

    Args:
        groups: group names from input to head.
        solver: "convex" is L-BFGS logistic regression (linear heads only, no epochs); "gradient" runs the optimiser.
        epochs: passes over the cached features for the "gradient" solver.

    Raises:
        RecipeError: the solver is unknown.
    """
    if solver not in ("convex", "gradient"):
        raise RecipeError(f'strategy.options.solver: got "{solver}"; allowed: convex, gradient.')
    if epochs < 1:
        raise RecipeError(f"strategy.options.head_epochs: got {epochs}; allowed: 1 or more.")
    if solver == "convex":
        return Phase("fit head", 0, {groups[-1]: 1.0}, solver="convex")
    return Phase("fit head", epochs, {groups[-1]: 1.0})
