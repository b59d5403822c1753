"""Draw what was seen in a frame: regions with their states, or masks and boxes with the outlines of regions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from vision_ft.drawing import class_colour, line_unit, one_line, rgb, shrink, write_caption, write_name
from vision_ft.feed.frames import Frame
from vision_ft.feed.measure import FrameMeasures
from vision_ft.feed.record import clock_text
from vision_ft.feed.states import States
from vision_ft.feed.watch import FrameStates

LONGEST_SIDE = 1920  # larger frames are drawn smaller; the states are read from the full size
FILL = 50  # of 255: the car below must stay visible
MAX_LEGEND = 6  # states that the caption counts
NO_LABEL = "#B0B0B0"  # of a region without any label


def draw_frame(seen: FrameStates, states: States) -> Image.Image:
    """Draw outlines, names and states, and a caption with time and counts.

    Args:
        seen: a frame and its states.
        states: what they are.
    """
    image, scale = shrink(Image.fromarray(seen.frame.image), LONGEST_SIDE)
    layer = ImageDraw.Draw(image, "RGBA")
    unit = line_unit(image.size)
    applies = states.applies(seen.states)
    for region, outputs in zip(seen.regions, applies, strict=True):
        if not region.points:
            continue
        has = np.flatnonzero(outputs).tolist()
        colour = states.colours[has[0]] if has else NO_LABEL
        points = [(x * scale, y * scale) for x, y in region.points]
        layer.polygon(points, fill=(*rgb(colour), FILL))
        layer.line([*points, points[0], points[1]], fill=colour, width=unit + 1, joint="curve")
        name = one_line(region.name)
        write_name(layer, points, [f"{name} {', '.join(one_line(states.texts[k]) for k in has)}", name], 10 + unit)
    write_caption(layer, _moment(seen.frame), _count_states(applies.sum(axis=0), states), size=11 + 3 * unit)
    return image


def draw_measures(
    seen: FrameMeasures, classes: Sequence[str], *, draw: Callable[[Image.Image, Any], Image.Image], shown: str
) -> Image.Image:
    """Draw masks or boxes, the outlines and names of regions, and a caption with time and the whole frame's values.

    Args:
        seen: a frame and its values.
        classes: K names.
        draw: draws a prediction on its frame.
        shown: format of a value, such as "{:.0%}".
    """
    image, scale = shrink(draw(Image.fromarray(seen.frame.image), seen.prediction), LONGEST_SIDE)
    layer = ImageDraw.Draw(image, "RGBA")
    unit = line_unit(image.size)
    for region in seen.regions[1:]:
        points = [(x * scale, y * scale) for x, y in region.points]
        layer.line([*points, points[0], points[1]], fill="white", width=unit, joint="curve")
        write_name(layer, points, [one_line(region.name)], 10 + unit)
    values = seen.values[0].tolist()
    entries = [(name, shown.format(value), class_colour(k)) for k, (name, value) in
               enumerate(zip(classes, values, strict=True))]  # fmt: skip
    most = np.argsort(-seen.values[0], kind="stable")
    write_caption(layer, _moment(seen.frame), [entries[k] for k in most.tolist()], size=11 + 3 * unit)
    return image


def _moment(frame: Frame) -> str:
    return clock_text(frame.time).replace("T", " ") or f"{frame.time_s:.1f} s"


def _count_states(counts: np.ndarray, states: States) -> list[tuple[str, str, str]]:
    """List (state, regions in it, colour), the most frequent first; of few states also those without a region."""
    few = len(counts) <= MAX_LEGEND
    shown = [int(k) for k in np.argsort(-counts, kind="stable")[:MAX_LEGEND] if counts[k] > 0 or few]
    return [(states.names[k], str(counts[k]), states.colours[k]) for k in sorted(shown)]
