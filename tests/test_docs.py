"""The commands that README and docs show exist as they are written."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import typer

from vision_ft.cli.app import app
from vision_ft.config import load_recipe

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def shown_commands() -> list[str]:
    blocks = [block for page in PAGES for block in re.findall(r"```bash\n(.*?)```", page.read_text(), re.DOTALL)]
    lines = [line.split(" #")[0].strip() for block in blocks for line in block.splitlines()]
    return sorted({line for line in lines if line.startswith("vision-ft ")})


def test_the_pages_show_enough_commands():
    assert len(shown_commands()) >= 12


@pytest.mark.parametrize("line", shown_commands())
def test_a_shown_command_parses(line, tmp_path):
    group = typer.main.get_command(app)
    name, *words = shlex.split(line)[1:]
    command = group.commands[name]
    if name == "recipes":
        command, words = command.commands[words[0]], words[1:]
    words = [str(tmp_path) if word.endswith("/") and name == "predict" else word for word in words]
    if "--help" in words:
        return
    context = command.make_context(name, list(words))
    overrides = context.params.get("overrides") or []
    load_recipe(None, [*overrides], defaults={"data": {"path": "photos"}})


def test_both_forms_of_the_two_commands_are_there():
    text = (ROOT / "README.md").read_text()
    for command in ("vision-ft demo", "pytest"):
        assert re.search(rf'uv pip install -e "\.\[dev\]" -c constraints.txt && uv run --no-sync {command}\n', text)
        assert re.search(rf'\.venv/bin/pip install -e "\.\[dev\]" -c constraints.txt && \.venv/bin/{command}\n', text)


def test_links_between_pages_lead_somewhere():
    for page in PAGES:
        for target in re.findall(r"\]\((?!http)([^)#]+)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_pictures_of_the_pages_are_shown_and_small():
    shown = {target for page in PAGES for target in re.findall(r"!\[[^\]]+\]\((images/[^)]+)\)", page.read_text())}
    pictures = list((ROOT / "docs" / "images").iterdir())
    assert {f"images/{picture.name}" for picture in pictures} == shown
    assert sum(picture.stat().st_size for picture in pictures) < 300_000
