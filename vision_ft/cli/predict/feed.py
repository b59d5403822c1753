"""`vision-ft predict` on a feed: the states of regions over time."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vision_ft.api.predict import watch
from vision_ft.cli.console import SECONDS_BETWEEN_LINES, ConsoleReporter, console
from vision_ft.deploy.options import Options
from vision_ft.feed.frames import Feed
from vision_ft.feed.job import FeedResult
from vision_ft.feed.source import is_video

DEFAULT_OUT = Path("feed")


@dataclass(frozen=True)
class FeedOptions:
    """Options of a feed; None where the person gave none.

    Attributes:
        regions: file of regions.
        every: time between frames, such as "1s".
        smooth: frames to smooth over.
        annotate: whether to draw states, masks or boxes on the frames; masks and boxes also on pictures.
    """

    regions: Path | None = None
    every: str | None = None
    smooth: int | None = None
    annotate: bool = False


def is_feed(source: str, options: FeedOptions) -> bool:
    """Whether the source is to be read as frames in time: a video, an address, or an option that only a feed has."""
    return is_video(source) or options != FeedOptions(annotate=options.annotate)


def run(run_folder: str, source: str, *, options: FeedOptions, dense: Options, out: Path | None, device: str) -> int:
    """Watch the feed, say what came of it, and return 1 when it ended before its end, else 0."""
    progress = _Progress()
    try:
        result = watch(
            run_folder,
            source,
            regions=options.regions,
            every=options.every,
            smooth=options.smooth,
            annotate=options.annotate,
            tile=dense.tile,
            threshold=dense.threshold,
            out=out or DEFAULT_OUT,
            device=device,
            on_frame=progress.show,
        )
    finally:
        progress.end()
    _say(result)
    return 1 if result.stopped else 0


class _Progress:
    """A bar where the number of frames is known; for a live stream, the counts every few seconds."""

    def __init__(self) -> None:
        self._reporter: ConsoleReporter | None = None
        self._said = -SECONDS_BETWEEN_LINES

    def show(self, seen: Any, feed: Feed) -> None:
        """Take one frame."""
        if feed.expected is not None:
            if self._reporter is None:
                self._reporter = ConsoleReporter()
                self._reporter.begin(feed.name, feed.expected)
            self._reporter.advance(1)
        elif time.monotonic() - self._said >= SECONDS_BETWEEN_LINES:
            self._said = time.monotonic()
            line = f"{seen.frame.time_s:.0f} s: {len(seen.regions)} regions read; Ctrl-C ends and keeps what was read"
            console.print(line, highlight=False, markup=False)

    def end(self) -> None:
        """Remove the bar."""
        if self._reporter is not None:
            self._reporter.end()


def _say(result: FeedResult) -> None:
    shown = "{1:.1%} {0}" if result.quantity == "share" else "{1:g} {0}"
    most = sorted(result.counts.items(), key=lambda item: -item[1])[:5]
    counted = ", ".join(shown.format(*item) for item in most)
    lines = [f"{result.frames} frames of {result.regions} regions; in the last frame {counted}"]
    if result.changes is not None:
        lines.append(f"{result.changes} changes of state, {result.raw_changes} before smoothing")
    lines += [f"note: {remark}" for remark in result.remarks]
    if result.stopped:
        lines.append(f"stopped early: {result.stopped} What was read is kept.")
    lines.append(f"{result.table.stem:<10} {result.table}")
    if result.quantity == "state":
        lines.append(f"occupancy  {result.path / 'occupancy.png'}")
    if result.annotated is not None:
        lines.append(f"annotated  {result.annotated}")
    for line in lines:
        console.print(line, highlight=False, markup=False)
