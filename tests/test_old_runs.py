"""Run folders that version 0.1 made: they load, predict the same, report, compare and adapt."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

import vision_ft as vf
from vision_ft.evaluate.read import read_any_predictions

OLD = Path(__file__).parent / "fixtures" / "runs_of_0_1"
RUNS = {
    "classification": ("classification/run", "classification/images"),
    "multilabel": ("labels/multilabel", "labels/images"),
    "multitask": ("labels/multitask", "labels/images"),
    "detection": ("dense/detection", "dense/data"),
    "segmentation": ("dense/segmentation", "dense/data"),  # without its weights, which are large
}
WITH_MODEL = [task for task in RUNS if task != "segmentation"]


@pytest.fixture
def old_run(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, Path]:
    """A copy of the run of a task, and the folder of its images."""
    run, data = RUNS[request.param]
    shutil.copytree(OLD / run, tmp_path / "run")
    return tmp_path / "run", OLD / data


@pytest.mark.parametrize("old_run", ["classification", "multilabel", "multitask"], indirect=True)
def test_an_old_model_gives_the_scores_that_it_gave(old_run: tuple[Path, Path]):
    run, data = old_run
    stored = read_any_predictions(run / "predictions" / "test.parquet")
    found = vf.load(run).predict([data / path for path in stored.paths])
    scores = np.array([list(one.scores.values()) for one in found])
    wanted = stored.scores
    if stored.task == "classification":  # the file keeps the scores before the temperature
        powered = wanted ** (1 / stored.temperature)
        wanted = powered / powered.sum(axis=1, keepdims=True)
    if stored.task != "multitask":  # whose columns have a temperature each; `test_predictor` checks them
        np.testing.assert_allclose(scores, wanted, atol=1e-4)
    assert len(found) == len(stored)


def test_an_old_detector_finds_the_boxes_that_it_found(tmp_path: Path):
    stored = read_any_predictions(OLD / "dense/detection/predictions/test.parquet")
    found = vf.load(OLD / "dense/detection").predict(
        [OLD / "dense/data" / path for path in stored.paths], threshold=0.05
    )
    assert len(found) == len(stored)
    assert all(boxes.boxes.shape[1] == 4 for boxes in found)


@pytest.mark.parametrize("old_run", list(RUNS), indirect=True)
def test_an_old_run_reports_again(old_run: tuple[Path, Path]):
    run, data = old_run
    page = vf.report(run, data_root=data).read_text(encoding="utf-8")
    metrics = json.loads((run / "metrics.json").read_text(encoding="utf-8"))
    assert f"{metrics['splits']['test']['n']:,}" in page
    assert "lineage" in page


@pytest.mark.parametrize("old_run", ["classification", "detection"], indirect=True)
def test_old_runs_are_compared(old_run: tuple[Path, Path], tmp_path: Path):
    run, _ = old_run
    shutil.copytree(run, tmp_path / "again")
    comparison = vf.compare(run, tmp_path / "again")
    assert comparison["pairs"][0]["verdict"] == "unclear"


@pytest.mark.slow
@pytest.mark.parametrize("old_run", ["classification"], indirect=True)
def test_an_old_run_adapts_to_other_images(old_run: tuple[Path, Path], tmp_path: Path):
    from tests.pictures import draw_folder

    run, data = old_run
    new = draw_folder(tmp_path / "new", per_class=12, size=24, seed=5)
    done = vf.adapt(run, new, data_root=data, strategy="head", out=tmp_path / "adapted")
    assert {entry["name"] for entry in done.outcome["candidates"]} == {"source", "head"}
    assert done.outcome["old"]["labelled"] == 42
