"""Fixtures shared by all tests: where the real data lies, and small pictures drawn on the spot."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")


def shared_folder() -> Path:
    """Return the folder of real data, weights and faults; it may be absent."""
    default = Path(__file__).resolve().parents[2] / "shared"
    return Path(os.environ.get("VISION_FT_SHARED", default))


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real data; the test is skipped where it is absent."""
    folder = shared_folder()
    if not (folder / "data").is_dir():
        pytest.skip(f"real data not found at {folder}; set VISION_FT_SHARED to run this test")
    return folder


@pytest.fixture(autouse=True)
def _private_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads or writes the user's own cache."""
    monkeypatch.setenv("VISION_FT_CACHE", str(tmp_path / "cache"))
