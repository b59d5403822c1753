"""One source run for all tests of the job, and no report where a test does not ask for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cameras import draw_camera
from tests.runs import tiny_run
from vision_ft.new_camera import job


@pytest.fixture(scope="session")
def old(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Images of the camera that the source run knows."""
    return draw_camera(tmp_path_factory.mktemp("cameras") / "old", seed=0, per_class=24)


@pytest.fixture(scope="session")
def source(old: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run trained on `old`; tests only read it."""
    root = tmp_path_factory.mktemp("runs")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VISION_FT_CACHE", str(root / "cache"))
        return tiny_run(old, root / "lot-a", data__val=0.25, data__test=0.25, strategy__name="feature-extraction").path


@pytest.fixture(scope="session")
def new(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Images of a darker camera."""
    return draw_camera(tmp_path_factory.mktemp("cameras") / "new", seed=1, per_class=12, dim=0.6)


@pytest.fixture(autouse=True)
def no_report(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the report out, which takes as long as the job; marked tests make it."""
    if "with_report" not in request.fixturenames:
        monkeypatch.setattr(job, "build_report", lambda _folder: None)


@pytest.fixture
def with_report() -> None:
    """Ask for the report."""
