"""The demo goes the whole way: two cameras, a run, its adaptation, two reports; and repeats itself."""

from __future__ import annotations

import csv
import json

import pytest
from typer.testing import CliRunner

from vision_ft.cli import demo
from vision_ft.cli.app import app

pytestmark = pytest.mark.slow
SMALL_RECIPE = {"model.backbone": "test_resnet", "model.image_size": 32, "strategy.epochs": 2}
SMALL_ADAPTATION = {"adapt.labels": 20, "strategy.epochs": 1}


@pytest.fixture
def small(monkeypatch):
    """The demo with few images and a tiny network."""
    monkeypatch.setattr(demo, "IMAGES", {"days": 2, "frames": 2, "slots": 10})
    for settings, changes in ((demo.RECIPE, SMALL_RECIPE), (demo.ADAPTATION, SMALL_ADAPTATION)):
        for key, value in changes.items():
            monkeypatch.setitem(settings, key, value)
    monkeypatch.setitem(demo.ADAPTATION, "adapt.min_steps", 4)


def outcome_of(folder):
    return json.loads((folder / "adapted" / "adaptation.json").read_text())


def shown(outcome, candidate, domain):
    test = next(entry for entry in outcome["candidates"] if entry["name"] == candidate)["test"]
    return f"{test[domain]['accuracy']:.1%}"


def test_the_demo_leaves_two_runs_shows_before_and_after_and_repeats_itself(small, tmp_path):
    result = CliRunner().invoke(app, ["demo", "--out", str(tmp_path / "demo"), "--seed", "3"])
    assert result.exit_code == 0, result.output
    for run in ("run", "adapted"):
        assert (tmp_path / "demo" / run / "report.html").is_file()
        assert (tmp_path / "demo" / run / "model" / "model.safetensors").is_file()
    outcome = outcome_of(tmp_path / "demo")
    assert outcome["source"]["name"] == "run"
    assert outcome["labels"] == {"budget": 20, "train": 14, "val": 6}
    chosen = outcome["decision"]["recommended"]
    for name, domain in (("camera_b", "new"), ("camera_a", "old")):
        before, after = (shown(outcome, candidate, domain) for candidate in ("source", chosen))
        assert f"{name} ({domain}): {before} before, {after} after" in result.output
    assert "gate: " in result.output
    findings = csv.DictReader((tmp_path / "demo" / "adapted" / "findings.csv").read_text().splitlines())
    assert {finding["level"] for finding in findings} == {"info"}, "whole parking spaces are split: nothing leaks"
    demo.run(tmp_path / "demo", seed=3)
    again = outcome_of(tmp_path / "demo")
    for part in ("shift", "decision", "budget", "next_labels"):
        assert again[part] == outcome[part]
    assert [entry["test"] for entry in again["candidates"]] == [entry["test"] for entry in outcome["candidates"]]


def test_a_gate_that_is_not_passed_is_explained_and_no_failure(small, tmp_path, monkeypatch):
    monkeypatch.setitem(demo.ADAPTATION, "adapt.candidates", [])
    result = CliRunner().invoke(app, ["demo", "--out", str(tmp_path)])
    assert result.exit_code == 0, result.output
    assert "Not passed: no candidate could be made. The source model stays." in result.output
    assert "gate: not passed; model/ holds the model from before, and adapt exits 3" in result.output
    weights = [(tmp_path / run / "model" / "model.safetensors").read_bytes() for run in ("run", "adapted")]
    assert weights[0] == weights[1]
