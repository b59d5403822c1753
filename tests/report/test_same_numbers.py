"""The page shows the numbers of metrics.json, intervals too, for any seed and every task."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.dense import dense_run, draw_dense
from tests.labelled import draw_discs, label_run
from tests.pictures import draw_folder
from tests.runs import tiny_run
from vision_ft.reporting.collect.files import read_seed
from vision_ft.reporting.collect.run import collect_run

SEED = 7


def train(task: str, folder: Path) -> Path:
    """Train a tiny run of a task with `SEED` and return its folder."""
    data, out = folder / "data", folder / "run"
    chosen = {"run__seed": SEED, "strategy__epochs": 1}
    if task in ("segmentation", "detection"):
        dense_run(task, draw_dense(data), out, **chosen)
    elif task == "classification":
        draw_folder(data)
        tiny_run(data, out, **chosen)
    else:
        label_run(draw_discs(data), out, task, **chosen)
    return out


@pytest.mark.parametrize("task", ["classification", "multilabel", "multitask", "segmentation", "detection"])
def test_the_page_shows_the_numbers_of_metrics_json_for_another_seed_than_0(task, tmp_path):
    folder = train(task, tmp_path)
    written = json.loads((folder / "metrics.json").read_text())["splits"]
    run = collect_run(folder)
    assert run.task == task
    assert set(run.splits) == set(written) == {"val", "test"}
    for name, split in run.splits.items():
        shown = json.loads(json.dumps(split.summary))
        intervals = [key for key in written[name] if key.endswith("_interval")]
        assert intervals
        assert {key: shown[key] for key in intervals} == {key: written[name][key] for key in intervals}
        parts = {"per_class", "columns"} & set(written[name])
        assert parts
        assert {key: shown[key] for key in parts} == {key: written[name][key] for key in parts}


def test_the_seed_is_that_of_the_environment_else_of_the_recipe_else_0():
    recipe = "run:\n  seed: 5\n"
    assert read_seed({"seed": 7}, recipe) == 7
    assert read_seed({}, recipe) == 5
    assert read_seed({"seed": None}, "model: [") == 0
