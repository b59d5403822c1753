"""Write states.csv line by line, and count the regions in each state for occupancy.csv."""

from __future__ import annotations

import csv
import io
from datetime import datetime
from pathlib import Path
from types import TracebackType

import numpy as np

from vision_ft.feed.states import States
from vision_ft.feed.watch import FrameStates
from vision_ft.files import write_atomic

STATES, OCCUPANCY = "states.csv", "occupancy.csv"
TABLES = {"state": STATES, "count": "counts.csv", "share": "shares.csv"}  # the table of a feed by what it holds


class Recorder:
    """Takes frame after frame; what was taken is on disk at once, so a crash or an unplugged camera loses nothing.

    Attributes:
        seconds: time of each frame.
        clock: date and time of day of each frame, None where unknown.
        counts: for each frame, the number of regions with each of the K outputs.
        changes: how often a region's smoothed state changed, of several columns each column's, of sets each label's;
            raw_changes: the same without smoothing.

    Args:
        folder: where states.csv is written.
        states: what the states are.
    """

    def __init__(self, folder: Path, states: States) -> None:
        self._folder, self._states = folder, states
        self.seconds: list[float] = []
        self.clock: list[datetime | None] = []
        self.counts: list[np.ndarray] = []
        self.changes = self.raw_changes = 0
        self._last: FrameStates | None = None
        # newline="": csv ends its lines itself
        self._stream = (folder / STATES).open("w", encoding="utf-8", errors="surrogateescape", newline="")
        self._writer = csv.writer(self._stream)
        self._writer.writerow(["time_s", "time", "space", *states.header])
        self._stream.flush()

    def __enter__(self) -> Recorder:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stream.close()

    def take(self, seen: FrameStates) -> None:
        """Append one frame: a line for each region, of several columns one for each."""
        when = [f"{seen.frame.time_s:.3f}", clock_text(seen.frame.time)]
        for region, state, score, raw in zip(seen.regions, seen.states, seen.scores, seen.raw, strict=True):
            self._writer.writerows([*when, region.name, *cells] for cells in self._states.rows(state, score, raw))
        self._stream.flush()
        self.seconds.append(seen.frame.time_s)
        self.clock.append(seen.frame.time)
        self.counts.append(self._states.applies(seen.states).sum(axis=0))
        if self._last is not None:
            self.changes += int((seen.states != self._last.states).sum())
            self.raw_changes += int((seen.raw != self._last.raw).sum())
        self._last = seen

    def write_occupancy(self) -> Path:
        """Write occupancy.csv: for each frame the number of regions with each state or label."""
        text = io.StringIO()
        writer = csv.writer(text)
        writer.writerow(["time_s", "time", *self._states.names])
        for seconds, moment, counts in zip(self.seconds, self.clock, self.counts, strict=True):
            writer.writerow([f"{seconds:.3f}", clock_text(moment), *counts.tolist()])
        write_atomic(self._folder / OCCUPANCY, text.getvalue().encode("utf-8", errors="surrogateescape"))
        return self._folder / OCCUPANCY


def clock_text(moment: datetime | None) -> str:
    """Return "2013-02-24T10:05:04", or "" when the time is not known."""
    return "" if moment is None else moment.isoformat(timespec="seconds")
