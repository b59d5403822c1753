"""The public functions: fine-tune, load, audit, report."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from vision_ft.config import Recipe, load_recipe
from vision_ft.converting import convert as convert
from vision_ft.data.formats.recognise import is_data_yaml
from vision_ft.data.kinds import KINDS
from vision_ft.data.table import SampleTable
from vision_ft.engine.callbacks import LogReporter, Reporter
from vision_ft.errors import DataError, RecipeError
from vision_ft.new_camera import adapt as run_adaptation
from vision_ft.new_camera.job import OnCandidate, OnStart
from vision_ft.pipeline import OnPlan, train
from vision_ft.reporting import build_report, build_report_from_predictions
from vision_ft.reporting.compare_page import compare as compare
from vision_ft.run_folder import RunFolder, read_json
from vision_ft.types import Finding
from vision_ft.watching import watch as watch
from vision_ft.wiring.data import prepare_table
from vision_ft.wiring.predictor import AnyPredictor, load_predictor

RECIPE_SUFFIXES = (".yaml", ".yml")
INHERITED_RUN = ("device", "precision", "workers", "cache", "decoded_budget_mb", "maps_budget_mb")  # of the source run


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

    def load(self, *, device: str = "cpu") -> AnyPredictor:
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
    if is_recipe(data):
        return load_recipe(Path(data), [*settings, *overrides])
    return load_recipe(None, [*settings, *overrides], defaults={"data": {"path": str(data)}})


def is_recipe(path: str | Path) -> bool:
    """Whether a path names a recipe: a YAML file that is not the data.yaml of a YOLO data set."""
    return Path(path).suffix.lower() in RECIPE_SUFFIXES and not is_data_yaml(Path(path))


def _as_yaml(value: Any) -> str:
    """Write a value so that YAML reads it back equal; JSON is a part of YAML."""
    return value if isinstance(value, str) else json.dumps(value)


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
    """Fine-tune a backbone on pictures, and write a run folder with model, predictions, metrics and report.

    Args:
        data: a folder of class folders, a folder with train/val/test, a CSV (path,label[,split][,group]), a folder of
            pictures and masks, boxes as COCO, VOC, YOLO or CSV, a recipe, or a run folder to resume.
        task: "classification", "multilabel", "multitask", "segmentation" or "detection".
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
        "task": task,
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


@dataclass(frozen=True)
class Adaptation(Run):
    """A finished adaptation: a run whose model is the recommended one."""

    @cached_property
    def outcome(self) -> dict[str, Any]:
        """Shift, candidates, decision and lineage, as in adaptation.json."""
        return dict(read_json(self.path / "adaptation.json"))

    @property
    def passed(self) -> bool:
        """Whether a model other than the source's is recommended."""
        return bool(self.outcome["decision"]["passed"])

    @property
    def recommended(self) -> str:
        """Name of the recommended candidate; "source" where the gate is not passed."""
        return str(self.outcome["decision"]["recommended"])


def resolve_adaptation(
    run: str | Path, new: str | Path | None, overrides: Sequence[str], options: Mapping[str, Any]
) -> Recipe:
    """Return the recipe of an adaptation; model, optimiser and augmentation are those of the source run.

    Args:
        run: the source run; or, without `new`, an adaptation to resume.
        new: pictures of the new camera, or a recipe when it ends in .yaml or .yml.
        overrides: texts such as "adapt.rehearsal=0.5".
        options: dotted key -> value; None leaves the recipe's own value.

    Raises:
        RecipeError: a file, key or value cannot be used.
    """
    if new is None:
        if not RunFolder(Path(run)).recipe.is_file():
            raise RecipeError(f"{run}: NEW is missing: vision-ft adapt RUN NEW, with NEW the new camera's pictures.")
        return resolve_recipe(run, overrides, options)
    settings = [f"{key}={_as_yaml(value)}" for key, value in options.items() if value is not None]
    settings.append(f"adapt.source={json.dumps(str(run))}")  # the run that is named, also where a recipe names another
    stored = RunFolder(Path(run)).recipe
    known = load_recipe(stored, []).model_dump() if stored.is_file() else {}
    defaults: dict[str, Any] = {name: known[name] for name in ("task", "model", "optim", "augment") if name in known}
    defaults["run"] = {key: value for key, value in known.get("run", {}).items() if key in INHERITED_RUN}
    if is_recipe(new):
        return load_recipe(Path(new), [*settings, *overrides], defaults=defaults)
    return load_recipe(None, [*settings, *overrides], defaults=defaults | {"data": {"path": str(new)}})


def adapt(
    run: str | Path,
    new: str | Path | None = None,
    *,
    keep: str | Path | None = None,
    labels: int | None = None,
    max_forgetting: float | None = None,
    strategy: str | Sequence[str] | None = None,
    group: str | None = None,
    data_root: str | Path | None = None,
    epochs: int | None = None,
    out: str | Path | None = None,
    seed: int | None = None,
    resume: bool = False,
    overrides: Mapping[str, Any] | None = None,
    reporter: Reporter | None = None,
    on_start: OnStart | None = None,
    on_candidate: OnCandidate | None = None,
) -> Adaptation:
    """Retrain a run on a new camera, and say what it cost on the old one.

    Args:
        run: the run to start from; it is only read. Without `new`, an adaptation to resume.
        new: pictures of the new camera, in any form that `finetune` reads; labels may be missing.
        keep: pictures of the old cameras; by default those that the run lists, as far as they still exist.
        labels: labelled pictures of the new camera that may be used; all by default.
        max_forgetting: largest loss on the old cameras, as a share, that the recommended model may have.
        strategy: candidates to make besides the source; by default all but those on request.
        group: pattern that takes the group from the path, such as "{camera}/{label}/{sequence}_*".
        data_root: where the pictures that the run lists lie now.
        epochs: passes over the new pictures for the fine-tuning candidates.
        out: the new run's folder; by default a new one below runs/.
        seed: all randomness follows from it.
        resume: go on with the adaptation in `out`, or in `run` when `new` is not given.
        overrides: further recipe values by dotted key, for example {"adapt.rehearsal": 0.5}.
        reporter: listens to the progress; by default lines go to `logging`.
        on_start: shown table, findings and shift before anything trains.
        on_candidate: shown the outcome of each candidate.

    Raises:
        VisionFTError: the run, the pictures, a name or a value cannot be used; the message says what to change.
    """
    options = {
        "adapt.keep": None if keep is None else str(keep),
        "adapt.labels": labels,
        "adapt.max_forgetting": max_forgetting,
        "adapt.candidates": [strategy] if isinstance(strategy, str) else (list(strategy) if strategy else None),
        "adapt.data_root": None if data_root is None else str(data_root),
        "data.group_pattern": group,
        "strategy.epochs": epochs,
        "run.out": None if out is None else str(out),
        "run.seed": seed,
        **(overrides or {}),
    }
    recipe = resolve_adaptation(run, new, (), options)
    folder = run_adaptation(
        recipe,
        resume=resume,
        reporter=reporter or LogReporter(),
        on_start=on_start,
        on_candidate=on_candidate,
    )
    return Adaptation(folder.path)


def load(run: str | Path, *, device: str = "cpu") -> AnyPredictor:
    """Load the model of a run folder; `.predict([...])` answers for files, PIL pictures and arrays.

    Raises:
        ModelError: there is no model, or its files are damaged.
    """
    return load_predictor(run, device=device)


def audit(data: str | Path, *, overrides: Sequence[str] = ()) -> tuple[SampleTable, list[Finding]]:
    """Read, check and split pictures without training; what is wrong is among the findings, not raised.

    Raises:
        DataError: the folder or file cannot be read as a data set at all.
    """
    recipe = resolve_recipe(data, [*overrides, "data.on_bad=drop"], {})
    threads = os.cpu_count() or 1
    task = recipe.task if KINDS[recipe.task].told else None  # what boxes and masks are can be seen
    return prepare_table(recipe.data, task=task, seed=recipe.run.seed, threads=threads, quick=False, strict=False)


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
