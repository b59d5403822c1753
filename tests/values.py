"""Images of discs with their number and the share that they cover, and runs that learn them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

import vision_ft as vf
from tests.runs import TINY

SIZE = 32


def draw_counts(root: Path, *, count: int = 60, seed: int = 0, brightness: int = 120, cameras: int = 0) -> Path:
    """Write images of 0 to 6 bright discs and counts.csv with `target`, `cover` (in percent) and perhaps `group`."""
    root.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    lines = ["path,target,cover" + (",group" if cameras else "")]
    for number in range(count):
        ground = rng.integers(brightness - 40, brightness + 10, (SIZE, SIZE, 1), np.uint8).repeat(3, axis=2)
        image = Image.fromarray(ground)
        discs = int(rng.integers(0, 7))
        for _ in range(discs):
            left, top = (int(value) for value in rng.integers(0, SIZE - 6, 2))
            ImageDraw.Draw(image).ellipse((left, top, left + 6, top + 6), fill=(250, 240, 60))
        image.save(root / f"{number:03d}.png")
        pixels = np.asarray(image)
        cover = 100 * float(((pixels[..., 0] > 200) & (pixels[..., 2] < 100)).mean())
        missing = number % 11 == 0
        group = f",camera{number % cameras}" if cameras else ""
        lines.append(f"{number:03d}.png,{discs},{'' if missing else f'{cover:.2f}'}{group}")
    (root / "counts.csv").write_text("\n".join(lines) + "\n")
    return root / "counts.csv"


def value_run(data: Path, out: Path, *, resume: bool = False, **overrides: Any) -> vf.Run:
    """Fine-tune the tiny network on `draw_counts`; keys of overrides use `__` for the dot."""
    recipe = TINY | {"task": "regression", "optim.lr": 0.003, "strategy.name": "full", "strategy.epochs": 2}
    recipe |= {key.replace("__", "."): value for key, value in overrides.items()}
    return vf.finetune(data, out=out, resume=resume, overrides=recipe)
