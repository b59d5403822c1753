"""The names in the help are those of the registries."""

from __future__ import annotations

import subprocess
import sys
from typing import get_args

import pytest
from typer.testing import CliRunner

from vision_ft.cli import choices
from vision_ft.cli.app import app
from vision_ft.types import Task


def test_the_names_of_the_help_are_the_keys_of_the_registries():
    from vision_ft.augment.presets import PRESETS
    from vision_ft.converting import TARGETS
    from vision_ft.models.heads import HEADS
    from vision_ft.new_camera.candidates import CANDIDATES
    from vision_ft.strategies import STRATEGIES

    assert get_args(Task) == choices.TASKS
    assert tuple(STRATEGIES) == choices.STRATEGIES
    assert tuple(HEADS) == choices.HEADS
    assert tuple(PRESETS) == choices.PRESETS
    assert ("source", *choices.CANDIDATES) == tuple(CANDIDATES)
    assert choices.TARGETS == TARGETS


def test_names_are_read_from_a_dict_inside_a_call_and_from_a_tuple(tmp_path, monkeypatch):
    monkeypatch.setattr(choices, "PACKAGE", tmp_path)
    (tmp_path / "m.py").write_text('A: dict = Registry("a", {"x": f(("no",)), "y": 2})\nB = ("u", "v")\n')
    assert choices.names_in("m.py", "A") == ("x", "y")
    assert choices.names_in("m.py", "B") == ("u", "v")
    with pytest.raises(LookupError, match=r"m\.py assigns no names to C"):
        choices.names_in("m.py", "C")


@pytest.mark.parametrize(
    ("verb", "names"),
    [
        ("train", choices.TASKS + choices.STRATEGIES + choices.HEADS),
        ("adapt", choices.CANDIDATES),
        ("augment", choices.PRESETS),
        ("convert", choices.TARGETS),
    ],
)
def test_the_help_of_a_verb_lists_them(verb, names):
    shown = CliRunner().invoke(app, [verb, "--help"], env={"COLUMNS": "300"}).output
    assert [name for name in names if name not in shown] == []


def test_the_help_of_a_verb_loads_no_heavy_library():
    code = (
        "import sys\nfrom typer.testing import CliRunner\nfrom vision_ft.cli.app import app\n"
        "for verb in ('train', 'adapt', 'predict', 'report', 'compare', 'audit', 'convert', 'augment', 'demo'):\n"
        "    assert CliRunner().invoke(app, [verb, '--help']).exit_code == 0\n"
        "heavy = {'torch', 'timm', 'numpy', 'pyarrow', 'rich.progress'} & set(sys.modules)\n"
        "sys.exit(str(heavy) if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
