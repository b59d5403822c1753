"""Images with two discs, and CSV files that label them in several ways."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

import vision_ft as vf
from tests.pictures import COLOURS
from tests.runs import TINY

HEADER = "path,labels,blue,amber,hue,count"
COUNTS = ("none", "one", "two")
COLUMNS = ["hue", "count"]


def draw_discs(root: Path, *, count: int = 60, seed: int = 0, dim: bool = False) -> Path:
    """Write images with or without a blue and an amber disc, and labels.csv; the label `count` lacks now and then.

    With `dim` the images have half the brightness, as those of another camera.
    """
    root.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    lines = [HEADER]
    for number in range(count):
        image = Image.fromarray(rng.integers(60, 200, (32, 32, 1), np.uint8).repeat(3, axis=2))
        shown = [name for name in ("blue", "amber") if rng.random() < 0.5]
        for name in shown:
            left, top = (2 if name == "blue" else 18), int(rng.integers(2, 18))
            ImageDraw.Draw(image).ellipse((left, top, left + 12, top + 12), fill=COLOURS[name])
        if dim:
            image = image.point(lambda value: value // 2)
        image.save(root / f"{number:03d}.png")
        flags = ",".join(str(int(name in shown)) for name in ("blue", "amber"))
        total = "" if number % 7 == 0 else COUNTS[len(shown)]
        lines.append(f"{number:03d}.png,{';'.join(shown)},{flags},{'cold' if 'blue' in shown else 'warm'},{total}")
    (root / "labels.csv").write_text("\n".join(lines))
    return root / "labels.csv"


def label_run(data: Path, out: Path, task: str, *, resume: bool = False, **overrides: Any) -> vf.Run:
    """Fine-tune the tiny network on `draw_discs`; keys of overrides use `__` for the dot."""
    recipe = (
        TINY | {"task": task, "optim.head_lr": 0.02} | ({"data.label_columns": COLUMNS} if task == "multitask" else {})
    )
    recipe |= {key.replace("__", "."): value for key, value in overrides.items()}
    return vf.finetune(data, out=out, resume=resume, overrides=recipe)
