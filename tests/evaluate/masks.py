"""Mask predictions of small random images."""

from __future__ import annotations

import numpy as np

from vision_ft.evaluate.masks.boundary import boundary_counts
from vision_ft.evaluate.masks.metrics import confusion_of
from vision_ft.evaluate.masks.predictions import MaskPredictions

CLASSES = ("ground", "tree", "car", "never")


def label_maps(count: int = 12, *, seed: int = 0, side: int = 32) -> list[tuple[np.ndarray, np.ndarray]]:
    """True and predicted maps (H, W) of halves and a square; each image is met a little worse than the one before."""
    rng = np.random.default_rng(seed)
    maps = []
    for picture in range(count):
        truth = np.zeros((side, side), int)
        truth[:, int(rng.integers(8, 24)) :] = 1
        top, left = rng.integers(2, side - 12, 2)
        truth[top : top + 8, left : left + 8] = 2
        wrong = rng.random((side, side)) < 0.5 * picture / count
        predicted = np.where(wrong, rng.integers(0, 3, (side, side)), np.roll(truth, 1, axis=1))
        truth[:3] = -1
        maps.append((truth, predicted))
    return maps


def judged(maps: list[tuple[np.ndarray, np.ndarray]], **changes) -> MaskPredictions:
    """What `label_maps` are worth; `changes` replace fields."""
    size = len(CLASSES)
    values = {
        "classes": CLASSES,
        "paths": [f"images/{row}.jpg" for row in range(len(maps))],
        "confusion": np.array([confusion_of(*pair, size) for pair in maps], np.int64).reshape(-1, size, size),
        "boundary": np.array([boundary_counts(*pair, size) for pair in maps], np.int64).reshape(-1, size, 4),
        "confidence": np.linspace(0.9, 0.5, len(maps)),
        "ignored": np.array([(truth < 0).sum() for truth, _ in maps], np.int64),
    }
    return MaskPredictions(**(values | changes))
