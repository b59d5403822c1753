"""The public functions: fine-tune, load, audit, report."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from vision_ft.build.data import prepare_table
from vision_ft.config import Recipe, load_recipe
from vision_ft.data.table import SampleTable
from vision_ft.deploy.predictor import Predictor, load_predictor
from vision_ft.engine.callbacks import LogReporter, Reporter
from vision_ft.errors import DataError
from vision_ft.pipeline import OnPlan, train
from vision_ft.report import build_report, build_report_from_predictions
from vision_ft.run_folder import RunFolder, read_json
from vision_ft.types import Finding

RECIPE_SUFFIXES = (".yaml", ".yml")


@dataclass(frozen=True)
class Run:
    """A finished run.

    Attributes:
        path: its folder.
    """

    path: Path

    @cached_property
    def metrics(self) -> dict[str, Any]:
        """The numbers of the report, as in metrics.json."""
        return dict(read_json(RunFolder(self.path).metrics))

    def report(self) -> Path:
        """Make report.html again and return its path."""
        return build_report(self.path)

    def load(self, *, device: str = "cpu") -> Predictor:
        """Load the model."""
        return load_predictor(self.path, device=device)


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
    settings = [f"{key}={_as_yaml(value)}" for key, value in options.items() if value is not None]
    if Path(data).suffix.lower() in RECIPE_SUFFIXES:
        return load_recipe(Path(data), [*settings, *overrides])
    return load_recipe(None, [*settings, *overrides], defaults={"data": {"path": str(data)}})


def _as_yaml(value: Any) -> str:
    """Write a value so that YAML reads it back equal; JSON is a part of YAML."""
    return value if isinstance(value, str) else json.dumps(value)


def finetune(
    data: str | Path,
    *,
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
    """Fine-tune a backbone on pictures, and write a run folder with model, predictions, metrics and report.

    Args:
        data: a folder of class folders, a folder with train/val/test, a CSV (path,label[,split][,group]), a recipe,
            or a run folder to resume.
        backbone: any timm name.
        strategy: "feature-extraction", "gradual-unfreeze" or "full".
        epochs: passes over the training pictures.
        out: the run's folder; by default a new one below runs/.
        seed: all randomness follows from it.
        resume: go on with the run in `out`.
        overrides: further recipe values by dotted key, for example {"optim.lr": 3e-4, "model.image_size": 160}.
        reporter: listens to the progress; by default lines go to `logging`.
        on_plan: shown plan, table and findings before anything trains.

    Raises:
        VisionFTError: the data, a name or a value cannot be used; the message says what to change.
    """
    options = {
        "model.backbone": backbone,
        "strategy.name": strategy,
        "strategy.epochs": epochs,
        "run.out": None if out is None else str(out),
        "run.seed": seed,
        **(overrides or {}),
    }
    recipe = resolve_recipe(data, (), options)
    folder = train(recipe, resume=resume, reporter=reporter or LogReporter(), on_plan=on_plan)
    return Run(folder.path)


def load(run: str | Path, *, device: str = "cpu") -> Predictor:
    """Load the model of a run folder; `.predict([...])` answers for files, PIL pictures and arrays.

    Raises:
        ModelError: there is no model, or its files are damaged.
    """
    return load_predictor(run, device=device)


def audit(data: str | Path, *, overrides: Sequence[str] = ()) -> tuple[SampleTable, list[Finding]]:
    """Read, check and split pictures without training; broken ones are reported, not fatal.

    Raises:
        DataError: the folder or file cannot be read as a data set at all.
    """
    recipe = resolve_recipe(data, [*overrides, "data.on_bad=drop"], {})
    return prepare_table(recipe.data, seed=recipe.run.seed, threads=os.cpu_count() or 1, quick=False)


def report(source: str | Path, *, out: str | Path | None = None, data_root: str | Path | None = None) -> Path:
    """Make the report of a run folder, or of a predictions file that any tool wrote.

    Args:
        source: a run folder, or a .csv / .parquet of `path,target,predicted` or scores.
        out: folder of a report made from a predictions file; by default beside it.
        data_root: where the pictures are, if they moved.

    Raises:
        DataError: the source is neither, or its columns cannot be understood.
    """
    source = Path(source)
    root = None if data_root is None else Path(data_root)
    if source.is_dir():
        if not RunFolder(source).is_finished:
            raise DataError(f"{source}: not a finished run (metrics.json is missing). Give a run folder or a CSV.")
        return build_report(source, data_root=root)
    target = Path(out) if out is not None else source.parent / f"{source.stem}-report"
    return build_report_from_predictions(source, target, image_root=root)
