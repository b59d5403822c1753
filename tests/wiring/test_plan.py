"""Phases from a recipe: where the default of a head differs from the strategy's."""

from __future__ import annotations

import pytest

from vision_ft.config.load import load_recipe
from vision_ft.wiring.model import build_plan

GROUPS = ["stem", "stage1", "stage2", "stage3", "stage4", "head"]


def phases(*overrides: str) -> list[tuple[int, int]]:
    recipe = load_recipe(None, ["data.path=x", "strategy.name=gradual-unfreeze", "strategy.epochs=8", *overrides])
    plan = build_plan(recipe, GROUPS, architecture="resnet")
    return [(phase.epochs, len(phase.lr_scale)) for phase in plan]


@pytest.mark.parametrize("task", ["segmentation", "detection"])
def test_under_a_decoder_the_upper_half_opens_at_once_and_its_head_trains_first(task):
    assert phases(f"task={task}") == [(4, 1), (8, 4)]


def test_under_a_classifier_one_group_opens_after_another():
    assert [groups for _, groups in phases()] == [1, 2, 3, 4]


def test_the_recipe_overrules_the_default_of_the_head():
    options = "strategy.options={steps: 2, head_epochs: 1}"
    assert phases("task=segmentation", options) == [(1, 1), (4, 3), (4, 4)]
