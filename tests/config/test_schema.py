"""The recipe schema is strict, frozen, closed, and explains each of its fields."""

from __future__ import annotations

from typing import get_args

import pytest
from pydantic import ValidationError

from vision_ft.config import Recipe
from vision_ft.config.nearest import describe, fields, is_section, meaning
from vision_ft.types import Task

DATA = {"path": "photos"}


def test_a_path_is_all_that_a_recipe_needs():
    recipe = Recipe.model_validate({"data": DATA})
    assert (recipe.task, recipe.model.backbone, recipe.strategy.name) == (
        "classification",
        "resnet50",
        "gradual-unfreeze",
    )
    assert recipe.strategy.epochs is None
    assert (recipe.optim.batch_size, recipe.optim.warmup, recipe.optim.clip) == (32, 0.1, 1.0)


def test_a_recipe_is_frozen():
    recipe = Recipe.model_validate({"data": DATA})
    with pytest.raises(ValidationError, match="frozen"):
        recipe.optim.lr = 1.0


def test_every_field_says_what_it_means_and_what_it_allows():
    settable = [key for key in fields() if not is_section(key)]
    assert len(settable) >= 55
    assert [key for key in settable if not meaning(key)] == []
    assert [key for key in settable if not describe(key)] == []


def test_bounds_are_told():
    assert describe("optim.lr") == "a number above 0, or null"
    assert describe("data.val") == "a number from 0 below 1"
    assert describe("run.seed") == "a whole number from 0 to 9223372036854775807"
    assert describe("data.on_bad") == "fail | drop"
    assert describe("run.workers") == "a whole number from 0 to 1024, or auto"


@pytest.mark.parametrize(
    ("section", "values"),
    [
        ("strategy", {"epochs": 2.5}),
        ("strategy", {"epochs": 2.0}),
        ("strategy", {"epochs": True}),
        ("strategy", {"epochs": "2"}),
        ("strategy", {"epochs": 0}),
        ("optim", {"batch_size": 0}),
        ("optim", {"batch_size": 100_000_000}),
        ("optim", {"batch_size": True}),
        ("optim", {"lr": 0}),
        ("optim", {"lr": -0.1}),
        ("optim", {"lr": float("nan")}),
        ("optim", {"lr": float("inf")}),
        ("optim", {"lr": True}),
        ("optim", {"lr": "fast"}),
        ("optim", {"lr": [0.1]}),
        ("optim", {"ema": "sometimes"}),
        ("optim", {"name": "adam w"}),
        ("model", {"image_size": 0}),
        ("model", {"image_size": 224.0}),
        ("model", {"crop_pct": 0}),
        ("model", {"crop_pct": 1.1}),
        ("model", {"in_chans": 0}),
        ("model", {"pretrained": 1}),
        ("model", {"dropout": 1.0}),
        ("model", {"std": [0.1, 0.0, 0.1]}),
        ("model", {"mean": [0.5]}),
        ("model", {"args": {"a": object()}}),
        ("model", {"args": {1: 2}}),
        ("data", {**DATA, "val": 1.5}),
        ("data", {**DATA, "val": 1.0}),
        ("data", {**DATA, "val": 0.5, "test": 0.5}),
        ("data", {**DATA, "group_by": ["camera"]}),
        ("data", {"path": ""}),
        ("run", {"seed": -1}),
        ("run", {"seed": 2**63}),
        ("run", {"workers": -1}),
        ("run", {"devices": 0}),
        ("augment", {"views": 0}),
        ("augment", {"mixup": -1.0}),
    ],
)
def test_values_outside_the_bounds_are_refused(section, values):
    with pytest.raises(ValidationError):
        Recipe.model_validate({"data": DATA, section: values})


@pytest.mark.parametrize(
    ("text", "number"), [("1e-3", 0.001), ("3", 3.0), (" .5 ", 0.5), ("2.", 2.0), ("+1.5E2", 150.0)]
)
def test_a_float_field_accepts_a_number_written_as_text(text, number):
    assert Recipe.model_validate({"data": DATA, "optim": {"lr": text}}).optim.lr == number


def test_the_largest_seed_and_both_kinds_of_pretrained_are_accepted():
    assert Recipe.model_validate({"data": DATA, "run": {"seed": 2**63 - 1}}).run.seed == 2**63 - 1
    for pretrained in (True, False, "weights.safetensors"):
        recipe = Recipe.model_validate({"data": DATA, "model": {"pretrained": pretrained}})
        assert recipe.model.pretrained is pretrained


@pytest.mark.parametrize("task", get_args(Task))
def test_the_metric_is_the_tasks_own_unless_the_recipe_states_one(task):
    from vision_ft.tasks import TASKS
    from vision_ft.wiring.training import selecting_metric

    recipe = Recipe.model_validate({"task": task, "data": DATA})
    assert recipe.optim.metric == "auto"
    assert selecting_metric(recipe) == TASKS[task].metrics[0]
    stated = Recipe.model_validate({"task": task, "data": DATA, "optim": {"metric": "x"}})
    assert selecting_metric(stated) == "x"


def test_the_task_lists_all_names():
    assert meaning("task") == f"What the model predicts: {', '.join(get_args(Task))}."
