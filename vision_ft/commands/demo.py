"""`vision-ft demo`: the whole way on pictures that the package draws itself, offline."""

from __future__ import annotations

import shutil
import webbrowser
from pathlib import Path

from vision_ft.commands import train
from vision_ft.commands.console import console
from vision_ft.demo.draw import draw_dataset

# No download, so no pretrained weights: a small network from random weights, which learns this task in two minutes.
RECIPE = {
    "model.backbone": "resnet10t",
    "model.pretrained": False,
    "model.image_size": 64,
    "strategy.name": "full",
    "strategy.epochs": 12,
    "strategy.options": {"head_first": False, "decay": 1.0},
    "optim.lr": 1e-3,
    "optim.ema": True,
    "augment.preset": "light",
}


def run(out: Path, *, seed: int) -> Path:
    """Draw the pictures, train on them and make the report; return the run folder."""
    pictures, folder = out / "pictures", out / "run"
    for old in (pictures, folder):  # the demo repeats itself: only what it wrote before is replaced
        if old.exists():
            shutil.rmtree(old)
    console.print("drawing two cameras of a parking lot", highlight=False)
    draw_dataset(pictures, days=12, frames=4, slots=10, seed=seed)
    options = RECIPE | {"run.out": str(folder), "run.seed": seed}
    train.run(str(pictures / "labels.csv"), overrides=(), options=options, resume=False)
    if console.is_terminal:
        webbrowser.open((folder / "report.html").resolve().as_uri())
    return folder
