"""Feature extraction: train the head, leave the backbone exactly as it was pretrained."""

from __future__ import annotations

from collections.abc import Sequence

from vision_ft.strategies.head_first import HEAD_EPOCHS, HeadSolver, plan_head
from vision_ft.types import Phase, Strategy


def plan(groups: Sequence[str], epochs: int, *, solver: HeadSolver = "convex") -> list[Phase]:
    """Plan a single phase that trains the last group, the head, on cached features.

    Args:
        groups: group names from input to head.
        epochs: passes over the cached features; unused by the "convex" solver, which runs to convergence.
        solver: "convex" for L-BFGS logistic regression of a linear head, "gradient" for epochs of the optimiser.

    Raises:
        RecipeError: the solver is unknown.
    """
    return [plan_head(groups, solver=solver, epochs=max(epochs, 1))]


STRATEGY = Strategy(plan=plan, interpolate=False, epochs=HEAD_EPOCHS)
