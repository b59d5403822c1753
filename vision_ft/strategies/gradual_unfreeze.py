"""Gradual unfreezing: from the fitted head downwards, one group of layers a phase."""

from __future__ import annotations

import math
from collections.abc import Sequence

from vision_ft.errors import RecipeError
from vision_ft.strategies.head_first import HEAD_EPOCHS, HeadSolver, check_head_scale, plan_head
from vision_ft.types import Phase, Strategy


def split_evenly(total: int, *, parts: int) -> list[int]:
    """Split `total` into `parts` whole numbers that differ by at most one, the larger ones last."""
    base, rest = divmod(total, parts)
    return [base + (part >= parts - rest) for part in range(parts)]


def plan(
    groups: Sequence[str],
    epochs: int,
    *,
    solver: HeadSolver = "convex",
    head_epochs: int = HEAD_EPOCHS,
    head_scale: float = 1.0,
    depth: float = 0.5,
    decay: float = 2.6,
    steps: int | None = None,
) -> list[Phase]:
    """Fit the head, then unfreeze from the top, one bundle of groups a phase.

    After Howard & Ruder 2018 (arXiv:1801.06146, sec. 3.2 and 3.3). We differ in two points: the head starts from its
    own optimum (LP-FT, Kumar 2022, arXiv:2202.10054), and the lower part of the network is never unfrozen, which
    saves most of the backward pass.

    Args:
        groups: group names from input to head.
        epochs: passes over the images, shared out over the phases; the head's fit is not counted.
        solver: how the head is fitted first.
        head_epochs: passes of the "gradient" solver that fit the head first.
        head_scale: the head's learning rate while the backbone trains, as a multiple of the base rate; above 1 for a
            large head, which a few epochs cannot bring to its optimum.
        depth: share of the backbone's groups that are unfrozen in the end, counted from the top, in (0, 1].
        decay: the learning rate is divided by this from one group to the next lower one.
        steps: number of unfreezing phases; by default one a group, fewer when there are fewer epochs than groups.

    Raises:
        RecipeError: an option is out of its range, or there are fewer epochs than phases.
    """
    if not 0 < depth <= 1:
        raise RecipeError(f"strategy.options.depth: got {depth}; allowed: above 0, up to 1.")
    check_head_scale(head_scale)
    if decay < 1:
        raise RecipeError(f"strategy.options.decay: got {decay}; allowed: 1 or more.")
    top_down = list(reversed(groups[:-1]))
    unfrozen = top_down[: math.ceil(depth * len(top_down))]
    num_phases = steps if steps is not None else min(len(unfrozen), epochs)
    if not 1 <= num_phases <= len(unfrozen) or epochs < num_phases:
        raise RecipeError(
            f"strategy gradual-unfreeze: {epochs} epochs and {num_phases} phases over {len(unfrozen)} groups; each "
            "phase needs an epoch and a group. Raise strategy.epochs or lower strategy.options.steps."
        )
    lengths = split_evenly(epochs, parts=num_phases)
    borders = [math.ceil((part + 1) * len(unfrozen) / num_phases) for part in range(num_phases)]
    phases = [plan_head(groups, solver=solver, epochs=head_epochs)]
    for length, border in zip(lengths, borders, strict=True):
        scales = {groups[-1]: head_scale}
        scales |= {name: decay ** -(rank + 1) for rank, name in enumerate(unfrozen[:border])}
        phases.append(Phase(f"down to {unfrozen[border - 1]}", length, scales))
    return phases


STRATEGY = Strategy(plan=plan, interpolate=True, epochs=6)
