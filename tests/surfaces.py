"""Drawn surfaces with scratches and pits, and their masks: a stand-in for an inspector's images."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

SIDE_PX = 192
SHARE_SOUND = 0.25  # surfaces without any defect: a model must also learn to stay silent


def draw_surfaces(folder: Path, count: int, *, seed: int = 0) -> Path:
    """Draw `count` surfaces into images/ and their masks (0 sound, 255 defect) into masks/; returns the folder."""
    for name in ("images", "masks"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    for number in range(count):
        picture, mask = draw_surface(np.random.default_rng((seed, number)))
        picture.save(folder / "images" / f"surface_{number:03d}.png")
        mask.save(folder / "masks" / f"surface_{number:03d}.png")
    return folder


def draw_surface(rng: np.random.Generator) -> tuple[Image.Image, Image.Image]:
    """Draw one surface (RGB) and its mask (grey, 0 or 255), both `SIDE_PX` wide and high."""
    surface = _draw_metal(rng)
    mask = Image.new("L", surface.size, 0)
    if rng.random() >= SHARE_SOUND:
        for _ in range(int(rng.integers(1, 4))):
            _draw_scratch(mask, rng) if rng.random() < 0.6 else _draw_pit(mask, rng)
    depth = float(rng.choice([-1, 1])) * rng.uniform(25, 60)  # grey levels: scratches shine or lie in the shade
    soft = np.asarray(mask.filter(ImageFilter.GaussianBlur(0.7)), dtype=np.float64) / 255
    grey = np.asarray(surface, dtype=np.float64) + depth * soft + rng.normal(0, 4, mask.size[::-1])
    picture = Image.fromarray(np.clip(grey, 0, 255).astype(np.uint8)).convert("RGB")
    return picture, mask


def _draw_metal(rng: np.random.Generator) -> Image.Image:
    """Draw brushed metal under uneven light."""
    brushed = rng.normal(0, 9, (SIDE_PX, 1)) + rng.normal(0, 5, (SIDE_PX, SIDE_PX))
    light = np.linspace(-1, 1, SIDE_PX) * rng.uniform(-25, 25)
    grey = np.clip(rng.uniform(90, 160) + brushed + light[None, :], 0, 255)
    return Image.fromarray(grey.astype(np.uint8)).filter(ImageFilter.GaussianBlur(0.6))


def _draw_scratch(mask: Image.Image, rng: np.random.Generator) -> None:
    x, y, angle = *rng.uniform(15, SIDE_PX - 15, 2), rng.uniform(0, math.pi)
    points = [(x, y)]
    for _ in range(int(rng.integers(3, 7))):
        angle += rng.normal(0, 0.25)
        x, y = x + 14 * math.cos(angle), y + 14 * math.sin(angle)
        points.append((x, y))
    ImageDraw.Draw(mask).line(points, fill=255, width=int(rng.integers(2, 5)), joint="curve")


def _draw_pit(mask: Image.Image, rng: np.random.Generator) -> None:
    x, y = rng.uniform(20, SIDE_PX - 20, 2)
    wide, high = rng.uniform(3, 12, 2)
    ImageDraw.Draw(mask).ellipse((x - wide, y - high, x + wide, y + high), fill=255)
