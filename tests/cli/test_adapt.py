"""`vision-ft adapt` as a person meets it: help, exit codes, what is printed, and no traceback."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.cameras import draw_camera
from tests.runs import tiny_run
from vision_ft.api.progress import console
from vision_ft.cli import app as cli
from vision_ft.new_camera import job

QUICK = ["adapt.min_steps=4", "adapt.next_labels=5", "--device", "cpu"]


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    root = tmp_path_factory.mktemp("cli")
    old = draw_camera(root / "old", seed=0, per_class=10)
    return tiny_run(old, root / "lot-a", strategy__name="feature-extraction").path


@pytest.fixture(scope="module")
def new(tmp_path_factory):
    """A camera with a class that the source lacks, so that there is something to gain."""
    return draw_camera(tmp_path_factory.mktemp("new"), seed=1, classes=("amber", "blue", "green"), per_class=12)


@pytest.fixture
def vision_ft(monkeypatch, capsys):
    """Run the command line in this process: words -> (exit code, stdout, stderr)."""
    monkeypatch.setattr(console, "_width", 250)  # read from COLUMNS once, where the console is made
    monkeypatch.setattr(job, "build_report", lambda _folder: None)

    def call(*words: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["vision-ft", *map(str, words)])
        try:
            cli.main()
            code = 0
        except SystemExit as exit_:
            code = int(exit_.code or 0)
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return call


def test_the_help_shows_an_example_the_exit_code_and_the_candidates():
    shown = CliRunner().invoke(cli.app, ["adapt", "--help"], env={"COLUMNS": "250"})
    assert shown.exit_code == 0
    assert "Example: vision-ft adapt runs/lot-a new_camera/ --labels 50" in shown.output
    assert "exits 3 when no model passes the gate" in shown.output
    for word in ("--keep", "--labels", "--max-forgetting", "--data-root", "--resume", "pseudo-labels", "surgical"):
        assert word in shown.output


def test_a_model_that_passes_exits_0_and_prints_the_table(source, new, tmp_path, vision_ft):
    out = tmp_path / "run"
    words = ["--strategy", "head", "--strategy", "batchnorm", "--max-forgetting", "0.5", "--out", out]
    code, shown, errors = vision_ft("adapt", source, new, *words, *QUICK)
    assert (code, errors) == (0, "")
    assert re.search(r"> Head fitted again +\d+\.\d% +[+-]\d+\.\d \[[+-].*, [+-].*\] +\d+\.\d% ", shown), shown
    assert "new camera: 36 images: 24 train, 6 val, 6 test" in shown
    assert "the model learns the classes ['green']" in shown
    assert json.loads((out / "adaptation.json").read_text())["decision"]["sentence"] in shown.replace("\n", " ")
    assert f"model   {out / 'model'}" in shown
    again, shown, _ = vision_ft("adapt", out, "--resume")
    assert again == 0
    assert "is finished already" in shown


def test_no_model_that_passes_exits_3_without_an_error(source, new, tmp_path, vision_ft):
    code, shown, errors = vision_ft("adapt", source, new, "--strategy", "source", "--out", tmp_path / "run", *QUICK)
    assert (code, errors) == (3, "")
    assert "Not passed" in shown
    code, _, _ = vision_ft("adapt", tmp_path / "run", "--resume")
    assert code == 3, "a finished job says the same again"


def test_without_a_strategy_all_but_those_on_request_are_made(source, new, tmp_path, vision_ft):
    vision_ft("adapt", source, new, "--out", tmp_path / "run", "--epochs", "2", "--labels", "6", *QUICK)
    made = [entry["name"] for entry in json.loads((tmp_path / "run" / "adaptation.json").read_text())["candidates"]]
    assert made == ["source", "batchnorm", "head", "gradual-unfreeze", "surgical", "full"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["{source}"], "adapt.source is missing: name the run to start from"),
        (["{source}", "nowhere"], "nowhere: no such folder or file"),
        (["nowhere", "{new}"], "nowhere: no trained model here"),
        (["nowhere"], "NEW is missing"),
        (["{source}", "{new}", "--labels", "0"], "adapt.labels: got 0"),
        (["{source}", "{new}", "--max-forgetting", "-0.5"], "adapt.max_forgetting: got -0.5"),
        (["{source}", "{new}", "--strategy", "gradual"], 'Did you mean "gradual-unfreeze"?'),
        (["{source}", "{new}", "adapt.labls=3"], 'unknown key "adapt.labls". Did you mean "adapt.labels"?'),
        (["{source}", "{new}", "run.devices=2"], "adapting works on one device"),
        (["{source}", "{new}", "--keep", "gone"], "gone: no such folder or file"),
        (["{source}", "{new}", "--group", "{day}_*"], "group pattern '{day}_*' does not fit"),
        (["{source}", "{new}", "--resume"], "--resume needs the run to go on with"),
    ],
)
def test_what_cannot_be_meant_exits_2_with_one_message(words, message, source, new, tmp_path, vision_ft, monkeypatch):
    monkeypatch.chdir(tmp_path)
    places = {"{source}": source, "{new}": new}
    code, _, errors = vision_ft("adapt", *(places.get(word, word) for word in words))
    assert code == 2
    assert errors.startswith("error: ")
    assert message in errors


def test_an_unknown_option_names_the_nearest():
    shown = CliRunner().invoke(cli.app, ["adapt", "run", "new", "--label", "5"], env={"COLUMNS": "250"})
    assert shown.exit_code == 2
    assert "--labels" in shown.output


@pytest.mark.slow
def test_the_process_itself_exits_3_and_prints_no_traceback(source, new, tmp_path):
    words = ["adapt", str(source), str(new), "--strategy", "source", "--out", str(tmp_path / "run"), *QUICK]
    environment = os.environ | {"PYTHONPATH": str(Path.cwd())}
    done = subprocess.run([sys.executable, "-m", "vision_ft", *words], capture_output=True, text=True, env=environment)
    assert done.returncode == 3, done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert (tmp_path / "run" / "report.html").is_file()
