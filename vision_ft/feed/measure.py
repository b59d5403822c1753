"""Count the boxes, or measure the area, of each class in a frame and in its regions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.path import Path as Outline

from vision_ft.deploy.feeding import FrameValues, Quantity
from vision_ft.errors import DataError
from vision_ft.feed.frames import Feed, Frame
from vision_ft.feed.regions import Point, Region, RegionSet, check_frame
from vision_ft.feed.watch import WHOLE_FRAME, changed_size
from vision_ft.predictions import BoxPrediction, MaskPrediction

Measure = Callable[[Any], np.ndarray]  # prediction of a frame -> (R, K) values in R places
FORMATS: dict[Quantity, str] = {"count": "{:.0f}", "share": "{:.0%}"}  # of a value on a frame


@dataclass(frozen=True)
class FrameMeasures:
    """What was seen in one frame.

    Attributes:
        frame: the frame.
        regions: the frame as a whole, which has no points, then the N regions.
        values: (1 + N, K) boxes of each class whose middle lies inside, or share of the pixels of each class.
        prediction: the mask or boxes.
    """

    frame: Frame
    regions: tuple[Region, ...]
    values: np.ndarray
    prediction: Any


def measure_feed(feed: Feed, values: FrameValues, *, regions: RegionSet | None) -> Iterator[FrameMeasures]:
    """Give out what is in each frame and region; a frame of another size ends the pass where there are regions.

    Args:
        feed: the frames.
        values: the model, and what is measured of its predictions.
        regions: where to measure besides the whole frame.

    Raises:
        DataError: a region does not fit into the first frame, or has the name of the whole frame.
    """
    given = () if regions is None else regions.regions
    if any(region.name == WHOLE_FRAME for region in given):
        raise DataError(f'a region is called "{WHOLE_FRAME}", as the rows of the whole frame are. Rename the region.')
    places = (Region(WHOLE_FRAME, ()), *given)
    size: tuple[int, int] | None = None
    measure: Measure | None = None
    for frame in feed:
        if size is None:
            size = frame.size
            if regions is not None:
                check_frame(regions, size)
        elif frame.size != size and regions is not None:
            feed.stopped = changed_size(feed.name, frame, size)
            return
        measure = measure or MEASURES[values.quantity](places, values.names, size)
        prediction = values.look(frame.image)
        yield FrameMeasures(frame, places, measure(prediction), prediction)


def _counts(places: Sequence[Region], classes: Sequence[str], _size: tuple[int, int]) -> Measure:
    return lambda prediction: count_boxes(prediction, places, classes)


def _shares(places: Sequence[Region], classes: Sequence[str], size: tuple[int, int]) -> Measure:
    inside = [pixels_inside(place.points, size) for place in places if place.points]
    return lambda prediction: _share(prediction, inside, len(classes))


def _share(prediction: MaskPrediction, inside: Sequence[np.ndarray], num_classes: int) -> np.ndarray:
    return measure_shares(prediction.mask, inside, num_classes=num_classes)


MEASURES: dict[Quantity, Callable[[Sequence[Region], Sequence[str], tuple[int, int]], Measure]] = {
    "count": _counts,
    "share": _shares,
}


def count_boxes(found: BoxPrediction, places: Sequence[Region], classes: Sequence[str]) -> np.ndarray:
    """Return the number of boxes of each class (R, K) whose middle lies in each place; one without points has all."""
    middles = (found.boxes[:, :2] + found.boxes[:, 2:]) / 2
    labels = np.array([classes.index(name) for name in found.box_labels], dtype=np.int64)
    inside = [_contains(place.points, middles) if place.points else np.ones(len(labels), bool) for place in places]
    return np.stack([np.bincount(labels[which], minlength=len(classes)) for which in inside])


def measure_shares(mask: np.ndarray, inside: Sequence[np.ndarray], *, num_classes: int) -> np.ndarray:
    """Return the share of each class (1 + N, K) of a mask (H, W): in all of it, and in each region.

    Args:
        mask: class indices.
        inside: for each region the numbers of its pixels, counted row by row; 0 shares where there is none.
        num_classes: K.
    """
    flat = mask.ravel()
    parts = [flat, *(flat[pixels] for pixels in inside)]
    return np.stack([np.bincount(part, minlength=num_classes) / max(len(part), 1) for part in parts])


def pixels_inside(points: Sequence[Point], size: tuple[int, int]) -> np.ndarray:
    """Return the numbers (P,) of the pixels whose middle lies in a polygon; `size` is the frame's (width, height)."""
    width, height = size
    corners = np.asarray(points)
    left, top = np.floor(corners.min(axis=0)).clip(0).astype(int)
    right, bottom = np.minimum(np.ceil(corners.max(axis=0)), size).astype(int)
    columns, rows = np.meshgrid(np.arange(left, right), np.arange(top, bottom))
    found = _contains(points, np.column_stack([columns.ravel() + 0.5, rows.ravel() + 0.5]))
    return (rows.ravel() * width + columns.ravel())[found]


def _contains(points: Sequence[Point], places: np.ndarray) -> np.ndarray:
    """Whether each of (N, 2) places lies in the polygon: (N,)."""
    return np.asarray(Outline(np.asarray(points)).contains_points(places), dtype=bool)
