"""Full fine-tuning: every layer trains, from the fitted head on, the lower ones more slowly."""

from __future__ import annotations

from collections.abc import Sequence

from vision_ft.errors import RecipeError
from vision_ft.strategies.head_first import HEAD_EPOCHS, HeadSolver, check_head_scale, plan_head
from vision_ft.types import Phase, Strategy

# From one group of timm's to the next lower one. A transformer has a group a block, a CNN a group a stage of several.
DECAY_BY_FAMILY = {
    "vit": 0.75,  # MAE (arXiv:2111.06377), fine-tuning of ViT-B
    "swin": 0.8,  # SimMIM (arXiv:2111.09886), fine-tuning of Swin-B
    "convnext": 0.8,  # ConvNeXt (arXiv:2201.03545), fine-tuning from ImageNet-22k
    "cnn": 0.75,  # the value that docs/benchmarks.md was measured with; others were not compared
}
FAMILY_BY_PREFIX = {
    "vit": "vit",
    "deit": "vit",
    "beit": "vit",
    "eva": "vit",
    "cait": "vit",
    "xcit": "vit",
    "flexivit": "vit",
    "naflexvit": "vit",
    "swin": "swin",
    "convnext": "convnext",
}


def family_of(architecture: str) -> str:
    """Return the key of `DECAY_BY_FAMILY` for a timm architecture; what is not listed counts as a CNN."""
    matches = (family for prefix, family in FAMILY_BY_PREFIX.items() if architecture.startswith(prefix))
    return next(matches, "cnn")


def plan(
    groups: Sequence[str],
    epochs: int,
    *,
    solver: HeadSolver = "convex",
    head_epochs: int = HEAD_EPOCHS,
    head_scale: float = 1.0,
    decay: float | None = None,
    architecture: str = "",
    head_first: bool = True,
) -> list[Phase]:
    """Fit the head, then train all groups with layer-wise decayed learning rates.

    LP-FT (Kumar 2022, arXiv:2202.10054, sec. 3.4) followed by layer-wise decay (BEiT, arXiv:2106.08254, app. H).

    Args:
        groups: group names from input to head.
        epochs: passes over the images; the head's fit is not counted.
        solver: how the head is fitted first.
        head_epochs: passes of the "gradient" solver that fit the head first.
        head_scale: the head's learning rate while the backbone trains, as a multiple of the base rate; above 1 for a
            large head, which a few epochs cannot bring to its optimum.
        decay: the learning rate is multiplied by this from one group to the next lower one, in (0, 1]; None takes the
            value of the architecture's family.
        architecture: timm's name of the backbone.
        head_first: False starts from a random head, as a plain training loop does.

    Raises:
        RecipeError: the decay is out of its range.
    """
    if decay is None:
        decay = DECAY_BY_FAMILY[family_of(architecture)]
    if not 0 < decay <= 1:
        raise RecipeError(f"strategy.options.decay: got {decay}; allowed: above 0, up to 1.")
    check_head_scale(head_scale)
    scales = {name: decay**rank for rank, name in enumerate(reversed(groups))} | {groups[-1]: head_scale}
    phases = [plan_head(groups, solver=solver, epochs=head_epochs)] if head_first else []
    return [*phases, Phase("all layers", epochs, scales)]


STRATEGY = Strategy(plan=plan, interpolate=True, epochs=6)
