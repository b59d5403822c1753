"""One frame of a feed, and what every source of frames offers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import numpy as np

from vision_ft.data.images.decode import printable
from vision_ft.errors import DataError, RecipeError

SECONDS_BY_UNIT = {"ms": 0.001, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}
INTERVAL = re.compile(r"\s*(\d+(?:\.\d*)?|\.\d+)\s*([a-z]*)\s*", re.IGNORECASE)
DATE_AND_TIME = re.compile(r"(?<!\d)((?:19|20)\d\d)-?(\d\d)-?(\d\d)[_T -]?(\d\d)[-_:.]?(\d\d)(?:[-_:.]?(\d\d))?(?!\d)")
CREDENTIALS = re.compile(r"(?<=://)[^/@\s]*(?=@)")


class FeedError(DataError):
    """A feed that cannot be opened, or of which nothing can be read."""


@dataclass(frozen=True)
class Frame:
    """One frame.

    Attributes:
        index: its number among the frames of the source, from 0; frames that were skipped count.
        time_s: seconds since the first frame.
        time: date and time of day, where they are known.
        name: file name of an image, or "" for a video.
        image: (H, W, 3) uint8, RGB.
    """

    index: int
    time_s: float
    time: datetime | None
    name: str
    image: np.ndarray

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) in pixels."""
        return self.image.shape[1], self.image.shape[0]


class Feed(Protocol):
    """A source of frames: one pass, one frame in memory at a time.

    Attributes:
        name: where the frames come from, without passwords.
        interval_s: expected seconds between the frames that are given out.
        expected: about how many frames will be given out; None for a live stream.
        remarks: what the person should know, complete after the pass.
        stopped: why the pass ended before the end of the source; "" when it did not.
    """

    name: str
    interval_s: float
    expected: int | None
    remarks: list[str]
    stopped: str

    def __iter__(self) -> Iterator[Frame]:
        """Give out the frames in the order of time."""
        ...


def parse_interval(text: str | float) -> float:
    """Return the seconds of "1s", "500ms", "2m", "1h" or a plain number of seconds.

    Raises:
        RecipeError: the text is no such time, or is not above 0.
    """
    found = INTERVAL.fullmatch(str(text))
    scale = SECONDS_BY_UNIT.get((found[2] or "s").lower()) if found else None
    seconds = float(found[1]) * scale if found and scale else 0.0
    if seconds <= 0:
        raise RecipeError(
            f'every: "{text}" is no time between frames. Allowed: a number above 0 with ms, s, m or h, such as 500ms.'
        )
    return seconds


def time_in_name(name: str) -> datetime | None:
    """Return the date and time of day that a file name holds, such as 2013-02-24_10_05_04 or 20151116_0910."""
    for found in DATE_AND_TIME.finditer(name):
        try:
            return datetime(*(int(part or 0) for part in found.groups()))  # type: ignore[arg-type]
        except ValueError:
            continue  # digits that are no date, such as month 13
    return None


def printable_source(source: str) -> str:
    """Return a path or address for messages: user name and password of an address are left out."""
    return CREDENTIALS.sub("***", printable(source))
