"""Draw masks as translucent colours and boxes as outlines on a picture; a colour a class, everywhere the same."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

from vision_ft.data.loading.targets import IGNORED_PIXEL

# Okabe & Ito (2008), then those of Paul Tol's "muted" that differ from them: told apart with any colour vision.
PALETTE = (
    "#56B4E9", "#F0E442", "#009E73", "#0072B2", "#CC79A7", "#E69F00", "#D55E00",
    "#332288", "#44AA99", "#999933", "#882255", "#AA4499", "#117733", "#DDCC77", "#CC6677",
)  # fmt: skip
BACKGROUND_NAMES = frozenset(("background", "_background_", "bg", "none", "nothing"))
MASK_WEIGHT = 0.5
LINE_PX = 2


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


def paint_mask(
    picture: np.ndarray, mask: np.ndarray, *, weight: float = MASK_WEIGHT, unpainted: int | None = None
) -> np.ndarray:
    """Lay the colours of a mask's classes over a picture.

    Args:
        picture: (H, W, 3) uint8.
        mask: (H, W) class index of each pixel; 255 keeps the picture.
        weight: of the colour, from 0 (not to be seen) to 1.
        unpainted: class that keeps the picture too, such as the background.

    Returns:
        The picture (H, W, 3) uint8.
    """
    colours = np.array([rgb(colour) for colour in PALETTE], np.float32)[mask % len(PALETTE)]
    kept = (mask == IGNORED_PIXEL) | (mask == (IGNORED_PIXEL if unpainted is None else unpainted))
    share = np.where(kept, 0.0, weight)[..., None]
    mixed = (1 - share) * picture + share * colours
    return np.asarray(np.rint(mixed).clip(0, 255), np.uint8)


def draw_boxes(picture: Image.Image, boxes: np.ndarray, labels: np.ndarray, *, line_px: int = LINE_PX) -> Image.Image:
    """Outline boxes (N, 4), x1 y1 x2 y2 in pixels, in the colours of their classes (N,), on a copy of the picture."""
    drawn = picture.copy()
    pen = ImageDraw.Draw(drawn)
    for (left, top, right, bottom), label in zip(boxes.tolist(), labels.tolist(), strict=True):
        pen.rectangle((left, top, max(right, left), max(bottom, top)), outline=class_colour(label), width=line_px)
    return drawn
