"""`vision-ft demo`: the whole way on images that the package draws itself, offline: train, then a new camera."""

from __future__ import annotations

import shutil
import webbrowser
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from vision_ft.cli.console import console
from vision_ft.cli.training import adapt, train

OLD, NEW = "camera_a", "camera_b"
IMAGES = {"days": 8, "frames": 4, "slots": 20}
# Whole parking spaces are kept for val and test. Days would not do: an empty space looks the same on many days, and
# near-duplicates never cross a split, so that they tie the days together.
GROUPS = {"data.group_pattern": "{camera}/{label}/*_{slot}.jpg"}
# No download, so no pretrained weights: a small network from random weights, which learns this task in a minute.
RECIPE: dict[str, Any] = {
    "data.val": 0.2,
    "data.test": 0.2,
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
# 100 labels: 70 to train on and 30 to choose on; with fewer, chance often chooses. The limit is two of the old camera's
# 128 images: one mistake more is 0.8 points, so the default of 1.0 would hang on a single image.
ADAPTATION: dict[str, Any] = {
    "data.val": 0.2,
    "data.test": 0.4,
    "adapt.labels": 100,
    "adapt.max_forgetting": 0.02,
    "adapt.candidates": ["head", "full"],
    "strategy.epochs": 4,
}


def demo(
    out: Annotated[Path, typer.Option(help="Folder for images and runs.")] = Path("runs/demo"),
    seed: Annotated[int, typer.Option(help="Seed of the drawing and the training.")] = 0,
) -> None:
    """Draw two cameras of a parking lot, train on one, adapt to the other, and make both reports; offline.

    Example: vision-ft demo
    """
    run(out, seed=seed)


def run(out: Path, *, seed: int) -> Path:
    """Draw two cameras, train on one, adapt to the other, make both reports; return the folder of the adaptation.

    A gate that is not passed is a result as well, and the demo says so: the command fails only on an error.
    """
    from vision_ft.demo.draw import draw_dataset
    from vision_ft.run_folder import read_json

    pictures, trained, adapted = out / "pictures", out / "run", out / "adapted"
    for folder in (pictures, trained, adapted):  # the demo repeats itself: only what it wrote before is replaced
        if folder.exists():
            shutil.rmtree(folder)
    _say("1 of 3: drawing a parking lot seen by two cameras")
    old, new = (draw_dataset(pictures / name, cameras=[name], seed=seed, **IMAGES) for name in (OLD, NEW))
    _say(f"2 of 3: training on {OLD}")
    options = RECIPE | GROUPS | {"run.out": str(trained), "run.seed": seed}
    train.run(str(old), overrides=(), options=options, resume=False)
    _say(f"3 of 3: {NEW} is new; adapting to it with {ADAPTATION['adapt.labels']} labelled images")
    options = ADAPTATION | GROUPS | {"run.out": str(adapted), "run.seed": seed}
    adapt.adapt_and_show(str(trained), str(new), overrides=(), options=options, resume=False)
    _show_before_and_after(read_json(adapted / "adaptation.json"))
    if console.is_terminal:
        webbrowser.open((adapted / "report.html").resolve().as_uri())
    return adapted


def _say(text: str) -> None:
    console.rule(text, align="left", style="dim")


def _show_before_and_after(outcome: Mapping[str, Any]) -> None:
    """Print what each camera had before and has now, on images that trained and chose nothing, and the gate."""
    entries = {entry["name"]: entry["test"] for entry in outcome["candidates"]}
    decision = outcome["decision"]
    before, after = entries["source"], entries[decision["recommended"]]
    console.rule("test images that are right, before and after", align="left", style="dim")
    for name, domain in ((NEW, "new"), (OLD, "old")):
        numbers = [side[domain]["accuracy"] for side in (before, after)]
        console.print(f"{name} ({domain}): {numbers[0]:.1%} before, {numbers[1]:.1%} after", highlight=False)
    if decision["passed"]:
        console.print("gate: passed; model/ holds the adapted model", highlight=False)
        return
    code = decision["exit_code"]
    console.print(f"gate: not passed; model/ holds the model from before, and adapt exits {code}", highlight=False)
