"""Frames of a folder of images, or of a single image, in the order of time."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import pairwise
from pathlib import Path

import numpy as np

from vision_ft.data.images.decode import EXTENSIONS, decode, printable
from vision_ft.errors import DataError
from vision_ft.feed.frames import Feed, FeedError, Frame, printable_source, time_in_name

ASSUMED_INTERVAL_S = 1.0  # between images whose names hold no time


class FolderFeed(Feed):
    """Images as frames: in the order of the dates and times in their names, or of the names where one has none.

    Args:
        source: a folder (only the images directly in it) or an image.
        every_s: leave out images until so many seconds passed; for names without a time, the time between images.

    Raises:
        FeedError: there is no image.
    """

    def __init__(self, source: Path, *, every_s: float | None) -> None:
        self.name = printable_source(str(source))
        self.remarks: list[str] = []
        self.stopped = ""
        files = _list_pictures(source)
        times = [time_in_name(file.name) for file in files]
        known = [moment for moment in times if moment is not None]
        if len(known) == len(files):
            self._plan = _plan_by_time(files, known, every_s=every_s)
        else:
            step = every_s or ASSUMED_INTERVAL_S
            self._plan = [(number, file, number * step, None) for number, file in enumerate(files)]
            if len(files) > 1:
                self.remarks.append(f"no date and time in all file names: images are taken to be {step:g} s apart.")
        gaps = [after[2] - before[2] for before, after in pairwise(self._plan)]
        self.interval_s = every_s or (statistics.median(gaps) if gaps else ASSUMED_INTERVAL_S) or ASSUMED_INTERVAL_S
        self.expected: int | None = len(self._plan)

    def __iter__(self) -> Iterator[Frame]:
        """Give out the images that can be decoded; the others become remarks."""
        for index, file, time_s, moment in self._plan:
            try:
                image = np.asarray(decode(file))
            except DataError as err:
                self.remarks.append(f"left out: {err}")
                continue
            yield Frame(index, time_s, moment, printable(file.name), image)


def _list_pictures(source: Path) -> list[Path]:
    if source.is_file():
        return [source]
    if not source.is_dir():
        raise FeedError(f"{printable(source)}: no such file or folder.")
    files = sorted(
        file for file in source.iterdir() if file.suffix.lower() in EXTENSIONS and not file.name.startswith(".")
    )
    if not files:
        raise FeedError(
            f"{printable(source)}: no image directly in this folder. Allowed: {', '.join(sorted(EXTENSIONS))}."
        )
    return files


def _plan_by_time(
    files: Sequence[Path], times: Sequence[datetime], *, every_s: float | None
) -> list[tuple[int, Path, float, datetime | None]]:
    """List (number, file, seconds since the first, time) in order of time, at least `every_s` apart on its grid."""
    order = sorted(range(len(files)), key=lambda place: (times[place], files[place].name))
    plan: list[tuple[int, Path, float, datetime | None]] = []
    due_s = 0.0
    for number, place in enumerate(order):
        time_s = (times[place] - times[order[0]]).total_seconds()
        if every_s is not None:
            if time_s < due_s:
                continue
            due_s = (math.floor(time_s / every_s) + 1) * every_s
        plan.append((number, files[place], time_s, times[place]))
    return plan
