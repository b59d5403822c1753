"""The recipe: its schema, and loading it from YAML and `key=value` overrides."""

from __future__ import annotations

from vision_ft.config.load import dump_recipe, load_recipe
from vision_ft.config.schema.recipe import (
    AdaptConfig,
    AugmentConfig,
    DataConfig,
    ModelConfig,
    OptimConfig,
    Recipe,
    RunConfig,
    StrategyConfig,
)

__all__ = [
    "AdaptConfig",
    "AugmentConfig",
    "DataConfig",
    "ModelConfig",
    "OptimConfig",
    "Recipe",
    "RunConfig",
    "StrategyConfig",
    "dump_recipe",
    "load_recipe",
]
