"""The gate, both ways, and what the run folder then holds."""

from __future__ import annotations

import json

import pytest

from tests.cameras import adapt_tiny, camera_of, candidate, draw_camera, table_of, weights_of
from vision_ft.evaluate.classification.predictions import read_predictions
from vision_ft.models.folder import load_model
from vision_ft.new_camera import scoring


@pytest.fixture(scope="module")
def contrary(tmp_path_factory):
    """A camera that calls amber what the old one calls blue: who learns it forgets."""
    return draw_camera(tmp_path_factory.mktemp("contrary"), seed=1, per_class=20, swap=True)


LEARNS_MUCH = {"strategy": "full", "adapt__anchor": 0.0, "adapt__min_steps": 20, "data__val": 0.3, "data__test": 0.3}


@pytest.fixture
def whole_steps(monkeypatch):
    """No mixtures between the source and the tuned model: one that gains a single image would pass by luck."""
    monkeypatch.setattr(scoring, "ALPHAS", (0.0, 1.0))


def test_a_gain_within_the_limit_passes_and_ships_the_candidate(source, contrary, tmp_path, whole_steps):
    run = adapt_tiny(source, contrary, tmp_path / "run", **LEARNS_MUCH, max_forgetting=0.99)
    decision = run.outcome["decision"]
    assert decision["sentence"].startswith("Full fine-tuning is recommended: on held-out images accuracy")
    assert (run.passed, run.recommended, decision["exit_code"]) == (True, "full", 0)
    assert weights_of(run.path) == weights_of(run.path / "candidates" / "full") != weights_of(source)
    assert candidate(run, "full")["change"]["new"]["low"] > 0
    assert candidate(run, "full")["change"]["old"]["high"] < 0


def test_the_same_gain_beyond_the_limit_is_refused_and_ships_the_source(source, contrary, tmp_path, whole_steps):
    run = adapt_tiny(source, contrary, tmp_path / "run", **LEARNS_MUCH, max_forgetting=0.01)
    decision = run.outcome["decision"]
    assert (run.passed, run.recommended, decision["exit_code"]) == (False, "source", 3)
    assert decision["sentence"].startswith("Not passed")
    assert weights_of(run.path) == weights_of(source)
    start, tuned = candidate(run, "full")["alphas"]
    assert (start["allowed"], tuned["allowed"]) == (True, False)
    assert tuned["new"] > start["new"] + 0.3
    assert tuned["old"] < start["old"] - 0.3


def test_a_baseline_is_shown_and_never_recommended(source, contrary, tmp_path):
    run = adapt_tiny(
        source, contrary, tmp_path / "run", **LEARNS_MUCH | {"strategy": "plain-full"}, max_forgetting=0.99
    )
    assert candidate(run, "plain-full")["change"]["new"]["low"] > 0
    assert (run.passed, run.recommended) == (False, "source")


def test_a_camera_that_the_source_knows_by_heart_leaves_nothing_to_gain(source, tmp_path):
    new = draw_camera(tmp_path / "new", seed=5, per_class=14)
    run = adapt_tiny(source, new, tmp_path / "run")
    assert run.outcome["decision"]["exit_code"] == 3
    assert "is 100% already, so nothing can be gained" in run.outcome["decision"]["sentence"]


def test_the_run_folder_is_that_of_a_run_whose_groups_are_the_cameras(source, contrary, tmp_path):
    run = adapt_tiny(source, contrary, tmp_path / "run", strategy="head", max_forgetting=0.99)
    table, shipped = table_of(run.path), read_predictions(run.path / "predictions" / "test.parquet")
    made = read_predictions(run.path / "candidates" / "head" / "predictions" / "test.parquet")
    assert list(shipped.ids) == list(table.rows("test"))
    assert (shipped.scores == made.scores).all()
    assert set(shipped.groups) == {"old: lot-a", f"new: {contrary.name}"}
    assert [name.split(":")[0] for name in shipped.groups] == list(camera_of(table)[shipped.ids])
    names = {row["group"] for row in run.metrics["splits"]["test"]["groups"]}
    assert names == set(shipped.groups)
    assert json.loads((run.path / "plan.json").read_text())["strategy"] == "head"
    assert load_model(run.path / "model")[1].names == ("amber", "blue", "crimson")


def test_the_report_shows_the_decision_and_the_lineage(source, contrary, tmp_path, with_report):
    run = adapt_tiny(source, contrary, tmp_path / "run", strategy="head")
    page = (run.path / "report.html").read_text()
    assert run.outcome["decision"]["sentence"].split(",")[0] in page
    assert "lot-a" in page
