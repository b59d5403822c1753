"""Draw the masks or boxes of a prediction on its picture, and on a frame with regions and caption."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

from vision_ft.data.images.paint import background_of, class_colour, draw_boxes, paint_mask
from vision_ft.feed.annotate import LONGEST_SIDE, font, one_line, write_caption, write_name
from vision_ft.feed.measure import FrameMeasures
from vision_ft.types import Prediction


def draw_answer(picture: Image.Image, answer: Prediction, classes: Sequence[str]) -> Image.Image:
    """Return the picture with translucent classes, or with boxes, names and scores.

    Args:
        picture: "RGB", of the size that the answer is for.
        answer: with a mask or boxes.
        classes: K names; one that means "background" stays without colour.
    """
    if answer.mask is not None:
        return Image.fromarray(paint_mask(np.asarray(picture), answer.mask, unpainted=background_of(classes)))
    labels = np.array([list(classes).index(name) for name in answer.box_labels], dtype=np.int64)
    unit = max(1, round(max(picture.size) / 640))
    drawn = draw_boxes(picture, answer.boxes, labels, line_px=unit + 1)
    pen, size = ImageDraw.Draw(drawn), 9 + unit
    for (left, top, *_), label, score in zip(answer.boxes.tolist(), labels, answer.box_scores.tolist(), strict=True):
        text = f"{one_line(classes[label])} {score:.2f}"
        place = (left, max(top, size))  # above the box, or inside where the picture ends
        pen.text(place, text, font=font(size), fill=class_colour(int(label)), anchor="ls", stroke_width=1,
                 stroke_fill="black")  # fmt: skip
    return drawn


def draw_measures(seen: FrameMeasures, classes: Sequence[str]) -> Image.Image:
    """Draw masks or boxes, the outlines and names of regions, and a caption with time and the whole frame's values."""
    picture = draw_answer(Image.fromarray(seen.frame.image), seen.answer, classes)
    scale = min(1.0, LONGEST_SIDE / max(picture.size))
    if scale < 1:
        picture = picture.resize((round(picture.width * scale), round(picture.height * scale)))
    layer = ImageDraw.Draw(picture, "RGBA")
    unit = max(1, round(max(picture.size) / 640))
    for region in seen.regions[1:]:
        points = [(x * scale, y * scale) for x, y in region.points]
        layer.line([*points, points[0], points[1]], fill="white", width=unit, joint="curve")
        write_name(layer, points, one_line(region.name), one_line(region.name), 10 + unit)
    shown = "{:.0f}" if seen.answer.mask is None else "{:.0%}"
    entries = [(name, shown.format(value), class_colour(k)) for k, (name, value) in
               enumerate(zip(classes, seen.values[0].tolist(), strict=True))]  # fmt: skip
    most = np.argsort(-seen.values[0], kind="stable")
    write_caption(layer, seen.frame, [entries[k] for k in most.tolist()], size=11 + 3 * unit)
    return picture
