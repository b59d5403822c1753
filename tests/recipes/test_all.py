"""Every shipped recipe parses, builds and trains with a stand-in backbone."""

from __future__ import annotations

from pathlib import Path

import pytest

import vision_ft as vf
from tests.pictures import draw_folder
from vision_ft.config import load_recipe

ROOT = Path(__file__).resolve().parents[2] / "recipes"
RECIPES = sorted(ROOT.rglob("*.yaml"))


def test_all_recipes_are_found():
    names = [recipe.relative_to(ROOT).as_posix() for recipe in RECIPES]
    assert names == [
        "birds/feature_extraction.yaml",
        "birds/full.yaml",
        "birds/gradual_unfreeze.yaml",
        "defects.yaml",
        "parking/occupancy.yaml",
    ]


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda path: path.stem)
def test_the_header_states_purpose_command_result_and_minutes(recipe):
    header = [line for line in recipe.read_text().splitlines() if line.startswith("#")]
    text = "\n".join(header)
    assert header[0].endswith(".")
    assert f"vision-ft train {recipe.name}" in text
    assert "Measured:" in text
    assert "min" in text


@pytest.mark.slow
@pytest.mark.parametrize("recipe", RECIPES, ids=lambda path: path.stem)
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
