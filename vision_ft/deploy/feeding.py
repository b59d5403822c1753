"""What a predictor offers to a camera's feed: states of regions, or values measured in the whole frame."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from PIL import Image

from vision_ft.types import LabelColumn

Scores = Callable[[Sequence[np.ndarray]], np.ndarray]  # N images (H, W, 3) uint8 RGB -> (N, K) probabilities
Quantity = Literal["count", "share"]


@dataclass(frozen=True)
class RegionStates:
    """Each cut-out region has a state: a class, a class in each of several columns, or a set of labels.

    Attributes:
        scores: predicts cut-out regions.
        names: of the K outputs.
        columns: label columns whose classes make up the K outputs, one after the other; () where there is only one.
        thresholds: (K,) scores from which on each label applies; None where classes exclude each other.
    """

    scores: Scores
    names: tuple[str, ...]
    columns: tuple[LabelColumn, ...] = ()
    thresholds: np.ndarray | None = None


@dataclass(frozen=True)
class FrameValues:
    """The frame is predicted as a whole, and each class is measured in it and in its regions.

    Attributes:
        look: predicts one frame (H, W, 3) uint8 RGB.
        names: of the K classes.
        quantity: what is measured: "count" of the boxes whose middle lies inside, or "share" of a mask's pixels.
        draw: draws a prediction of `look` on its frame.
    """

    look: Callable[[np.ndarray], Any]
    names: tuple[str, ...]
    quantity: Quantity
    draw: Callable[[Image.Image, Any], Image.Image]
