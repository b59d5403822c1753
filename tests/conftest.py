"""Fixtures shared by all tests: where the real data lies, and small images drawn on the spot."""

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


@pytest.fixture(scope="session")
def dense_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Images of red and blue rectangles with masks and boxes."""
    from tests.dense import draw_dense

    return draw_dense(tmp_path_factory.mktemp("dense") / "data", count=16)


@pytest.fixture(scope="session")
def mask_run(dense_data: Path) -> Path:
    """A tiny finished segmentation run."""
    from tests.dense import dense_run

    return dense_run("segmentation", dense_data, dense_data.parent / "masks").path


@pytest.fixture(scope="session")
def box_run(dense_data: Path) -> Path:
    """A tiny finished detection run."""
    from tests.dense import dense_run

    return dense_run("detection", dense_data, dense_data.parent / "boxes", strategy__epochs=4, model__head="fcos").path
