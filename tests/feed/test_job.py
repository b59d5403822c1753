"""The whole work on a feed, with a classifier that looks at brightness."""

from __future__ import annotations

import csv
from datetime import datetime

import cv2
import numpy as np
import pytest
from PIL import Image

from tests.feed.feeds import CLASSES, classify_by_light, draw_lot, square_regions, write_pictures, write_video
from vision_ft.errors import DataError, RecipeError
from vision_ft.feed import annotate as drawing
from vision_ft.feed.chart import draw_occupancy
from vision_ft.feed.frames import FeedError
from vision_ft.feed.job import FeedResult, run_feed
from vision_ft.feed.palette import FREE, TAKEN, colours_of
from vision_ft.feed.source import open_feed
from vision_ft.feed.states import Panel, SingleStates


def work(source, out, **options) -> FeedResult:
    every = options.pop("every", None)
    settings = {"regions": square_regions(), "smooth": 1} | options
    feed = open_feed(source, every=every)
    return run_feed(
        feed, out, classify=settings.pop("classify", classify_by_light), states=SingleStates(CLASSES), **settings
    )


def read(path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))


@pytest.fixture
def clip(tmp_path):
    """Three seconds: a comes after one, b flashes once at two seconds."""
    lots = [draw_lot("" if n < 10 else "ab" if n == 20 else "a") for n in range(30)]
    return write_video(tmp_path / "clip.mp4", lots)


def test_states_and_occupancy_are_written_for_each_frame(tmp_path, clip):
    result = work(clip, tmp_path / "out", every="1s")
    rows = read(tmp_path / "out" / "states.csv")
    assert list(rows[0]) == ["time_s", "time", "space", "state", "score", "raw_state"]
    assert [(row["time_s"], row["space"], row["state"]) for row in rows] == [
        *(("0.000", name, "free") for name in "abc"),
        ("1.000", "a", "busy"),
        *(("1.000", name, "free") for name in "bc"),
        *(("2.000", name, "busy") for name in "ab"),
        ("2.000", "c", "free"),
    ]
    assert all(0.7 < float(row["score"]) <= 1 for row in rows)
    counts = read(tmp_path / "out" / "occupancy.csv")
    assert [(row["busy"], row["free"]) for row in counts] == [("0", "3"), ("1", "2"), ("2", "1")]
    assert (result.frames, result.regions, result.counts, result.stopped) == (3, 3, {"busy": 2, "free": 1}, "")
    with Image.open(tmp_path / "out" / "occupancy.png") as chart:
        assert chart.width > 600


def test_smoothing_takes_out_the_flash(tmp_path, clip):
    result = work(clip, tmp_path / "out", every="100ms", smooth=3)
    rows = [row for row in read(tmp_path / "out" / "states.csv") if row["space"] == "b"]
    assert {row["state"] for row in rows} == {"free"}
    assert [row["time_s"] for row in rows if row["raw_state"] == "busy"] == ["2.000"]
    assert (result.changes, result.raw_changes) == (1, 3)


def test_without_regions_the_whole_frame_is_one(tmp_path, clip):
    result = work(clip, tmp_path / "out", every="1s", regions=None)
    assert [row["space"] for row in read(tmp_path / "out" / "states.csv")] == ["frame"] * 3
    assert result.regions == 1


def test_the_annotated_video_shows_the_states(tmp_path, clip):
    result = work(clip, tmp_path / "out", every="1s", annotate=True)
    assert result.annotated == tmp_path / "out" / "annotated.mp4"
    capture = cv2.VideoCapture(str(result.annotated))
    assert [capture.get(cv2.CAP_PROP_FRAME_COUNT), capture.get(cv2.CAP_PROP_FPS)] == [3, 5]
    capture.release()
    with Image.open(tmp_path / "out" / "annotated.jpg") as last:
        assert last.size == (96, 64)
        red, green, _ = last.convert("RGB").getpixel((18, 55))  # inside c, free: tinted green
    assert green > red + 5
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == [
        "annotated.jpg",
        "annotated.mp4",
        "occupancy.csv",
        "occupancy.png",
        "states.csv",
    ]


def test_frames_are_written_where_no_video_can_be(tmp_path, clip, monkeypatch):
    class NoWriter:
        fourcc = staticmethod(cv2.VideoWriter.fourcc)

        def __init__(self, *words):
            pass

        def isOpened(self):  # noqa: N802 - OpenCV's name
            return False

    monkeypatch.setattr(drawing.cv2, "VideoWriter", NoWriter)
    result = work(clip, tmp_path / "out", every="1s", annotate=True)
    assert result.annotated == tmp_path / "out" / "annotated"
    assert sorted(file.name for file in result.annotated.iterdir()) == ["000000.jpg", "000010.jpg", "000020.jpg"]


def test_frames_of_odd_size_become_a_video(tmp_path):
    folder = write_pictures(tmp_path / "f", {f"{n}.png": draw_lot("", size=(97, 65)) for n in range(3)})
    result = work(folder, tmp_path / "out", regions=square_regions(frame_size=None), annotate=True)
    capture = cv2.VideoCapture(str(result.annotated))
    assert capture.get(cv2.CAP_PROP_FRAME_COUNT) == 3
    capture.release()


def test_a_picture_of_another_size_ends_the_work_and_keeps_what_was_read(tmp_path):
    lots = {f"{n}.png": draw_lot("a") for n in range(4)} | {"2.png": draw_lot("a", size=(120, 80))}
    result = work(write_pictures(tmp_path / "f", lots), tmp_path / "out", annotate=True)
    assert "2.png has 120 x 80 pixels, those before had 96 x 64" in result.stopped
    assert result.frames == 2
    assert len(read(tmp_path / "out" / "states.csv")) == 6
    assert len(read(tmp_path / "out" / "occupancy.csv")) == 2
    assert (tmp_path / "out" / "annotated.mp4").is_file()


def test_ctrl_c_keeps_what_was_read(tmp_path, clip):
    calls = []

    def interrupted(pictures):
        calls.append(len(pictures))
        if len(calls) == 3:
            raise KeyboardInterrupt
        return classify_by_light(pictures)

    result = work(clip, tmp_path / "out", every="500ms", classify=interrupted, annotate=True)
    assert result.stopped.endswith("interrupted by Ctrl-C.")
    assert result.frames == 2
    assert len(read(tmp_path / "out" / "states.csv")) == 6
    assert (tmp_path / "out" / "occupancy.png").is_file()


def test_a_crash_of_the_model_leaves_the_states_that_were_read(tmp_path, clip):
    calls = []

    def failing(pictures):
        calls.append(len(pictures))
        if len(calls) == 3:
            raise RuntimeError("out of memory")
        return classify_by_light(pictures)

    with pytest.raises(RuntimeError, match="out of memory"):
        work(clip, tmp_path / "out", every="500ms", classify=failing)
    assert len(read(tmp_path / "out" / "states.csv")) == 6


def test_a_region_outside_the_frame_is_said_before_earlier_results_go(tmp_path, clip):
    work(clip, tmp_path / "out", every="1s")
    before = (tmp_path / "out" / "states.csv").read_bytes()
    with pytest.raises(DataError, match='"a" has a corner at|drawn on frames of 40 x 30'):
        work(clip, tmp_path / "out", regions=square_regions(frame_size=(40, 30)))
    assert (tmp_path / "out" / "states.csv").read_bytes() == before


def test_earlier_results_are_replaced(tmp_path, clip):
    work(clip, tmp_path / "out", every="1s", annotate=True)
    (tmp_path / "out" / "mine.txt").write_text("stays")
    work(clip, tmp_path / "out", every="1s")
    assert not (tmp_path / "out" / "annotated.mp4").exists()
    assert (tmp_path / "out" / "mine.txt").is_file()


def test_a_feed_without_one_readable_frame_is_an_error(tmp_path):
    (tmp_path / "f").mkdir()
    (tmp_path / "f" / "a.png").write_bytes(b"no image")
    with pytest.raises(FeedError, match="no frame could be read. left out: .*a.png"):
        work(tmp_path / "f", tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("smooth", [0, -1, 1001])
def test_a_window_that_makes_no_sense_is_refused(tmp_path, clip, smooth):
    with pytest.raises(RecipeError, match=rf"smooth: got {smooth}; allowed are 1 \(no smoothing\) to 1000 frames"):
        work(clip, tmp_path / "out", smooth=smooth)


def test_smoothing_over_hours_is_remarked(tmp_path):
    names = {f"2013-02-24_{hour:02d}_05_04.png": draw_lot("") for hour in (10, 11, 12)}
    result = work(write_pictures(tmp_path / "f", names), tmp_path / "out", smooth=3)
    assert result.remarks == ("smoothing over 3 frames averages 180 minutes; smooth=1 takes each frame by itself.",)


def test_names_of_spaces_survive_the_table(tmp_path, clip):
    odd = square_regions()
    odd = type(odd)((type(odd.regions[0])('A,"1"\nÜ', odd.regions[0].points),), odd.frame_size)
    work(clip, tmp_path / "out", every="1s", regions=odd, annotate=True)
    with (tmp_path / "out" / "states.csv").open(encoding="utf-8", newline="") as stream:
        assert {row["space"] for row in csv.DictReader(stream)} == {'A,"1"\nÜ'}


def test_the_chart_stacks_counts_and_leaves_silences_blank():
    counts = np.array([[1, 2], [2, 1], [3, 0]])
    clock = [datetime(2013, 2, 24, 10, 0, n) for n in range(2)] + [datetime(2013, 2, 24, 11)]
    panels = [Panel("", 0, ("busy", "free$"))]
    figure = draw_occupancy([0, 1, 3600], counts, panels=panels, clock=clock, interval_s=1.0)
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels == ["busy (now 3)", r"free\$ (now 0)"]
    busy = figure.axes[0].collections[0].get_paths()
    assert len(busy) == 2, "one block before the silence and one after"
    assert figure.axes[0].get_ylim() == (0, 3)


def test_many_classes_become_the_frequent_ones_and_the_others():
    counts = np.eye(12, dtype=int)[[0, 3, 3, 5]]
    panels = [Panel("", 0, tuple(f"k{n}" for n in range(12)))]
    figure = draw_occupancy([0, 1, 2, 3], counts, panels=panels, interval_s=1.0)
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert len(labels) == 8
    assert {"k0 (now 0)", "k3 (now 0)", "k5 (now 1)", "5 others (now 0)"} <= set(labels)


def test_free_is_green_whatever_its_place():
    assert colours_of(["busy", "free"]) == [TAKEN, FREE]
    assert colours_of(["Empty", "Occupied"]) == [FREE, TAKEN]
    assert len(set(colours_of(["a", "b", "free", "c"]))) == 4
