"""The whole work on a feed of a model for masks or boxes: read frames, measure, write the table and drawn frames."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TextIO

from PIL import Image

from vision_ft.deploy.feeding import FrameValues
from vision_ft.feed.annotate import AnnotatedVideo
from vision_ft.feed.draw import draw_measures
from vision_ft.feed.frames import Feed
from vision_ft.feed.job import FeedResult, OnFrame, clear, first_of, follow
from vision_ft.feed.measure import FORMATS, FrameMeasures, measure_feed
from vision_ft.feed.record import TABLES, clock_text
from vision_ft.feed.regions import RegionSet


class MeasureRecorder:
    """Takes frame after frame and writes a line for each region and class at once, so that a crash loses nothing.

    Attributes:
        frames: taken so far.
        last: the newest.

    Args:
        stream: where the table is written.
        classes: K names.
        quantity: what the last column is called: "count" or "share".
    """

    def __init__(self, stream: TextIO, classes: Sequence[str], quantity: str) -> None:
        self._stream, self._classes = stream, tuple(classes)
        self._writer = csv.writer(stream)
        self._writer.writerow(["time_s", "time", "frame", "region", "class", quantity])
        self.frames = 0
        self.last: FrameMeasures | None = None

    def take(self, seen: FrameMeasures) -> None:
        """Append one frame."""
        frame = seen.frame
        when = [f"{frame.time_s:.3f}", clock_text(frame.time), frame.name or frame.index]
        for region, values in zip(seen.regions, seen.values.tolist(), strict=True):
            for name, value in zip(self._classes, values, strict=True):
                self._writer.writerow([*when, region.name, name, f"{value:.6g}"])
        self._stream.flush()
        self.frames += 1
        self.last = seen


def run_measures(
    feed: Feed,
    out: Path,
    *,
    values: FrameValues,
    regions: RegionSet | None = None,
    annotate: bool = False,
    on_frame: OnFrame | None = None,
) -> FeedResult:
    """Count boxes or measure areas over time and write them below `out`, into counts.csv or shares.csv.

    Ctrl-C, a stream that ends and a frame of another size end the work early; what was read until then is written.

    Args:
        feed: the frames.
        out: folder; earlier results in it are replaced.
        values: the model, and what is measured of its predictions.
        regions: where to measure besides the whole frame.
        annotate: also draw masks or boxes on the frames.
        on_frame: called after each frame with its `FrameMeasures` and the feed.

    Raises:
        FeedError: not one frame could be read.
        DataError: a region does not fit into the frames.
    """
    seen_frames = measure_feed(feed, values, regions=regions)
    first = first_of(feed, seen_frames)  # before earlier results are touched
    clear(out)

    def draw(seen: FrameMeasures) -> Image.Image:
        return draw_measures(seen, values.names, draw=values.draw, shown=FORMATS[values.quantity])

    with ExitStack() as stack:
        # newline="": csv ends its lines itself
        table = (out / TABLES[values.quantity]).open("w", encoding="utf-8", errors="surrogateescape", newline="")
        recorder = MeasureRecorder(stack.enter_context(table), values.names, values.quantity)
        video = AnnotatedVideo(out, draw) if annotate else None
        if video is not None:
            stack.callback(video.close)
        follow(feed, first, seen_frames, takers=[recorder.take, *([video.add] if video else [])], notify=on_frame)
    last = recorder.last or first
    return FeedResult(
        path=out,
        frames=recorder.frames,
        regions=0 if regions is None else len(regions),
        counts=dict(zip(values.names, last.values[0].tolist(), strict=True)),
        changes=None,
        raw_changes=None,
        annotated=None if video is None else video.path,
        stopped=feed.stopped,
        remarks=tuple(feed.remarks),
        quantity=values.quantity,
    )
