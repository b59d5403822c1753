"""The option --plugins of the command line, in a process of its own as a person starts it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.pictures import draw_folder
from tests.runs import command_line
from vision_ft.cli.app import app
from vision_ft.config import load_recipe
from vision_ft.errors import RecipeError, VisionFTError

ROOT = Path(__file__).resolve().parents[2]
HEAD = """
from pathlib import Path
from torch import nn
import vision_ft as vf

class Mine(nn.Sequential):
    def __init__(self, channels, num_classes, *, dropout=0.0):
        super().__init__(nn.Dropout(dropout), nn.Linear(channels, num_classes))

Path("ran").touch()
vf.register_head("mine", Mine)
vf.register_section("mine", lambda run: {"n": run.task}, title="Mine", template="<p>task {{ view.n }}</p>")
"""
MISSING = (
    "was registered by my_plugins.py when this run was trained; give --plugins my_plugins.py or register it before"
)
VERBS = {
    "train": ["photos"],
    "adapt": ["run", "photos"],
    "predict": ["run", "photos"],
    "report": ["run"],
    "compare": ["run", "other"],
    "audit": ["photos"],
    "convert": ["photos", "out", "--to", "coco"],
    "augment": ["photos"],
}


def start(*words: str, code: int = 0) -> str:
    """Start the command line as a process of its own, and return all that it prints."""
    environment = os.environ | {"PYTHONPATH": str(ROOT), "COLUMNS": "300"}
    command = [sys.executable, "-m", "vision_ft", *words]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=600)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def ask(*words: str) -> str:
    """Run the command line in this process, and return what it prints."""
    done = CliRunner().invoke(app, words, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def refused(*words: str) -> str:
    """Run the command line in this process, and return the error that it ends with."""
    done = CliRunner().invoke(app, words)
    assert isinstance(done.exception, VisionFTError), done.output
    return str(done.exception)


def test_a_file_is_run_for_its_option_and_never_for_a_name_in_a_run_or_recipe(plugin_file, caplog):
    plugin_file(HEAD)
    words = command_line(draw_folder(Path("photos")), Path("run"), model__head="mine", strategy__epochs=1)
    start(*words, "--plugins", "my_plugins.py")
    Path("ran").unlink()  # each time that the file is run, it leaves this mark
    picture = str(next(Path("photos").rglob("*.png")))
    said = start("predict", "run", picture, code=2)
    assert said == f"error: run/model/config.json: model.head: 'mine' {MISSING} loading.\n"
    assert refused("train", "run", "--resume") == f"run: model.head: 'mine' {MISSING} loading."
    assert refused("train", "run/recipe.yaml", "--out", "again") == (
        'model.head: "mine" is unknown. Did you mean "linear"? Allowed: linear, mlp, cosine, fpn, unet, fcos, '
        "faster-rcnn. A head of your own: register it first, or give its file with --plugins."
    )
    ask("report", "run")
    assert f"report: section: 'mine' {MISSING} loading." in caplog.text
    assert "own-mine" not in Path("run/report.html").read_text()
    assert not Path("ran").exists()

    start("predict", "run", picture, "--plugins", "my_plugins.py")
    assert Path("ran").exists()
    assert len(Path("predictions.csv").read_text().splitlines()) == 2
    caplog.clear()
    ask("report", "run", "--plugins", "my_plugins.py")
    assert caplog.text == ""
    assert "<p>task classification</p>" in Path("run/report.html").read_text()


@pytest.mark.parametrize("verb", VERBS)
def test_each_verb_runs_the_files_that_it_is_given_in_their_order(verb, plugin_file):
    plugin_file("from pathlib import Path\nPath('ran').touch()\n", "first.py")
    plugin_file("raise ValueError('second')\n", "second.py")
    done = CliRunner().invoke(app, [verb, *VERBS[verb], "--plugins", "first.py", "--plugins", "second.py"])
    assert isinstance(done.exception, RecipeError)
    assert str(done.exception) == "--plugins second.py line 1: ValueError: second"
    assert Path("ran").exists()


def test_a_recipe_cannot_name_a_file(plugin_file):
    plugin_file("raise ValueError('this file was run')\n")
    for key in ("plugins", "run.plugins", "model.plugins"):
        with pytest.raises(RecipeError, match="unknown key"):
            load_recipe(None, [f"{key}=[my_plugins.py]"], defaults={"data": {"path": "photos"}})


FORMAT = """
import numpy as np
import vision_ft as vf
from vision_ft.data.table import SampleTable
from vision_ft.types import ClassSpace

def read(root, /):
    paths = sorted(path.relative_to(root).as_posix() for path in root.rglob("*.png"))
    return SampleTable.build(root=root, paths=paths, labels=np.arange(len(paths)) % 2, classes=ClassSpace(("a", "b")))

vf.register_format("odd-even", read)
vf.register_preset("plain", purpose="a crop", crop=(0.5, 1.0))
"""


def test_a_format_and_a_preset_of_a_file_serve_the_verbs_for_data(plugin_file):
    plugin_file(FORMAT)
    draw_folder(Path("photos"))

    plugins = ("--plugins", "my_plugins.py")
    assert "usable images of 2 classes" in ask("audit", "photos", "data.format=odd-even", *plugins)
    assert "odd-even -> csv" in ask("convert", "photos", "out", "--from", "odd-even", "--to", "csv", *plugins)
    assert "preset plain beside it" in ask("augment", "photos", "data.format=odd-even", "--preset", "plain", *plugins)
