"""Every shipped recipe parses, builds and trains with a stand-in backbone; one for a new camera adapts a tiny run."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import vision_ft as vf
from tests.cameras import QUICK, draw_camera
from tests.pictures import draw_folder
from tests.runs import tiny_run
from vision_ft.cli.recipes import is_adaptation
from vision_ft.config import load_recipe

ROOT = Path(__file__).resolve().parents[2] / "recipes"
RECIPES = sorted(ROOT.rglob("*.yaml"))
ADAPTING = [recipe for recipe in RECIPES if is_adaptation(recipe)]
TRAINING = [recipe for recipe in RECIPES if recipe not in ADAPTING]
DENSE = [recipe for recipe in TRAINING if load_recipe(recipe, []).task in ("segmentation", "detection")]


def name_of(recipe: Path) -> str:
    return recipe.relative_to(ROOT).with_suffix("").as_posix()


def test_all_recipes_are_found():
    assert [name_of(recipe) for recipe in TRAINING] == [
        "birds/feature_extraction",
        "birds/full",
        "birds/gradual_unfreeze",
        "defects",
        "defects_segmentation",
        "medical/blood_cells",
        "parking/car_masks",
        "parking/detection",
        "parking/occupancy",
        "street/segmentation",
        "trees/segmentation",
    ]
    assert [name_of(recipe) for recipe in ADAPTING] == ["office/new_camera", "parking/new_camera"]


@pytest.mark.parametrize("recipe", RECIPES, ids=name_of)
def test_the_header_states_purpose_command_result_and_minutes(recipe):
    header = [line for line in recipe.read_text().splitlines() if line.startswith("#")]
    text = "\n".join(header)
    command = rf"vision-ft adapt runs/\w+ {recipe.name}" if recipe in ADAPTING else f"vision-ft train {recipe.name}"
    assert header[0].endswith(".")
    assert re.search(command, text)
    assert f"vision-ft recipes copy {name_of(recipe)}," in text
    assert "Measured:" in text
    assert "min" in text


@pytest.mark.slow
@pytest.mark.parametrize("recipe", [recipe for recipe in TRAINING if recipe in DENSE], ids=name_of)
def test_the_recipe_of_masks_or_boxes_trains(recipe, dense_data, tmp_path):
    task = load_recipe(recipe, []).task
    small = {
        "data.path": str(dense_data if task == "segmentation" else dense_data / "boxes.csv"),
        "model.backbone": "test_resnet",
        "model.pretrained": False,
        "model.image_size": 64,
        "run.device": "cpu",
    }
    if task == "segmentation":  # the drawn images' names tell no place and no day
        small |= {"data.group_pattern": "images/{picture}.png", "data.class_table": str(dense_data / "classes.csv")}
    run = vf.finetune(recipe, epochs=2, out=tmp_path / "run", overrides=small)
    assert (run.path / "report.html").is_file()


@pytest.mark.slow
@pytest.mark.parametrize("recipe", [recipe for recipe in TRAINING if recipe not in DENSE], ids=name_of)
def test_the_recipe_trains(recipe, tmp_path):
    data = draw_folder(tmp_path / "data", per_class=8)
    if load_recipe(recipe, []).data.path.endswith(".csv"):
        rows = [f"{f.relative_to(data)},{f.parent.name},g{i % 6}" for i, f in enumerate(sorted(data.rglob("*.png")))]
        data = data / "labels.csv"
        data.write_text("path,label,group\n" + "\n".join(rows) + "\n")
    small = {
        "data.path": str(data),
        "model.backbone": "test_resnet",
        "model.pretrained": False,
        "model.image_size": 32,
        "run.device": "cpu",
    }
    run = vf.finetune(recipe, epochs=3, out=tmp_path / "run", overrides=small)
    assert (run.path / "report.html").is_file()


@pytest.mark.slow
@pytest.mark.parametrize("recipe", ADAPTING, ids=name_of)
def test_the_recipe_adapts_a_run(recipe, tmp_path):
    source = tiny_run(draw_camera(tmp_path / "old", seed=0), tmp_path / "source", strategy__name="feature-extraction")
    new = draw_camera(tmp_path / "new", seed=1, per_class=12, dim=0.6)
    for number, picture in enumerate(sorted(new.rglob("*.png"))):  # named as the parking recipe's pattern reads them
        picture.rename(picture.with_name(f"frame{number % 7}_slot{number:03d}.png"))
    run = vf.adapt(
        source.path,
        recipe,
        strategy=["batchnorm", "head", "full"],
        epochs=2,
        out=tmp_path / "adapted",
        overrides=QUICK | {"data.path": str(new)},
    )
    config = load_recipe(recipe, []).adapt
    assert [entry["status"] for entry in run.outcome["candidates"]] == ["done", "skipped", "done", "done"]
    assert run.outcome["decision"]["limit"] == config.max_forgetting
    assert run.outcome["labels"]["budget"] == config.labels
    assert run.outcome["new"]["test"] >= 12, "the recipe tests on 40%"
    assert (run.path / "report.html").is_file()
