"""Full fine-tuning: every layer trains, from the fitted head on, the lower ones more slowly."""

from __future__ import annotations

from collections.abc import Sequence

from vision_ft.errors import RecipeError
from vision_ft.strategies.head_first import HeadSolver, plan_head
from vision_ft.types import Phase, Strategy


def plan(
    groups: Sequence[str], epochs: int, *, solver: HeadSolver = "convex", decay: float = 0.75, head_first: bool = True
) -> list[Phase]:
    """Fit the head, then train all groups with layer-wise decayed learning rates.

    LP-FT (Kumar 2022, arXiv:2202.10054, sec. 3.4) followed by layer-wise decay (BEiT, arXiv:2106.08254, app. H).

    Args:
        groups: group names from input to head.
        epochs: passes over the pictures; the head's fit is not counted.
        solver: how the head is fitted first.
        decay: the learning rate is multiplied by this from one group to the next lower one, in (0, 1].
        head_first: False starts from a random head, as a plain training loop does.

    Raises:
        RecipeError: the decay is out of its range.
    """
    if not 0 < decay <= 1:
        raise RecipeError(f"strategy.options.decay: got {decay}; allowed: above 0, up to 1.")
    scales = {name: decay**rank for rank, name in enumerate(reversed(groups))}
    phases = [plan_head(groups, solver=solver)] if head_first else []
    return [*phases, Phase("all layers", epochs, scales)]


STRATEGY = Strategy(plan=plan, interpolate=True, epochs=6)
