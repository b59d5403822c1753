"""Predict the state of each region in each frame, and smooth the states over time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from vision_ft.feed.frames import Feed, Frame
from vision_ft.feed.regions import Region, RegionSet, check_frame
from vision_ft.feed.states import States
from vision_ft.feed.straighten import corners_of, straighten

Classify = Callable[[Sequence[np.ndarray]], np.ndarray]  # N images (H, W, 3) uint8 RGB -> (N, K) probabilities

WHOLE_FRAME = "frame"  # name of the one region when none are given
BATCH = 64  # patches a forward pass


@dataclass(frozen=True)
class FrameStates:
    """What was seen in one frame.

    Attributes:
        frame: the frame.
        regions: the N regions; points are absent for the whole frame.
        states: (N,) index of the smoothed state; (N, T) of several columns; (N, K) bool of sets of labels, see
            `vision_ft.feed.states`.
        scores: its mean probability over the window; of sets that of each label.
        raw: the state that this frame alone shows, as `states`.
    """

    frame: Frame
    regions: tuple[Region, ...]
    states: np.ndarray
    scores: np.ndarray
    raw: np.ndarray


def watch_feed(
    feed: Feed, *, classify: Classify, states: States, regions: RegionSet | None, window: int
) -> Iterator[FrameStates]:
    """Give out the states of all regions, frame after frame; without regions, of the frame as a whole.

    When a later frame has another size than the first, the regions no longer fit: the pass ends there and
    `feed.stopped` says so.

    Args:
        feed: the frames.
        classify: the model.
        states: what its probabilities mean.
        regions: where to look.
        window: frames to smooth over; 1 for none.

    Raises:
        DataError: a region does not fit into the first frame.
    """
    smoother = states.smoother(window, interval_s=feed.interval_s)
    places = (Region(WHOLE_FRAME, ()),) if regions is None else regions.regions
    corners = [] if regions is None else [corners_of(region.points) for region in places]
    size: tuple[int, int] | None = None
    for frame in feed:
        if size is None:
            size = frame.size
            if regions is not None:
                check_frame(regions, size)
        elif frame.size != size and regions is not None:
            feed.stopped = changed_size(feed.name, frame, size)
            return
        patches = [frame.image] if regions is None else [straighten(frame.image, quad) for quad in corners]
        scores = np.concatenate([classify(patches[start : start + BATCH]) for start in range(0, len(patches), BATCH)])
        smoothed, means = smoother.update(frame.time_s, scores)
        yield FrameStates(frame, places, smoothed, means, states.read(scores))


def changed_size(name: str, frame: Frame, size: tuple[int, int]) -> str:
    """Say why a pass ends at a frame of another size than (width, height) of those before."""
    which = frame.name or f"the frame at {frame.time_s:.1f} s"
    return (
        f"{name}: {which} has {frame.size[0]} x {frame.size[1]} pixels, those before had {size[0]} x {size[1]}; the "
        "regions fit only those. Give frames of one size, or draw the regions again for the others."
    )
