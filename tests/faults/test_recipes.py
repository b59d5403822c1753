"""Broken and hostile recipes get one RecipeError each, and their payloads never run.

The faults name their keys freely (`batch_size` at the top, ...); each is moved to where our schema has it, with its
value and its fault untouched. The hostile files and those broken as YAML are loaded as they are.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from vision_ft.config import load_recipe
from vision_ft.errors import RecipeError

PLACE = {
    "data": "data.path",
    "model": "model.backbone",
    "epochs": "strategy.epochs",
    "batch_size": "optim.batch_size",
    "lr": "optim.lr",
    "image_size": "model.image_size",
    "seed": "run.seed",
    "out": "run.out",
    "val_fraction": "data.val",
    "name": "run.out",
    "classes": "data.group_by",  # the one list of names that our recipes have
}
AS_IT_IS = {"python_apply", "python_new", "list", "dup_key", "latin1"}
REFUSED = {
    "dup_key": r"line 6: key 'lr' was already set on line 5",
    "python_apply": r"line 1: tag '.*python/object/apply:os\.system' is refused",
    "python_new": r"line 1: tag '.*python/object/new:type' is refused",
    "zero_batch": r"optim\.batch_size: got 0 \(a whole number\), allowed: a whole number from 1 to 1000000",
    "huge_batch": r"optim\.batch_size: got 100000000 \(a whole number\), allowed: .* to 1000000",
    "latin1": r"latin1\.yaml, line 6: byte 0xe9 is not UTF-8",
    "list": r"list\.yaml: got a list at the top, allowed: a mapping",
    "image_size_0": r"model\.image_size: got 0 \(a whole number\)",
    "seed_big": r"run\.seed: got 99999999999999999999 \(a whole number\)",
    "norway": r"data\.group_by\[0\]: got false \(true/false\).*quote it",
    "val_fraction": r"data\.val: got 1\.5 \(a number\), allowed: a number from 0 below 1",
    "float_epochs": r"strategy\.epochs: got 2\.5 \(a number\), allowed: a whole number",
    "typo": r'line \d+: unknown key "strategy\.epoch"\. Did you mean "strategy\.epochs"\?',
}
ACCEPTED = {"ok", "null", "interpolation", "exp_string"}
DECIDED_LATER = {"unknown_model", "remote_model"}  # the backbone's name is judged where models are built


def adapted(source: Path, folder: Path) -> Path:
    """Move the fault's keys to our schema's, one nested line each, its text kept to the letter."""
    if source.stem in AS_IT_IS:
        return source
    sections: dict[str, list[str]] = {}
    for line in source.read_text(encoding="utf-8").splitlines():
        name, text = re.fullmatch(r"(\w+):(.*)", line).groups()
        section, leaf = {**PLACE, "epoch": "strategy.epoch"}[name].split(".")
        sections.setdefault(section, []).append(f"  {leaf}:{text}")
    file = folder / source.name
    file.write_text("".join(f"{section}:\n" + "\n".join(lines) + "\n" for section, lines in sections.items()))
    return file


@pytest.fixture
def recipes(shared) -> Path:
    folder = shared / "faults" / "annotations" / "recipes"
    if not folder.is_dir():
        pytest.skip(f"no broken recipes at {folder}")
    return folder


def test_every_broken_recipe_has_its_answer_here(recipes):
    assert {file.stem for file in recipes.glob("*.yaml")} == set(REFUSED) | ACCEPTED | DECIDED_LATER


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_a_broken_recipe_is_refused_with_its_reason(recipes, tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RecipeError, match=REFUSED[name]):
        load_recipe(adapted(recipes / f"{name}.yaml", tmp_path), [])
    assert not (tmp_path / "CANARY_PWNED").exists()


@pytest.mark.parametrize("name", sorted(ACCEPTED | DECIDED_LATER))
def test_a_recipe_that_only_looks_odd_is_read(recipes, tmp_path, monkeypatch, name):
    monkeypatch.setenv("HOME", str(tmp_path / "secret"))
    recipe = load_recipe(adapted(recipes / f"{name}.yaml", tmp_path), [])
    assert recipe.optim.batch_size == 4
    assert recipe.optim.lr == 0.001  # exp_string: YAML 1.1 would read 1e-3 as text
    assert recipe.strategy.epochs == (None if name == "null" else 2)
    assert recipe.run.out == ("${oc.env:HOME}/x" if name == "interpolation" else None)
