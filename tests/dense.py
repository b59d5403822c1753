"""Tiny runs that answer with masks or boxes: red and blue rectangles on grey ground."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

import vision_ft as vf
from tests.runs import tiny_run

CLASSES = ("ground", "red", "blue")  # of masks; boxes have the last two
COLOURS = {"red": (220, 30, 40), "blue": (30, 60, 220)}
Rectangle = tuple[int, int, int, int]


def draw_rectangles(
    size: tuple[int, int], rng: np.random.Generator, *, side: int = 24
) -> tuple[np.ndarray, np.ndarray, list[tuple[str, Rectangle]]]:
    """Draw on an image of `size` (width, height): the image, its mask, and the boxes, one of each colour."""
    width, height = size
    picture = rng.integers(90, 150, (height, width, 1), dtype=np.uint8).repeat(3, axis=2)
    mask = np.zeros((height, width), dtype=np.uint8)
    boxes: list[tuple[str, Rectangle]] = []
    for number, name in enumerate(COLOURS):
        left = number * width // 2 + int(rng.integers(0, max(width // 2 - side, 1)))
        top = int(rng.integers(0, max(height - side, 1)))
        box = left, top, min(left + side, width), min(top + side, height)
        picture[box[1] : box[3], box[0] : box[2]] = COLOURS[name]
        mask[box[1] : box[3], box[0] : box[2]] = CLASSES.index(name)
        boxes.append((name, box))
    return picture, mask, boxes


def draw_dense(root: Path, *, count: int = 24, sizes: Sequence[tuple[int, int]] = ((64, 64), (80, 60))) -> Path:
    """Write root/images, root/masks with a class table, and root/boxes.csv."""
    rng = np.random.default_rng(0)
    lines = ["path,x1,y1,x2,y2,label"]
    for folder in ("images", "masks"):
        (root / folder).mkdir(parents=True)
    for number in range(count):
        picture, mask, boxes = draw_rectangles(sizes[number % len(sizes)], rng)
        Image.fromarray(picture).save(root / "images" / f"{number:02d}.png")
        Image.fromarray(mask).save(root / "masks" / f"{number:02d}.png")
        lines += [f"images/{number:02d}.png,{','.join(map(str, box))},{name}" for name, box in boxes]
    (root / "classes.csv").write_text(
        "name,value\n" + "".join(f"{name},{value}\n" for value, name in enumerate(CLASSES))
    )
    (root / "boxes.csv").write_text("\n".join(lines) + "\n")
    return root


def dense_run(task: str, data: Path, out: Path, **overrides: Any) -> vf.Run:
    """Train the tiny network on the images of `draw_dense`."""
    source = data if task == "segmentation" else data / "boxes.csv"
    chosen = {"model__image_size": 64, "strategy__name": "full", "strategy__epochs": 2, "augment__preset": "none"}
    chosen |= {"optim__lr": 0.0003, "optim__head_lr": 0.003}
    return tiny_run(source, out, task=task, **chosen | overrides)
