"""Two cameras that see red and blue rectangles, with masks and boxes, and runs trained on the first of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

import vision_ft as vf
from tests.cameras import QUICK
from tests.dense import CLASSES, draw_rectangles
from tests.runs import tiny_run

SIZE = (64, 64)
SMALL_HEADS: dict[str, dict[str, Any]] = {
    "segmentation": {"model__head": "fpn", "model__head_args": {"width": 64}},
    "detection": {"model__head": "fcos", "model__head_args": {"width": 64, "depth": 1}},
}
LEARNS = {"strategy__name": "full", "strategy__epochs": 10, "augment__preset": "none", "model__image_size": 64}


def draw_dense_camera(
    root: Path,
    *,
    seed: int,
    count: int = 30,
    light: tuple[float, float, float] = (1.0, 1.0, 1.0),
    names: tuple[str, ...] = CLASSES,
    values: tuple[int, ...] = (0, 1, 2),
) -> Path:
    """Write root/images, root/masks with classes.csv, and root/boxes.csv, as a camera with its own light sees it.

    Args:
        root: made when absent.
        seed: of the images.
        count: images.
        light: factor of each colour channel.
        names: what this camera calls ground, red and blue.
        values: of the three in the masks.
    """
    rng = np.random.default_rng(seed)
    for folder in ("images", "masks"):
        (root / folder).mkdir(parents=True)
    lines = ["path,x1,y1,x2,y2,label"]
    for number in range(count):
        picture, mask, boxes = draw_rectangles(SIZE, rng)
        seen = np.clip(picture * np.array(light), 0, 255).astype(np.uint8)
        name = f"images/{number:02d}.png"
        Image.fromarray(seen).save(root / name)
        Image.fromarray(np.array(values, np.uint8)[mask]).save(root / "masks" / f"{number:02d}.png")
        lines += [f"{name},{','.join(map(str, box))},{names[CLASSES.index(label)]}" for label, box in boxes]
    (root / "classes.csv").write_text(
        "name,value\n" + "".join(f"{name},{value}\n" for name, value in zip(names, values, strict=True))
    )
    (root / "boxes.csv").write_text("\n".join(lines) + "\n")
    return root


def pictures_of(camera: Path, task: str) -> Path:
    """What a command is given for a camera: the folder with its masks, or the list of its boxes."""
    return camera if task == "segmentation" else camera / "boxes.csv"


def train_dense(camera: Path, task: str, out: Path, **overrides: Any) -> vf.Run:
    """Train the tiny network on a camera."""
    chosen = LEARNS | SMALL_HEADS[task] | {"data__val": 0.25, "data__test": 0.3} | overrides
    return tiny_run(pictures_of(camera, task), out, task=task, **chosen)


def adapt_dense(run: Path, new: Path, out: Path, *, strategy: Any = "head", **options: Any) -> vf.Adaptation:
    """Adapt with few steps; keys of options with `__` are recipe values, the others arguments of `vf.adapt`."""
    overrides = {key.replace("__", "."): value for key, value in options.items() if "__" in key}
    given = {key: value for key, value in options.items() if "__" not in key}
    quick = QUICK | {"data.val": 0.25, "data.test": 0.3, "strategy.epochs": 2}
    return vf.adapt(run, new, out=out, strategy=strategy, overrides=quick | overrides, **given)
