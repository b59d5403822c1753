"""`vision-ft compare` as a person meets it."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from tests.compared import base_run, better, copy_run
from tests.pictures import draw_folder
from tests.runs import tiny_run
from vision_ft.cli.app import app
from vision_ft.cli.console import console
from vision_ft.errors import DataError

runner = CliRunner()


@pytest.fixture
def said(monkeypatch):
    """What the console prints, at the width of a small terminal."""
    monkeypatch.setattr(console, "_width", 80)
    console.begin_capture()
    return console.end_capture


def test_the_table_the_verdict_and_the_page(tmp_path, said):
    base = base_run(tmp_path / "a").rename(tmp_path / "old")
    new = copy_run(base, tmp_path / "[red]new", better(0.8))
    out = tmp_path / "page.html"
    result = runner.invoke(app, ["compare", str(base), str(new), "--out", str(out)])
    assert result.exit_code == 0, result.output
    text = said()
    assert "240 test images" in text
    assert '"[red]new" is better than "old" by' in text
    assert text.index("│ [red]new") < text.index("│ old ")  # best first
    assert "8.4M" in text
    assert "…" not in text
    assert out.is_file()
    assert f"page  {out}" in text


def test_one_run_is_not_enough(tmp_path):
    result = runner.invoke(app, ["compare", str(base_run(tmp_path))])
    assert isinstance(result.exception, DataError)
    assert "needs at least two runs, got 1" in str(result.exception)


@pytest.mark.slow
def test_trained_runs_are_compared_with_their_costs(tmp_path, said):
    """Two strategies on the same images: what pipeline writes is what compare reads."""
    draw_folder(tmp_path / "photos", per_class=10)
    for name, strategy in (("head", "feature-extraction"), ("all", "full")):
        tiny_run(tmp_path / "photos", tmp_path / name, strategy__name=strategy, strategy__epochs=1)
    import vision_ft as vf

    result = vf.compare(tmp_path / "head", tmp_path / "all")
    costs = [run["cost"] for run in result["runs"]]
    assert costs[0]["trained_parameters"] < costs[1]["trained_parameters"]
    for cost in costs:
        assert 0 < cost["training_seconds"] < cost["seconds"]
        assert cost["memory_mb"] is None or cost["memory_mb"] > 100
    said()
