"""Frames of a video file or of a live stream, every so many seconds."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import cv2

from vision_ft.feed.frames import Feed, FeedError, Frame, printable_source, time_in_name

EXTENSIONS = frozenset(
    (".mp4", ".m4v", ".mov", ".avi", ".mkv", ".webm", ".mpg", ".mpeg", ".ts", ".mjpeg", ".mjpg", ".wmv")
)
SCHEMES = ("http", "https", "rtsp", "rtsps", "rtmp")
TIMEOUT_MS = 10_000  # a camera that is switched off must not hang the work; cv2's own limit is 30 s
USUAL_RATE = 25.0  # frames a second, where a file states none
SAME_FRAME_S = 1e-3  # time stamps are rounded to milliseconds by some containers
SHARE_READ = 0.95  # the container's number of frames is an estimate in some formats
CAPTURE = cv2.CAP_FFMPEG  # other backends read name patterns as series of images


class VideoFeed(Feed):
    """A video: its frames every `every_s` seconds, by their own time stamps.

    If a stream changes its resolution, OpenCV scales all frames to the size of the first, so regions stay in place.

    Args:
        source: path or address.
        every_s: seconds between the frames that are given out.

    Raises:
        FeedError: the video cannot be opened.
    """

    def __init__(self, source: str, *, every_s: float) -> None:
        self.name = printable_source(source)
        self.interval_s = every_s
        self.remarks: list[str] = []
        self.stopped = ""
        self._capture = _open(source, self.name)
        rate = self._capture.get(cv2.CAP_PROP_FPS)
        self._has_rate = math.isfinite(rate) and rate > 0
        self._rate = rate if self._has_rate else USUAL_RATE
        count = self._capture.get(cv2.CAP_PROP_FRAME_COUNT)
        self._count = int(count) if math.isfinite(count) and count > 0 else None
        self._is_live = is_address(source) and self._count is None
        self._start = None if is_address(source) else time_in_name(Path(source).name)
        self.expected = None if self._count is None else max(1, math.ceil(self._count / self._rate / every_s))

    def __iter__(self) -> Iterator[Frame]:
        """Give out frames; the reader is closed when the pass ends, however it ends."""
        read, unreadable, due_s, opened = 0, 0, 0.0, time.monotonic()
        try:
            while self._capture.grab():
                time_s = time.monotonic() - opened if self._is_live else self._time_s(read)
                read += 1
                if time_s + SAME_FRAME_S < due_s:
                    continue
                good, image = self._capture.retrieve()
                if not good:
                    unreadable += 1
                    continue
                due_s = (math.floor((time_s + SAME_FRAME_S) / self.interval_s) + 1) * self.interval_s
                yield Frame(read - 1, time_s, self._clock(time_s), "", cv2.cvtColor(image, cv2.COLOR_BGR2RGB))
        finally:
            self._capture.release()
        self._conclude(read, unreadable)

    def _time_s(self, index: int) -> float:
        stamp = self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
        return stamp if self._has_rate and math.isfinite(stamp) and (stamp > 0 or index == 0) else index / self._rate

    def _clock(self, time_s: float) -> datetime | None:
        if self._is_live:
            return datetime.now()
        return None if self._start is None else self._start + timedelta(seconds=time_s)

    def _conclude(self, read: int, unreadable: int) -> None:
        if unreadable:
            self.remarks.append(f"{unreadable} frames could not be decoded and were left out.")
        if not self._has_rate and not self._is_live:
            self.remarks.append(f"{self.name} states no frame rate: {USUAL_RATE:g} frames a second are assumed.")
        if self._is_live:
            self.stopped = f"{self.name}: the stream ended after {read} frames. Start again when the camera answers."
        elif self._count is not None and read < SHARE_READ * self._count - 1:
            self.stopped = (
                f"{self.name}: ended after {read} of {self._count} frames: cut short or damaged. Copy it again."
            )


def is_address(source: str) -> bool:
    """Whether this is an address such as rtsp://..., not a path."""
    return "://" in source


def _open(source: str, name: str) -> Any:
    if is_address(source):
        scheme = source.split("://")[0].lower()
        if scheme not in SCHEMES:
            raise FeedError(
                f'{name}: addresses of kind "{scheme}" are not read. Allowed: {", ".join(SCHEMES)}, or a path.'
            )
    else:
        _check_file(source, name)
    limits = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, TIMEOUT_MS, cv2.CAP_PROP_READ_TIMEOUT_MSEC, TIMEOUT_MS]
    capture = cv2.VideoCapture(source, CAPTURE, limits)
    if not capture.isOpened():
        hint = "Is the camera switched on and the address right?" if is_address(source) else "Does a player open it?"
        raise FeedError(f"{name}: cannot be opened as a video. {hint}")
    return capture


def _check_file(source: str, name: str) -> None:
    try:
        source.encode("utf-8")
    except UnicodeEncodeError as err:  # OpenCV crashes the whole process on such a name
        raise FeedError(f"{name}: the name of a video must be UTF-8. Rename the file.") from err
    if "\0" in source or not Path(source).is_file():
        raise FeedError(f"{name}: no such video file.")
