"""What is registered in a test is gone after it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from vision_ft.augment.presets import PRESETS
from vision_ft.data.formats import FORMATS
from vision_ft.evaluate.classification.metrics import METRICS
from vision_ft.models.heads import HEADS
from vision_ft.plugins import installed, load
from vision_ft.reporting.own_sections import OWN_SECTIONS
from vision_ft.strategies import STRATEGIES
from vision_ft.tasks import TASKS


@pytest.fixture(autouse=True)
def _clean_registries():
    path = list(sys.path)
    yield
    losses = [task.losses for task in TASKS.values() if task.losses is not None]
    for registry in (HEADS, STRATEGIES, PRESETS, FORMATS, METRICS, OWN_SECTIONS, *losses):
        for name in registry.added:
            registry.remove(name)
    for module in load._modules.values():
        sys.modules.pop(module.__name__, None)
    load._modules.clear()
    installed.forget()
    sys.path[:] = path


@pytest.fixture
def plugin_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Write a plugin file into an empty folder, which is the current one."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)

    def write(text: str, name: str = "my_plugins.py") -> Path:
        (folder / name).write_text(text)
        return Path(name)

    return write
