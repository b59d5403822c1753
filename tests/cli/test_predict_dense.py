"""`vision-ft predict` with models for masks and boxes: images and feeds."""

from __future__ import annotations

import csv

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

import vision_ft as vf
from tests.dense import CLASSES, draw_rectangles
from tests.feed.feeds import write_video
from vision_ft.cli.app import app
from vision_ft.cli.predict.run import parse_tile
from vision_ft.errors import RecipeError
from vision_ft.feed.regions import Region, RegionSet, write_regions

pytestmark = pytest.mark.slow
runner = CliRunner()


def read(path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text().splitlines()))


@pytest.fixture
def pictures(tmp_path):
    """Two good images, of which two files share a stem, and a broken one."""
    folder = tmp_path / "photos"
    (folder / "sub").mkdir(parents=True)
    rng = np.random.default_rng(5)
    for name in ("a.png", "a.bmp", "sub/b.png"):
        Image.fromarray(draw_rectangles((64, 64), rng)[0]).save(folder / name)
    (folder / "broken.jpg").write_bytes(b"")
    return folder


@pytest.fixture
def clip(tmp_path):
    return write_video(tmp_path / "clip.mp4", [draw_rectangles((64, 64), np.random.default_rng(0))[0]] * 20)


def test_masks_become_palette_pictures_and_a_table_of_shares(mask_run, pictures, tmp_path):
    out = tmp_path / "preds"
    result = runner.invoke(app, ["predict", str(mask_run), str(pictures), "--out", str(out), "--annotate"])
    assert result.exit_code == 1, "a file that could not be read is not passed over in silence"
    assert "broken.jpg" in result.output
    assert "3 masks in" in result.output
    rows = read(out / "summary.csv")
    assert [(row["path"], row["mask"]) for row in rows] == [
        ("a.bmp", "masks/a.bmp.png"), ("a.png", "masks/a.png.png"), ("sub/b.png", "masks/sub/b.png"),
    ]  # fmt: skip
    expected = vf.load(mask_run).predict([pictures / row["path"] for row in rows])
    for row, answer in zip(rows, expected, strict=True):
        with Image.open(out / row["mask"]) as stored:
            assert stored.mode == "P"
            assert np.array_equal(np.asarray(stored), answer.mask)
        shares = [float(row[f"share_{name}"]) for name in CLASSES]
        assert shares == pytest.approx(list(answer.scores.values()), abs=1e-5)
    assert (out / "classes.csv").read_text() == "name,value\nground,0\nred,1\nblue,2\n"
    with Image.open(out / "annotated" / "sub" / "b.jpg") as drawn:
        assert drawn.size == (64, 64)


def test_boxes_become_lines_and_pictures_without_any_are_counted(box_run, pictures, tmp_path):
    out = tmp_path / "boxes.csv"
    words = ["predict", str(box_run), str(pictures), "--out", str(out), "--threshold", "0", "--annotate"]
    result = runner.invoke(app, words)
    assert result.exit_code == 1
    rows = read(out)
    assert list(rows[0]) == ["path", "label", "score", "x1", "y1", "x2", "y2"]
    answers = vf.load(box_run).predict([pictures / name for name in ("a.bmp", "a.png", "sub/b.png")], threshold=0)
    assert [row["label"] for row in rows] == [label for answer in answers for label in answer.box_labels]
    assert len(list((tmp_path / "boxes_annotated").rglob("*.jpg"))) == 3
    result = runner.invoke(
        app, ["predict", str(box_run), str(pictures / "a.png"), "--threshold", "1", "--out", str(out)]
    )
    assert result.exit_code == 0
    assert "0 boxes in 1 images, 1 of them without any" in result.output
    assert read(out) == []


def test_boxes_of_a_feed_are_counted_in_frame_and_regions(box_run, clip, tmp_path):
    regions = RegionSet((Region("left", ((0, 0), (32, 0), (32, 64), (0, 64))),
                         Region("right", ((32, 0), (64, 0), (64, 64), (32, 64)))), (64, 64), "r")  # fmt: skip
    write_regions(tmp_path / "r.json", regions)
    words = ["--regions", str(tmp_path / "r.json"), "--every", "1s", "--annotate", "--threshold", "0.1"]
    result = runner.invoke(app, ["predict", str(box_run), str(clip), *words, "--out", str(tmp_path / "o")])
    assert result.exit_code == 0, result.output
    assert "2 frames of 2 regions; in the last frame" in result.output
    rows = read(tmp_path / "o" / "counts.csv")
    assert list(rows[0]) == ["time_s", "time", "frame", "region", "class", "count"]
    assert len(rows) == 2 * 3 * 2
    counts = {(row["time_s"], row["region"], row["class"]): int(row["count"]) for row in rows}
    for (moment, region, name), count in counts.items():
        if region == "frame":
            assert count == counts[moment, "left", name] + counts[moment, "right", name]
    assert sum(counts.values()) > 0
    assert sorted(file.name for file in (tmp_path / "o").iterdir()) == ["annotated.jpg", "annotated.mp4", "counts.csv"]


def test_shares_of_a_feed_are_measured_and_earlier_states_go(mask_run, clip, tmp_path):
    (tmp_path / "o").mkdir()
    (tmp_path / "o" / "states.csv").write_text("old")
    seen = []
    result = vf.watch(mask_run, clip, out=tmp_path / "o", on_frame=lambda frame, feed: seen.append(frame))
    rows = read(tmp_path / "o" / "shares.csv")
    assert [row["class"] for row in rows[:3]] == list(CLASSES)
    assert sum(float(row["share"]) for row in rows[:3]) == pytest.approx(1, abs=1e-5)
    assert (result.frames, result.regions, result.changes, len(seen)) == (2, 0, None, 2)
    assert result.table == tmp_path / "o" / "shares.csv"
    assert sorted(file.name for file in (tmp_path / "o").iterdir()) == ["shares.csv"]


def test_smoothing_and_foreign_options_are_refused_in_a_feed(mask_run, clip, tmp_path):
    with pytest.raises(RecipeError, match="smooth: got 3; a model for segmentation has no states to smooth. Leave it"):
        vf.watch(mask_run, clip, smooth=3, out=tmp_path / "o")
    with pytest.raises(RecipeError, match="threshold: a model for segmentation does not take it"):
        vf.watch(mask_run, clip, threshold=0.5, out=tmp_path / "o")
    assert not (tmp_path / "o").exists()


def test_places_that_cannot_be_written_are_refused(mask_run, box_run, pictures, tmp_path):
    for run, out, text in (
        (mask_run, tmp_path / "x.csv", "x.csv is a file; masks are written into a folder"),
        (box_run, tmp_path, "is a folder; detection writes one table. Name a .csv file"),
        (mask_run, pictures / "masks", "whose images are read at any depth"),
    ):
        result = runner.invoke(app, ["predict", str(run), str(pictures), "--out", str(out)])
        assert isinstance(result.exception, RecipeError)
        assert text in str(result.exception)


@pytest.mark.parametrize(("text", "tile"), [(None, None), ("auto", "auto"), ("off", False), ("512", 512)])
def test_the_words_for_tiles_are_understood(text, tile):
    assert parse_tile(text) == tile


@pytest.mark.parametrize("text", ["0", "-3", "on", "1.5", ""])
def test_other_words_for_tiles_are_refused(text):
    with pytest.raises(RecipeError, match="allowed: auto, off, or the side of a tile in pixels, such as 512"):
        parse_tile(text)
