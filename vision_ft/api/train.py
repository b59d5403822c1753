"""Fine-tune: from images or a recipe to a finished run."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from vision_ft.api.progress import default_reporter
from vision_ft.api.run import Run
from vision_ft.config import Recipe, load_recipe
from vision_ft.data.formats.recognise import is_data_yaml
from vision_ft.engine.callbacks import Reporter
from vision_ft.pipeline import OnPlan, train
from vision_ft.run_folder import RunFolder

RECIPE_SUFFIXES = (".yaml", ".yml")


def finetune(
    data: str | Path,
    *,
    task: str | None = None,
    backbone: str | None = None,
    strategy: str | None = None,
    epochs: int | None = None,
    out: str | Path | None = None,
    seed: int | None = None,
    resume: bool = False,
    overrides: Mapping[str, Any] | None = None,
    reporter: Reporter | None = None,
    on_plan: OnPlan | None = None,
) -> Run:
    """Fine-tune a backbone on images, and write a run folder with model, predictions, metrics and report.

    Args:
        data: a folder of class folders, a folder with train/val/test, a CSV (`path,label[,split][,group]`), a folder of
            images and masks, boxes as COCO, VOC, YOLO or CSV, a recipe, or a run folder to resume.
        task: one of the names in `vision_ft.types.Task`, such as segmentation.
        backbone: any timm name.
        strategy: a key of `vision_ft.strategies.STRATEGIES`, such as "gradual-unfreeze".
        epochs: passes over the training images.
        out: the run's folder; by default a new one below runs/.
        seed: all randomness follows from it.
        resume: go on with the run in `out`.
        overrides: further recipe values by dotted key, for example {"optim.lr": 3e-4, "model.image_size": 160}.
        reporter: listens to the progress; by default a bar in a notebook, elsewhere lines that go to `logging`.
        on_plan: shown plan, table and findings before anything trains.

    Raises:
        VisionFTError: the data, a name or a value cannot be used; the message says what to change.
    """
    options = {
        "task": task,
        "model.backbone": backbone,
        "strategy.name": strategy,
        "strategy.epochs": epochs,
        "run.out": None if out is None else str(out),
        "run.seed": seed,
        **(overrides or {}),
    }
    recipe = resolve_recipe(data, (), options)
    folder = train(recipe, resume=resume, reporter=reporter or default_reporter(), on_plan=on_plan)
    return Run(folder.path)


def resolve_recipe(data: str | Path, overrides: Sequence[str], options: Mapping[str, Any]) -> Recipe:
    """Return the recipe of a data folder, a CSV or a recipe file.

    Args:
        data: a recipe when it ends in .yaml or .yml, a run folder to resume, else the data.
        overrides: texts such as "optim.lr=3e-4".
        options: dotted key -> value; None leaves the recipe's own value.

    Raises:
        RecipeError: a file, key or value cannot be used.
    """
    if RunFolder(Path(data)).recipe.is_file():  # a run: its own recipe, to go on in its own folder
        options = {**options, "run.out": options.get("run.out") or str(data)}
        data = RunFolder(Path(data)).recipe
    settings = [f"{key}={as_yaml(value)}" for key, value in options.items() if value is not None]
    if is_recipe(data):
        return load_recipe(Path(data), [*settings, *overrides])
    return load_recipe(None, [*settings, *overrides], defaults={"data": {"path": str(data)}})


def is_recipe(path: str | Path) -> bool:
    """Whether a path names a recipe: a YAML file that is not the data.yaml of a YOLO data set."""
    return Path(path).suffix.lower() in RECIPE_SUFFIXES and not is_data_yaml(Path(path))


def as_yaml(value: Any) -> str:
    """Write a value so that YAML reads it back equal; JSON is a part of YAML."""
    return value if isinstance(value, str) else json.dumps(value)
