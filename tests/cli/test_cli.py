"""The command line as a person meets it."""

from __future__ import annotations

import csv
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.pictures import draw_folder
from tests.runs import command_line, tiny_run
from vision_ft.cli.app import app

VERBS = ["train", "adapt", "predict", "report", "compare", "audit", "convert", "augment", "demo", "recipes"]
runner = CliRunner()


def run_cli(*words: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": str(Path.cwd()), "COLUMNS": "200"}
    command = [sys.executable, "-m", "vision_ft", *words]
    return subprocess.run(command, capture_output=True, text=True, env=environment, cwd=cwd, timeout=300)


def test_help_imports_nothing_heavy():
    code = (
        "import sys\nfrom typer.testing import CliRunner\nfrom vision_ft.cli.app import app\n"
        "assert CliRunner().invoke(app, ['--help']).exit_code == 0\n"
        "heavy = {'torch', 'timm', 'sklearn', 'matplotlib', 'pyarrow', 'numpy', 'albumentations'} & set(sys.modules)\n"
        "sys.exit(str(heavy) if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("verb", VERBS)
def test_the_help_of_each_verb_shows_an_example(verb):
    words = [verb, "copy", "--help"] if verb == "recipes" else [verb, "--help"]
    result = runner.invoke(app, words)
    assert result.exit_code == 0
    assert f"Example: vision-ft {verb}" in result.output


def test_an_unknown_flag_names_the_nearest():
    result = runner.invoke(app, ["train", "x", "--backbon", "resnet18"])
    assert result.exit_code == 2
    assert "--backbone" in result.output


def test_an_unknown_key_names_the_nearest_and_exits_2_without_a_traceback(tmp_path):
    done = run_cli("train", str(draw_folder(tmp_path)), "epochs=3")
    assert done.returncode == 2
    assert 'unknown key "epochs"' in done.stderr
    assert "strategy.epochs" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_folder_that_is_not_there_is_said(tmp_path):
    done = run_cli("train", str(tmp_path / "none"))
    assert done.returncode == 2
    assert "none: no such folder or file" in done.stderr


@pytest.mark.slow
def test_train_prints_plan_epochs_and_outcome(tmp_path):
    data = draw_folder(tmp_path / "data")
    done = run_cli(*command_line(data, tmp_path / "run", strategy__name="full", strategy__epochs=2))
    assert done.returncode == 0, done.stderr
    plan, first_epoch = done.stdout.index("what trains"), done.stdout.index("epoch   1")
    assert plan < first_epoch
    assert "30 images of 3 classes" in done.stdout
    assert re.search(r"test: accuracy \d+\.\d% \(\d+\.\d% to \d+\.\d%\)", done.stdout)
    assert "report.html" in done.stdout


@pytest.mark.slow
def test_predict_writes_a_csv_that_report_reads(tmp_path):
    data = draw_folder(tmp_path / "data")
    run = tiny_run(data, tmp_path / "run", strategy__name="feature-extraction")
    (data / "blue" / "broken.jpg").write_bytes(b"")
    out = tmp_path / "predictions.csv"
    result = runner.invoke(app, ["predict", str(run.path), str(data), "--out", str(out)])
    assert result.exit_code == 1, "a file that could not be read is not passed over in silence"
    assert "broken.jpg" in result.output
    rows = list(csv.DictReader(out.read_text().splitlines()))
    assert len(rows) == 30
    assert set(rows[0]) == {"path", "predicted", "score", "score_amber", "score_blue", "score_crimson"}
    with_target = tmp_path / "with_target.csv"
    with with_target.open("w") as stream:
        writer = csv.DictWriter(stream, ["path", "target", "predicted"], extrasaction="ignore")
        writer.writeheader()
        writer.writerows(row | {"target": row["path"].split("/")[0]} for row in rows)
    result = runner.invoke(app, ["report", str(with_target), "--data-root", str(data), "--out", str(tmp_path / "r")])
    assert result.exit_code == 0, result.output
    assert (tmp_path / "r" / "report.html").is_file()


def test_audit_exits_1_when_a_picture_is_broken(tmp_path):
    data = draw_folder(tmp_path / "data", per_class=4)
    assert runner.invoke(app, ["audit", str(data)]).exit_code == 0
    (data / "blue" / "broken.png").write_bytes(b"no")
    result = runner.invoke(app, ["audit", str(data), "--out", str(tmp_path / "audit")])
    assert result.exit_code == 1
    assert "broken.png" in (tmp_path / "audit" / "findings.csv").read_text()
    assert sorted(path.name for path in data.iterdir()) == ["amber", "blue", "crimson"], "the source is not written to"


def test_augment_draws_a_grid(tmp_path):
    data = draw_folder(tmp_path / "data", per_class=2)
    out = tmp_path / "grid.jpg"
    result = runner.invoke(app, ["augment", str(data), "--preset", "camera", "--size", "64", "--out", str(out)])
    assert result.exit_code == 0, result.output
    from PIL import Image

    with Image.open(out) as grid:
        assert grid.size == (8 * 132 + 4, 6 * 132 + 4)


def test_recipes_are_listed_and_copied(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    listed = runner.invoke(app, ["recipes", "list"])
    assert "birds/full" in listed.output
    copied = runner.invoke(app, ["recipes", "copy", "birds/full"])
    assert copied.exit_code == 0
    assert (tmp_path / "full.yaml").is_file()
    assert "vision-ft train full.yaml" in copied.output
    adapting = runner.invoke(app, ["recipes", "copy", "parking/new_camera"])
    assert "vision-ft adapt RUN new_camera.yaml" in adapting.output
    again = runner.invoke(app, ["recipes", "copy", "birds/full"])
    assert "exists already" in str(again.exception)
    unknown = runner.invoke(app, ["recipes", "copy", "birds/ful"])
    assert 'Did you mean "birds/full"?' in str(unknown.exception)
