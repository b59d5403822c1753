"""`vision-ft predict` on a feed."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

import vision_ft as vf
from tests.feed.feeds import draw_lot, square_regions, write_video
from tests.runs import tiny_run
from vision_ft.cli.app import app
from vision_ft.errors import DataError, RecipeError
from vision_ft.feed.regions import scale_regions, write_regions

runner = CliRunner()


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny model of bright (busy) and dark (free) patches."""
    data = tmp_path_factory.mktemp("feed") / "patches"
    rng = np.random.default_rng(0)
    for name, light in (("busy", 235), ("free", 60)):
        (data / name).mkdir(parents=True)
        for number in range(12):
            noise = rng.integers(-15, 16, (20, 20, 3))
            Image.fromarray((light + noise).astype(np.uint8)).save(data / name / f"{number}.png")
    return tiny_run(data, data.parent / "run", strategy__name="feature-extraction").path


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return write_video(tmp_path / "clip.mp4", [draw_lot("a" if n >= 10 else "") for n in range(25)])


@pytest.fixture
def spaces(tmp_path: Path) -> Path:
    write_regions(tmp_path / "spaces.json", square_regions())
    return tmp_path / "spaces.json"


@pytest.mark.slow
def test_a_video_with_regions_becomes_a_folder_of_results(run, clip, spaces, tmp_path):
    words = ["--regions", str(spaces), "--every", "500ms", "--smooth", "1", "--annotate", "--out", str(tmp_path / "o")]
    result = runner.invoke(app, ["predict", str(run), str(clip), *words])
    assert result.exit_code == 0, result.output
    assert "5 frames of 3 regions; in the last frame 2 free, 1 busy" in result.output
    with (tmp_path / "o" / "states.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["state"] for row in rows if row["space"] == "a"] == ["free", "free", "busy", "busy", "busy"]
    assert {row["state"] for row in rows if row["space"] != "a"} == {"free"}
    assert (tmp_path / "o" / "annotated.mp4").is_file()


@pytest.mark.slow
def test_a_feed_cut_short_exits_1_and_keeps_what_was_read(run, spaces, tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (40, 64, 96, 3), dtype=np.uint8)
    clip = write_video(tmp_path / "clip.avi", list(noise))
    clip.write_bytes(clip.read_bytes()[: clip.stat().st_size // 2])
    words = ["predict", str(run), str(clip), "--regions", str(spaces), "--out", str(tmp_path / "o")]
    result = runner.invoke(app, words)
    assert result.exit_code == 1
    assert "stopped early: " in result.output
    assert "What was read is kept." in result.output
    assert len((tmp_path / "o" / "states.csv").read_text().splitlines()) > 3


@pytest.mark.slow
def test_the_public_function_takes_regions_and_a_callback(run, clip, spaces, tmp_path):
    seen = []
    result = vf.watch(run, clip, regions=square_regions(), out=tmp_path / "o", on_frame=lambda s, feed: seen.append(s))
    assert (result.frames, len(seen), result.regions) == (3, 3, 3)
    whole = vf.watch(run, clip, out=tmp_path / "whole", every=1)
    assert whole.regions == 1
    with pytest.raises(DataError, match="drawn on frames of 48 x 32 pixels, these frames have 96 x 64"):
        vf.watch(run, clip, regions=scale_regions(square_regions(), (48, 32)), out=tmp_path / "no")
    assert not (tmp_path / "no").exists()


def test_a_file_as_the_output_of_a_feed_is_refused(clip, tmp_path):
    with pytest.raises(RecipeError, match="states.csv is a file; a feed writes a folder"):
        vf.watch("no_run", clip, out=tmp_path / "states.csv")


def test_a_source_that_is_not_there_is_said():
    result = runner.invoke(app, ["predict", "no_run", "no_such_video.mp4"])
    assert isinstance(result.exception, DataError)
    assert "no_such_video.mp4: no such video file" in str(result.exception)
