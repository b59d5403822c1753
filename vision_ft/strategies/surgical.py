"""Surgical fine-tuning: one block of the backbone trains, chosen by the kind of shift; the rest stays as it is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal, get_args

from vision_ft.errors import RecipeError
from vision_ft.strategies.head_first import HEAD_EPOCHS, HeadSolver, plan_head
from vision_ft.types import Phase, Strategy

Part = Literal["first", "middle", "last"]
NUM_BLOCKS = 4  # a CNN's four stages; a transformer's blocks are bundled into as many


def plan(
    groups: Sequence[str],
    epochs: int,
    *,
    solver: HeadSolver = "convex",
    head_epochs: int = HEAD_EPOCHS,
    part: Part = "first",
    head_first: bool = True,
    train_head: bool | None = None,
) -> list[Phase]:
    """Fit the head, then train one block of the backbone at the full learning rate.

    Lee 2022 (arXiv:2210.11466, sec. 2): the first block for a shift of the input (blur, noise, light), a middle one
    for a shift of features, the last layer for a shift of the output (labels). We differ in two points. The head is
    fitted first, since a model of another task has none that fits; `head_first=False` keeps a source model's head, as
    the paper does. And "last" trains the last block together with the head: the paper's last layer alone is our
    feature-extraction.

    Args:
        groups: group names from input to head.
        epochs: passes over the images; the head's fit is not counted.
        solver: how the head is fitted first.
        head_epochs: passes of the "gradient" solver that fit the head first.
        part: "first" is the stem with the first quarter of the stages, "middle" a quarter above the lowest, "last"
            the last quarter.
        head_first: False leaves the head as it comes.
        train_head: whether the head trains beside the block; None does so for "last" only, as it lies next to it.

    Raises:
        RecipeError: the part is unknown.
    """
    block = choose_block(groups, part)
    with_head = part == "last" if train_head is None else train_head
    names = [*block, groups[-1]] if with_head else block
    phases = [plan_head(groups, solver=solver, epochs=head_epochs)] if head_first else []
    return [*phases, Phase(f"{part} block", epochs, dict.fromkeys(names, 1.0))]


def choose_block(groups: Sequence[str], part: str) -> list[str]:
    """Return the groups of a part of the backbone.

    Args:
        groups: group names from input to head: stem, stages, head.
        part: "first", "middle" or "last".

    Raises:
        RecipeError: the part is unknown.
    """
    if part not in get_args(Part):
        raise RecipeError(f'strategy.options.part: got "{part}"; allowed: {", ".join(get_args(Part))}.')
    stem, stages = list(groups[:1]), list(groups[1:-1])
    if not stages:
        return stem
    size = math.ceil(len(stages) / NUM_BLOCKS)
    if part == "first":
        return stem + stages[:size]
    if part == "last":
        return stages[-size:]
    start = (len(stages) - size) // 2
    return stages[start : start + size]


STRATEGY = Strategy(plan=plan, interpolate=True, epochs=6)
