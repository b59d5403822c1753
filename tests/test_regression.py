"""Image regression end to end: train, resume, predict, report, compare and adapt."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

import vision_ft as vf
from tests.runs import final_weights
from tests.values import draw_counts, value_run
from vision_ft.errors import ResumeError
from vision_ft.evaluate.regression.predictions import read_value_predictions


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return draw_counts(tmp_path_factory.mktemp("values") / "data", count=90)


@pytest.fixture(scope="module")
def run(data: Path) -> vf.Run:
    return value_run(data, data.parent.parent / "run", data__label_columns=["target", "cover"])


def test_a_run_writes_predictions_metrics_and_report(run: vf.Run):
    metrics = run.metrics
    assert metrics["task"] == "regression"
    assert metrics["classes"] == ["target", "cover"]
    assert metrics["selection"]["metric"] == "r2"
    test = metrics["splits"]["test"]
    assert [row["name"] for row in test["per_target"]] == ["target", "cover"]
    stored = read_value_predictions(run.path / "predictions" / "test.parquet")
    assert test["per_target"][0]["mae"] == pytest.approx(np.abs(stored.errors[:, 0]).mean(), abs=1e-5)
    assert "Errors by true value" in (run.path / "report.html").read_text(encoding="utf-8")


def test_a_fitted_head_beats_the_mean(data: Path, tmp_path: Path):
    metrics = value_run(data, tmp_path / "run", strategy__name="feature-extraction", data__label_column="cover").metrics
    assert metrics["splits"]["val"]["r2"] > 0.2


def test_a_loaded_model_predicts_what_the_run_predicted(run: vf.Run, data: Path):
    stored = read_value_predictions(run.path / "predictions" / "test.parquet")
    found = vf.load(run.path).predict([data.parent / path for path in stored.paths])
    np.testing.assert_allclose([list(one.values.values()) for one in found], stored.predicted, rtol=1e-3, atol=1e-3)
    assert found[0].value == found[0].values["target"]
    assert "target" in repr(found[0])


def test_the_command_line_writes_a_column_per_target(run: vf.Run, data: Path, tmp_path: Path):
    out = tmp_path / "found.csv"
    command = [sys.executable, "-m", "vision_ft", "predict", str(run.path), str(data.parent), "--out", str(out)]
    subprocess.run(command, check=True, capture_output=True, timeout=300)
    rows = list(csv.DictReader(out.read_text().splitlines()))
    assert list(rows[0]) == ["path", "target", "cover"]
    assert len(rows) == 90


def test_a_run_that_is_resumed_ends_with_the_same_weights(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    from vision_ft.engine import loop

    whole = value_run(data, tmp_path / "whole")
    ended = loop.end_epoch

    def end_then_die(*args):
        ended(*args)
        raise KeyboardInterrupt

    monkeypatch.setattr(loop, "end_epoch", end_then_die)
    with pytest.raises(KeyboardInterrupt):
        value_run(data, tmp_path / "cut")
    monkeypatch.undo()
    again = value_run(data, tmp_path / "cut", resume=True)
    first, second = final_weights(whole.path), final_weights(again.path)
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert again.metrics == whole.metrics


def test_runs_are_compared_by_r2(run: vf.Run, data: Path, tmp_path: Path):
    other = value_run(data, tmp_path / "other", data__label_columns=["target", "cover"], strategy__epochs=1)
    comparison = vf.compare(run.path, other.path, out=tmp_path / "compare.html")
    assert comparison["metrics"][0] == "r2"
    assert comparison["pairs"][0]["verdict"] in ("better", "worse", "unclear")
    assert "R2" in (tmp_path / "compare.html").read_text(encoding="utf-8")


@pytest.mark.slow
def test_a_run_adapts_to_a_new_camera(data: Path, tmp_path: Path):
    source = value_run(data, tmp_path / "run", strategy__name="feature-extraction")
    new = draw_counts(tmp_path / "new", count=60, seed=3, brightness=200)
    done = vf.adapt(source.path, new, strategy=["head"], labels=30, out=tmp_path / "adapted")
    outcome = json.loads((done.path / "adaptation.json").read_text())
    assert outcome["decision"]["metric"] == "r2"
    assert outcome["budget"]["metric"] == "r2"
    assert {entry["name"] for entry in outcome["candidates"]} == {"source", "head"}
    rows = list(csv.DictReader((done.path / "to_label.csv").read_text().splitlines()))
    assert all(set(row) == {"path", "score", "rank", "reason"} for row in rows)
    assert "R2" in (done.path / "report.html").read_text(encoding="utf-8")


def test_images_without_numbers_serve_a_new_camera(data: Path, tmp_path: Path):
    source = value_run(data, tmp_path / "run", strategy__name="feature-extraction")
    new = draw_counts(tmp_path / "new", count=20, seed=4).parent
    (new / "counts.csv").unlink()
    done = vf.adapt(source.path, new, strategy=["batchnorm"], out=tmp_path / "adapted")
    assert (done.path / "to_label.csv").is_file()


def test_a_value_that_changed_is_refused_on_resume(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    from vision_ft.engine import loop

    data = draw_counts(tmp_path / "data", count=40)
    ended = loop.end_epoch

    def end_then_die(*args):
        ended(*args)
        raise KeyboardInterrupt

    monkeypatch.setattr(loop, "end_epoch", end_then_die)
    with pytest.raises(KeyboardInterrupt):
        value_run(data, tmp_path / "run")
    monkeypatch.undo()
    lines = data.read_text().splitlines()
    path, _, cover = lines[5].split(",")
    data.write_text("\n".join([*lines[:5], f"{path},99,{cover}", *lines[6:]]) + "\n")
    with pytest.raises(ResumeError, match=f"the data changed since the run began, in 1 images: {path}"):
        value_run(data, tmp_path / "run", resume=True)
