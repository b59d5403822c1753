"""The recipe: its schema, and loading it from YAML and `key=value` overrides."""

from __future__ import annotations

from vision_ft.config.load import dump_recipe, load_recipe
from vision_ft.config.schema.adapt import AdaptConfig
from vision_ft.config.schema.augment import AugmentConfig
from vision_ft.config.schema.data import DataConfig
from vision_ft.config.schema.model import ModelConfig
from vision_ft.config.schema.optim import OptimConfig
from vision_ft.config.schema.recipe import Recipe
from vision_ft.config.schema.run import RunConfig
from vision_ft.config.schema.strategy import StrategyConfig

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
