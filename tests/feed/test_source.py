"""Frames come in time, one at a time, and what cannot be read is said."""

from __future__ import annotations

import functools
import http.server
import os
import re
import threading
from datetime import datetime

import numpy as np
import pytest

from tests.feed.feeds import draw_lot, write_mjpeg, write_pictures, write_video
from vision_ft.errors import RecipeError
from vision_ft.feed.frames import FeedError, parse_interval, printable_source, time_in_name
from vision_ft.feed.source import is_video, open_feed


@pytest.mark.parametrize(
    ("text", "seconds"), [("1s", 1), ("500ms", 0.5), ("2m", 120), ("1.5 h", 5400), ("3", 3), (0.25, 0.25), (".5S", 0.5)]
)
def test_times_between_frames_are_understood(text, seconds):
    assert parse_interval(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["soon", "0s", "-1s", "1 day", "", "nan", "1e3s"])
def test_other_times_are_refused(text):
    with pytest.raises(RecipeError, match=f'every: "{text}" is no time between frames. Allowed: .* 500ms'):
        parse_interval(text)


@pytest.mark.parametrize(
    ("name", "moment"),
    [
        ("2013-02-24_10_05_04.jpg", datetime(2013, 2, 24, 10, 5, 4)),
        ("cam1_2015-11-16_0910_x.jpg", datetime(2015, 11, 16, 9, 10)),
        ("20130224T100504.png", datetime(2013, 2, 24, 10, 5, 4)),
        ("2013-13-24_10_05_04.jpg", None),
        ("frame_000123.jpg", None),
        ("2013-03-10_5min.mp4", None),
    ],
)
def test_a_name_may_hold_date_and_time(name, moment):
    assert time_in_name(name) == moment


def test_a_video_gives_a_frame_every_interval(tmp_path):
    lots = [draw_lot("a" if number >= 10 else "") for number in range(25)]
    feed = open_feed(write_video(tmp_path / "clip.mp4", lots), every="500ms")
    frames = list(feed)
    assert [frame.time_s for frame in frames] == pytest.approx([0.0, 0.5, 1.0, 1.5, 2.0])
    assert [frame.index for frame in frames] == [0, 5, 10, 15, 20]
    assert [bool(frame.image[15, 15, 0] > 150) for frame in frames] == [False, False, True, True, True]
    assert (feed.expected, feed.stopped, feed.remarks) == (5, "", [])


def test_colours_are_rgb(tmp_path):
    red = np.full((48, 64, 3), (230, 20, 20), dtype=np.uint8)
    frame = next(iter(open_feed(write_video(tmp_path / "red.avi", [red] * 3))))
    assert np.abs(frame.image.astype(int) - red).max() < 12


def test_the_clock_starts_with_the_time_in_the_videos_name(tmp_path):
    clip = write_video(tmp_path / "2013-03-10_08_30_00.mp4", [draw_lot("")] * 12)
    assert [frame.time for frame in open_feed(clip)] == [datetime(2013, 3, 10, 8, 30), datetime(2013, 3, 10, 8, 30, 1)]


def test_a_video_that_was_cut_short_gives_what_it_holds_and_says_so(tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (40, 48, 64, 3), dtype=np.uint8)
    clip = write_video(tmp_path / "clip.avi", list(noise))
    data = clip.read_bytes()
    clip.write_bytes(data[: len(data) // 2])
    feed = open_feed(clip, every="100ms")
    assert 10 < len(list(feed)) < 30
    assert f"{clip}: ended after" in feed.stopped
    assert "of 40 frames: cut short or damaged. Copy it again." in feed.stopped


def test_a_stream_that_changes_its_resolution_keeps_the_first_size(tmp_path):
    """OpenCV scales, it does not cut: the left half stays the left half."""
    halves = []
    for width, height in [(64, 48)] * 3 + [(128, 96)] * 3:
        image = np.zeros((height, width, 3), dtype=np.uint8)
        image[:, : width // 2] = 250
        halves.append(image)
    frames = list(open_feed(write_mjpeg(tmp_path / "stream.mjpeg", halves), every="40ms"))
    assert {frame.size for frame in frames} == {(64, 48)}
    for frame in frames:
        assert frame.image[:, :28].mean() > 200
        assert frame.image[:, 36:].mean() < 50


def test_what_is_no_video_is_refused(tmp_path):
    (tmp_path / "text.mp4").write_text("no video")
    with pytest.raises(FeedError, match="text.mp4: cannot be opened as a video. Does a player open it?"):
        open_feed(tmp_path / "text.mp4")
    with pytest.raises(FeedError, match="none.mp4: no such video file"):
        open_feed(tmp_path / "none.mp4")
    with pytest.raises(FeedError, match='addresses of kind "file" are not read. Allowed: http, https, rtsp'):
        open_feed("file:///etc/passwd")


def test_a_video_whose_name_is_not_utf8_is_refused_instead_of_a_crash(tmp_path):
    with pytest.raises(FeedError, match=r"lot\\xff.mp4: the name of a video must be UTF-8"):
        open_feed(os.fsdecode(os.fsencode(tmp_path) + b"/lot\xff.mp4"))


def test_a_camera_that_does_not_answer_is_said_without_its_password():
    with pytest.raises(FeedError, match=r"rtsp://\*\*\*@127.0.0.1:1/lot: cannot be opened") as caught:
        open_feed("rtsp://admin:secret@127.0.0.1:1/lot")
    assert "secret" not in str(caught.value)
    assert printable_source("http://camera/lot@night") == "http://camera/lot@night"


@pytest.fixture
def address(tmp_path, monkeypatch):
    """A web server on this machine for the files in tmp_path."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *words):
            pass

    handler = functools.partial(Quiet, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_a_live_stream_goes_by_the_clock_and_its_end_is_said(tmp_path, address):
    write_mjpeg(tmp_path / "stream.mjpeg", [draw_lot("", size=(960, 640))] * 60)  # 2 ms a frame
    feed = open_feed(f"{address}/stream.mjpeg", every="1ms")
    assert feed.expected is None
    before = datetime.now()
    frames = list(feed)
    assert len(frames) >= 3
    assert all(before <= frame.time <= datetime.now() for frame in frames)
    assert [frame.time_s for frame in frames] == sorted(frame.time_s for frame in frames)
    assert re.search(r"stream.mjpeg: the stream ended after \d+ frames. Start again when", feed.stopped)


def test_a_whole_video_behind_an_address_goes_by_its_own_time(tmp_path, address):
    write_video(tmp_path / "clip.mp4", [draw_lot("")] * 25)
    feed = open_feed(f"{address}/clip.mp4", every="1s")
    assert [frame.time_s for frame in feed] == pytest.approx([0, 1, 2])
    assert feed.stopped == ""


def test_a_folder_goes_by_the_times_in_its_names(tmp_path):
    names = ["b_2013-02-24_10_05_00.png", "a_2013-02-24_10_05_30.png", "c_2013-02-24_10_06_00.png"]
    feed = open_feed(write_pictures(tmp_path / "f", {name: draw_lot("") for name in reversed(names)}))
    frames = list(feed)
    assert [frame.name for frame in frames] == names
    assert [frame.time_s for frame in frames] == [0, 30, 60]
    assert feed.interval_s == 30
    assert feed.remarks == []
    assert [frame.time_s for frame in open_feed(tmp_path / "f", every="1m")] == [0, 60]


def test_a_folder_without_times_goes_by_name_and_says_what_it_assumes(tmp_path):
    feed = open_feed(write_pictures(tmp_path / "f", {f"{n}.png": draw_lot("") for n in range(3)}), every="5s")
    assert [(frame.name, frame.time_s, frame.time) for frame in feed] == [
        ("0.png", 0.0, None),
        ("1.png", 5.0, None),
        ("2.png", 10.0, None),
    ]
    assert feed.remarks == ["no date and time in all file names: images are taken to be 5 s apart."]


def test_a_broken_picture_is_left_out_and_named(tmp_path):
    folder = write_pictures(tmp_path / "f", {f"{n}.png": draw_lot("") for n in range(3)})
    (folder / "1.png").write_bytes(b"no image")
    feed = open_feed(folder)
    assert [frame.name for frame in feed] == ["0.png", "2.png"]
    assert "left out: " in feed.remarks[-1]
    assert "1.png" in feed.remarks[-1]


def test_a_folder_of_names_that_are_not_utf8_is_read(tmp_path):
    folder = write_pictures(tmp_path / "f", {"a.png": draw_lot("")})
    try:
        (folder / "a.png").rename(os.fsdecode(os.fsencode(folder) + b"/lot\xff.png"))
    except OSError:
        pytest.skip("this file system allows only UTF-8 names")
    assert [frame.name for frame in open_feed(folder)] == [r"lot\xff.png"]


def test_an_empty_folder_is_refused(tmp_path):
    with pytest.raises(FeedError, match="no image directly in this folder. Allowed: .*.avif, .*.jpg"):
        open_feed(tmp_path)


def test_videos_and_addresses_are_known_by_name():
    assert is_video("clip.MP4")
    assert is_video("rtsp://camera/lot")
    assert not is_video("photos/")
    assert not is_video("a.jpg")
