"""Section `strategy`: which parts of the model train, and when."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from vision_ft.config.fields import Name, Options, Section


class StrategyConfig(Section):
    """Which parts of the model train, and when."""

    name: Name = Field(default="gradual-unfreeze", description="Strategy, by its name in the registry of strategies.")
    epochs: Annotated[int, Field(ge=1, le=100_000)] | None = Field(
        default=None, description="Passes over the training images in all phases; null: the strategy's own default."
    )
    options: Options = Field(default_factory=dict, description="Further arguments of the strategy's plan.")
