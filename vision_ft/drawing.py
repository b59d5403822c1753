"""Draw masks, boxes, regions and captions on images; a colour a class, everywhere the same."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from vision_ft.predictions import BoxPrediction, MaskPrediction

# Okabe & Ito (2008), then those of Paul Tol's "muted" that differ from them: told apart with any colour vision.
PALETTE = (
    "#56B4E9", "#F0E442", "#009E73", "#0072B2", "#CC79A7", "#E69F00", "#D55E00",
    "#332288", "#44AA99", "#999933", "#882255", "#AA4499", "#117733", "#DDCC77", "#CC6677",
)  # fmt: skip
BACKGROUND_NAMES = frozenset(("background", "_background_", "bg", "none", "nothing"))
UNPAINTED_PIXEL = 255  # of a mask: the image stays as it is; so masks mark the pixels that do not count
MASK_WEIGHT = 0.5
LINE_PX = 2
UNIT_SHARE = 640  # an image whose longer side has so many pixels is drawn upon with lines of 1 pixel
MAX_NAME = 24  # characters of a name that are drawn
MAX_CAPTION = 6  # entries of a caption
Place = tuple[float, float]


def class_colour(index: int) -> str:
    """Return the colour "#rrggbb" of a class; with more classes than the palette has colours they repeat."""
    return PALETTE[index % len(PALETTE)]


def background_of(names: Sequence[str]) -> int | None:
    """Return the index of the class that means "nothing is here", None where no class has such a name."""
    plain = [name.strip().lower() for name in names]
    return next((index for index, name in enumerate(plain) if name in BACKGROUND_NAMES), None)


def rgb(colour: str) -> tuple[int, int, int]:
    """Return "#e69f00" as (230, 159, 0)."""
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def line_unit(size: tuple[int, int]) -> int:
    """Return the width of a thin line, in pixels, on an image of `size` (width, height)."""
    return max(1, round(max(size) / UNIT_SHARE))


def shrink(image: Image.Image, longest: int) -> tuple[Image.Image, float]:
    """Return the image with sides of at most `longest` pixels, and the factor that takes places to it."""
    scale = min(1.0, longest / max(image.size))
    if scale < 1:
        image = image.resize((round(image.width * scale), round(image.height * scale)))
    return image, scale


def paint_mask(
    picture: np.ndarray, mask: np.ndarray, *, weight: float = MASK_WEIGHT, unpainted: int | None = None
) -> np.ndarray:
    """Lay the colours of a mask's classes over an image.

    Args:
        picture: (H, W, 3) uint8.
        mask: (H, W) class index of each pixel; 255 keeps the image.
        weight: of the colour, from 0 (not to be seen) to 1.
        unpainted: class that keeps the image too, such as the background.

    Returns:
        The image (H, W, 3) uint8.
    """
    colours = np.array([rgb(colour) for colour in PALETTE], np.float32)[mask % len(PALETTE)]
    kept = (mask == UNPAINTED_PIXEL) | (mask == (UNPAINTED_PIXEL if unpainted is None else unpainted))
    share = np.where(kept, 0.0, weight)[..., None]
    mixed = (1 - share) * picture + share * colours
    return np.asarray(np.rint(mixed).clip(0, 255), np.uint8)


def draw_boxes(picture: Image.Image, boxes: np.ndarray, labels: np.ndarray, *, line_px: int = LINE_PX) -> Image.Image:
    """Outline boxes (N, 4), x1 y1 x2 y2 in pixels, in the colours of their classes (N,), on a copy of the image."""
    drawn = picture.copy()
    pen = ImageDraw.Draw(drawn)
    for (left, top, right, bottom), label in zip(boxes.tolist(), labels.tolist(), strict=True):
        pen.rectangle((left, top, max(right, left), max(bottom, top)), outline=class_colour(label), width=line_px)
    return drawn


def draw_mask(image: Image.Image, found: MaskPrediction, classes: Sequence[str]) -> Image.Image:
    """Return the image ("RGB") with translucent classes; one whose name means "background" stays without colour."""
    return Image.fromarray(paint_mask(np.asarray(image), found.mask, unpainted=background_of(classes)))


def draw_named_boxes(image: Image.Image, found: BoxPrediction, classes: Sequence[str]) -> Image.Image:
    """Return the image ("RGB") with boxes, names and scores."""
    labels = np.array([list(classes).index(name) for name in found.box_labels], dtype=np.int64)
    unit = line_unit(image.size)
    drawn = draw_boxes(image, found.boxes, labels, line_px=unit + 1)
    pen, size = ImageDraw.Draw(drawn), 9 + unit
    for (left, top, *_), label, score in zip(found.boxes.tolist(), labels, found.box_scores.tolist(), strict=True):
        text = f"{one_line(classes[label])} {score:.2f}"
        place = (left, max(top, size))  # above the box, or inside where the image ends
        pen.text(place, text, font=font(size), fill=class_colour(int(label)), anchor="ls", stroke_width=1,
                 stroke_fill="black")  # fmt: skip
    return drawn


@lru_cache(maxsize=8)
def font(size: int) -> ImageFont.FreeTypeFont:
    """DejaVu Sans, which comes with matplotlib and knows more than ASCII."""
    from matplotlib import font_manager  # slow to import, and only needed where text is drawn

    return ImageFont.truetype(font_manager.findfont("DejaVu Sans"), size)


def one_line(name: str) -> str:
    """A name as Pillow can measure and draw it: no line breaks, no control characters, not endless."""
    return "".join(character if character.isprintable() else " " for character in name)[:MAX_NAME]


def write_name(layer: ImageDraw.ImageDraw, points: Sequence[Place], texts: Sequence[str], size: int) -> None:
    """Write the first text that is no wider than a region into its middle, or the last where all are wider."""
    width = max(x for x, _ in points) - min(x for x, _ in points)
    face = font(size)
    text = next((text for text in texts if face.getlength(text) <= width), texts[-1])
    middle = (sum(x for x, _ in points) / len(points), sum(y for _, y in points) / len(points))
    layer.text(middle, text, font=face, fill="white", anchor="mm", stroke_width=max(1, size // 6), stroke_fill="black")


def write_caption(
    layer: ImageDraw.ImageDraw, title: str, entries: Sequence[tuple[str, str, str]], *, size: int
) -> None:
    """Write a title and up to six (name, value, colour) into the upper left corner."""
    named = [(f"{one_line(name)} {value}", colour) for name, value, colour in entries[:MAX_CAPTION]]
    parts: list[tuple[str, str | None]] = [(title, None), *named]
    face, gap = font(size), size // 2
    widths = [face.getlength(text) + gap * 2 + (size if colour else 0) for text, colour in parts]
    layer.rectangle((0, 0, sum(widths) + gap, size * 2), fill=(0, 0, 0, 190))
    x = float(gap)
    for (text, colour), width in zip(parts, widths, strict=True):
        if colour:
            layer.rectangle((x, size * 0.6, x + size * 0.8, size * 1.4), fill=colour)
        layer.text((x + (size if colour else 0), size), text, font=face, fill="white", anchor="lm")
        x += width
