"""The one place that turns a recipe into objects; nothing below it sees the recipe."""

from __future__ import annotations

from vision_ft.wiring.data import prepare_table, read_table
from vision_ft.wiring.model import build_model, build_plan, describe_plan
from vision_ft.wiring.training import build_training_run

__all__ = ["build_model", "build_plan", "build_training_run", "describe_plan", "prepare_table", "read_table"]
