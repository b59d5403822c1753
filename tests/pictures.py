"""Small images with something to learn, drawn on the spot."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

COLOURS = {"amber": (230, 160, 30), "blue": (40, 80, 220), "crimson": (200, 20, 60), "green": (30, 160, 60)}


def draw_picture(colour: tuple[int, int, int], rng: np.random.Generator, size: int = 40) -> Image.Image:
    """A coloured disc somewhere on a noisy grey ground."""
    ground = rng.integers(60, 200, (size, size, 1), dtype=np.uint8).repeat(3, axis=2)
    image = Image.fromarray(ground)
    radius = int(rng.integers(size // 5, size // 3))
    x, y = (int(value) for value in rng.integers(radius, size - radius, 2))
    ImageDraw.Draw(image).ellipse((x - radius, y - radius, x + radius, y + radius), fill=colour)
    return image


def draw_folder(root: Path, *, classes: int = 3, per_class: int = 10, size: int = 40, seed: int = 0) -> Path:
    """Write root/<class>/<number>.png for the first `classes` colours."""
    rng = np.random.default_rng(seed)
    for name in list(COLOURS)[:classes]:
        folder = root / name
        folder.mkdir(parents=True, exist_ok=True)
        for number in range(per_class):
            draw_picture(COLOURS[name], rng, size).save(folder / f"{number:03d}.png")
    return root
