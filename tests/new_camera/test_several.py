"""Adapting runs of label sets and label columns: what is judged, what is left out, and what the folder holds."""

from __future__ import annotations

import json

import numpy as np
import pytest

import vision_ft as vf
from tests.cameras import candidate, table_of
from tests.labelled import COLUMNS, draw_discs, label_run
from vision_ft.evaluate.read import read_any_predictions

TASKS = ("multilabel", "multitask")
every_task = pytest.mark.parametrize("task", TASKS)


@pytest.fixture(scope="module")
def adapted(tmp_path_factory) -> dict[str, vf.Adaptation]:
    """A run of each task on one camera, retrained on another whose discs lie elsewhere and are dim."""
    root = tmp_path_factory.mktemp("several")
    old, new = draw_discs(root / "old"), draw_discs(root / "new", count=48, seed=1, dim=True)
    made = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VISION_FT_CACHE", str(root / "cache"))
        for task in TASKS:
            run = label_run(old, root / task, task, strategy__name="full", strategy__epochs=3, optim__lr=0.005)
            made[task] = vf.adapt(
                run.path,
                new,
                out=root / f"{task}-adapted",
                strategy=["pseudo-labels", "entropy", "head", "full"],
                max_forgetting=0.99,
                epochs=2,
                overrides={"adapt.min_steps": 4} | ({"data.label_columns": COLUMNS} if task == "multitask" else {}),
            )
    return made


@every_task
def test_the_first_metric_decides_and_every_model_is_judged_on_both_cameras(task, adapted):
    run = adapted[task]
    assert run.outcome["decision"]["metric"] == "macro_f1"
    for name in ("source", "head", "full"):
        entry = candidate(run, name)
        assert entry["status"] == "done", entry["reason"]
        for camera in ("old", "new"):
            numbers = entry["test"][camera]
            low, high = numbers["macro_f1_interval"]
            assert low <= numbers["macro_f1"] <= high
            assert numbers["loss"] > 0
        gain = entry["test"]["new"]["macro_f1"] - candidate(run, "source")["test"]["new"]["macro_f1"]
        assert entry["change"]["new"]["value"] == pytest.approx(gain, abs=2e-6)


@every_task
def test_what_needs_one_label_an_image_is_left_out_and_said(task, adapted):
    for name in ("pseudo-labels", "entropy"):
        entry = candidate(adapted[task], name)
        assert (entry["status"], entry["reason"]) == (
            "skipped",
            f"it needs one label a picture, and the task is {task}.",
        )
    assert [adapted[task].outcome[name] for name in ("budget", "honest_split")] == [None, None]


@every_task
def test_cached_features_make_every_mixture_cheap(task, adapted):
    assert [point["alpha"] for point in candidate(adapted[task], "head")["alphas"]] == [k / 8 for k in range(9)]


@every_task
def test_the_folder_holds_the_predictions_of_both_cameras_and_predicts(task, adapted):
    run = adapted[task]
    metrics = json.loads((run.path / "metrics.json").read_text(encoding="utf-8"))
    assert metrics["task"] == task
    made = read_any_predictions(run.path / "predictions" / "test.parquet")
    assert set(made.groups) == {f"old: {task}", "new: labels"}
    domains = np.array(table_of(run.path).arrow.column("domain").to_pylist())
    assert set(domains) == {"old", "new"}
    settled = metrics["thresholds"] if task == "multilabel" else metrics["temperatures"]
    assert len(settled) == 2
    assert (run.path / "report.html").is_file()
