"""The whole work on a feed: read frames, predict and smooth states, write table, chart and annotated frames."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, Literal, TypeVar

import numpy as np

from vision_ft.errors import RecipeError
from vision_ft.feed import annotate as drawing
from vision_ft.feed.annotate import AnnotatedVideo
from vision_ft.feed.chart import draw_occupancy, save_chart
from vision_ft.feed.draw import draw_frame
from vision_ft.feed.frames import Feed, FeedError
from vision_ft.feed.record import OCCUPANCY, TABLES, Recorder
from vision_ft.feed.regions import RegionSet
from vision_ft.feed.states import States
from vision_ft.feed.watch import Classify, watch_feed

CHART = "occupancy.png"
MAX_WINDOW = 1000
LONG_WINDOW_S = 600.0  # a car comes and goes within this

OnFrame = Callable[[Any, Feed], None]  # FrameStates of a classifier, FrameMeasures of masks and boxes
Seen = TypeVar("Seen")


@dataclass(frozen=True)
class FeedResult:
    """What came of a feed.

    Attributes:
        path: folder of states.csv, occupancy.csv and occupancy.png, of counts.csv, or of shares.csv; and of the
            annotated frames.
        frames: frames predicted.
        regions: regions in each.
        counts: state or label -> regions with it in the last frame; class -> boxes or share of the pixels in it.
        changes: changes of a region's state after smoothing, of several columns in any of them, of sets the labels that
            came or went; None for masks and boxes, which have no states.
        raw_changes: the same without smoothing.
        annotated: annotated.mp4, or a folder of images where no video can be written; None unless asked for.
        stopped: why it ended before the end of the source; "" when it did not. What was read is kept.
        remarks: what else the person should know.
        quantity: what the table holds for each frame and region: a state, counts of boxes, or shares of pixels.
    """

    path: Path
    frames: int
    regions: int
    counts: Mapping[str, float]
    changes: int | None
    raw_changes: int | None
    annotated: Path | None
    stopped: str
    remarks: tuple[str, ...]
    quantity: Literal["state", "count", "share"] = "state"

    @property
    def table(self) -> Path:
        """The table with a line for each frame and region, and each class of masks and boxes or each label column."""
        return self.path / TABLES[self.quantity]


def run_feed(
    feed: Feed,
    out: Path,
    *,
    classify: Classify,
    states: States,
    regions: RegionSet | None = None,
    smooth: int = 3,
    annotate: bool = False,
    on_frame: OnFrame | None = None,
) -> FeedResult:
    """Predict the states of all regions over time and write them below `out`.

    Ctrl-C, a stream that ends and a frame of another size end the work early; what was read until then is written.

    Args:
        feed: the frames.
        out: folder; earlier results in it are replaced.
        classify: gives probabilities (N, K) for N images (H, W, 3) uint8 RGB.
        states: what they mean.
        regions: where to look; None for the frame as a whole.
        smooth: frames to smooth over; 1 for none.
        annotate: also draw the states on the frames.
        on_frame: called after each frame with its states and the feed, for example to show progress.

    Raises:
        FeedError: not one frame could be read.
        DataError: a region does not fit into the frames.
        RecipeError: `smooth` is no allowed number.
    """
    if not 1 <= smooth <= MAX_WINDOW:
        raise RecipeError(f"smooth: got {smooth}; allowed are 1 (no smoothing) to {MAX_WINDOW} frames.")
    seen_frames = watch_feed(feed, classify=classify, states=states, regions=regions, window=smooth)
    first = first_of(feed, seen_frames)  # before earlier results are touched
    clear(out)
    with ExitStack() as stack:
        recorder = stack.enter_context(Recorder(out, states))
        video = AnnotatedVideo(out, lambda seen: draw_frame(seen, states)) if annotate else None
        if video is not None:
            stack.callback(video.close)
        follow(feed, first, seen_frames, takers=[recorder.take, *([video.add] if video else [])], notify=on_frame)
    _write_summary(recorder, out, states, feed.interval_s)
    remarks = (*feed.remarks, *_remark_on_window(feed, smooth, len(recorder.seconds)))
    counts = dict(zip(states.names, recorder.counts[-1].tolist(), strict=True))
    return FeedResult(
        path=out,
        frames=len(recorder.seconds),
        regions=len(first.regions),
        counts=counts,
        changes=recorder.changes,
        raw_changes=recorder.raw_changes,
        annotated=None if video is None else video.path,
        stopped=feed.stopped,
        remarks=remarks,
    )


def first_of(feed: Feed, seen_frames: Iterator[Seen]) -> Seen:
    """Return what was seen in the first frame.

    Raises:
        FeedError: there is none.
    """
    first = next(seen_frames, None)
    if first is None:
        raise FeedError(f"{feed.name}: no frame could be read. {' '.join([*feed.remarks[:3], feed.stopped])}".rstrip())
    return first


def follow(
    feed: Feed, first: Seen, rest: Iterable[Seen], *, takers: Sequence[Callable[[Seen], None]], notify: OnFrame | None
) -> None:
    """Hand what was seen in each frame to all takers; Ctrl-C ends the pass and becomes the reason in `feed.stopped`."""
    try:
        for seen in chain([first], rest):
            for take in takers:
                take(seen)
            if notify is not None:
                notify(seen, feed)
    except KeyboardInterrupt:
        feed.stopped = f"{feed.name}: interrupted by Ctrl-C."


def _write_summary(recorder: Recorder, out: Path, states: States, interval_s: float) -> None:
    recorder.write_occupancy()
    counts = np.stack(recorder.counts)
    figure = draw_occupancy(recorder.seconds, counts, panels=states.panels, clock=recorder.clock, interval_s=interval_s)
    save_chart(figure, out / CHART)


def _remark_on_window(feed: Feed, smooth: int, frames: int) -> list[str]:
    span_s = smooth * feed.interval_s
    if smooth == 1 or frames == 1 or span_s <= LONG_WINDOW_S:
        return []
    return [f"smoothing over {smooth} frames averages {span_s / 60:.0f} minutes; smooth=1 takes each frame by itself."]


def clear(out: Path) -> None:
    """Remove the results of an earlier feed, so that none of them is taken for this one's."""
    out.mkdir(parents=True, exist_ok=True)
    for name in (*TABLES.values(), OCCUPANCY, CHART, drawing.VIDEO, drawing.IMAGE):
        (out / name).unlink(missing_ok=True)
    for file in (out / drawing.FOLDER).glob("[0-9]*.jpg"):
        file.unlink()
