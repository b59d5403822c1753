"""The recipe: every setting of a run, typed, frozen and closed, each with its one default and its meaning."""

from __future__ import annotations

from typing import Any, get_args

from pydantic import Field, model_validator

from vision_ft.config.by_task import BY_TASK
from vision_ft.config.fields import Section
from vision_ft.config.schema.adapt import AdaptConfig
from vision_ft.config.schema.augment import AugmentConfig
from vision_ft.config.schema.data import DataConfig
from vision_ft.config.schema.model import ModelConfig
from vision_ft.config.schema.optim import OptimConfig
from vision_ft.config.schema.run import RunConfig
from vision_ft.config.schema.strategy import StrategyConfig
from vision_ft.types import DEFAULT_TASK, Task


class Recipe(Section):
    """All that decides a run."""

    task: Task = Field(
        default=DEFAULT_TASK,
        description=f"What the model predicts: {', '.join(get_args(Task))}.",
    )
    data: DataConfig
    model: ModelConfig = Field(default_factory=ModelConfig)
    strategy: StrategyConfig = Field(default_factory=StrategyConfig)
    optim: OptimConfig = Field(default_factory=OptimConfig)
    augment: AugmentConfig = Field(default_factory=AugmentConfig)
    run: RunConfig = Field(default_factory=RunConfig)
    adapt: AdaptConfig = Field(default_factory=AdaptConfig)

    @model_validator(mode="before")
    @classmethod
    def _fill_in_by_task(cls, given: Any) -> Any:
        """Give head, batch size and views the defaults of the task, so that the stored recipe states them."""
        if not isinstance(given, dict) or given.get("task") not in BY_TASK:
            return given
        filled = dict(given)
        for section, defaults in BY_TASK[given["task"]].items():
            if isinstance(filled.get(section, {}), dict):
                filled[section] = {**defaults, **filled.get(section, {})}
        return filled
