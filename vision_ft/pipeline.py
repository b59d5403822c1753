"""The journey of the data, from a recipe to a finished run folder; each step can be read in its own function."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from vision_ft.config import Recipe, dump_recipe, load_recipe
from vision_ft.data.labelled import labelled_rows
from vision_ft.data.loading.grid import draw_augmentation_grid
from vision_ft.data.several_labels import PREFIX, label_columns
from vision_ft.data.table import ANNOTATION_COLUMNS, MASK_HASH, SampleTable
from vision_ft.engine.callbacks import Reporter
from vision_ft.engine.checkpoint import START
from vision_ft.engine.interpolate import Interpolation, choose_alpha
from vision_ft.engine.loop import fit, score_rows
from vision_ft.engine.memory import forget_peak, peak_memory
from vision_ft.engine.run import Services, TrainingRun
from vision_ft.engine.runtime import Runtime
from vision_ft.engine.signals import StopRequest
from vision_ft.errors import RecipeError, ResumeError
from vision_ft.files import atomic_path, write_atomic, write_json
from vision_ft.finishing import Finish, finish
from vision_ft.models.assemble import VisionModel
from vision_ft.reporting import build_report
from vision_ft.run_folder import RunFolder, new_run_folder, read_json, write_environment, write_findings
from vision_ft.strategies import STRATEGIES
from vision_ft.types import Finding
from vision_ft.wiring.crowded import find_crowded
from vision_ft.wiring.data import prepare_table
from vision_ft.wiring.model import build_model, build_plan, describe_plan
from vision_ft.wiring.plugins import require_plugins, used_plugins, with_shown
from vision_ft.wiring.targets import build_targets
from vision_ft.wiring.training import build_recipe_augment, build_runtime, build_training_run, selecting_metric

GRID_ROWS = 6  # images of the augmentation grid
OnPlan = Callable[[dict[str, Any], SampleTable, Sequence[Finding]], None]


def train(recipe: Recipe, *, resume: bool, reporter: Reporter, on_plan: OnPlan | None = None) -> RunFolder:
    """Train a recipe and return its run folder, complete with predictions, metrics and report.

    Args:
        recipe: all that decides the run.
        resume: go on with the run in `run.out` from its newest safe point.
        reporter: listens.
        on_plan: shown the plan, the data and the findings before anything trains.

    Raises:
        VisionFTError: the recipe, the data, the model or the resumed run cannot be used.
        Terminated: the process was asked to end; its state is saved.
    """
    started = time.perf_counter()
    _refuse_adaptation(recipe)
    if resume:
        refuse_missing_plugins(recipe, recipe.run.out)
    forget_peak()
    runtime = build_runtime(recipe)
    name = f"{Path(recipe.data.path).resolve().stem}-{recipe.strategy.name}"
    folder = open_folder(recipe, resume=resume, runtime=runtime, name=name)
    if resume and folder.is_finished:
        if runtime.is_main:
            close_finished(folder, reporter)
        return folder
    timings: dict[str, float] = {}
    with runtime.main_first():
        reporter.say(f"reading {recipe.data.path}")
        table, findings = _read_data(recipe, folder, resume=resume)
    timings["data"] = time.perf_counter() - started
    model = build_model(recipe, table.classes, label_columns(table))
    findings = [*findings, *find_crowded(table, model)]
    with StopRequest() as stop:
        services = Services(runtime, stop, reporter, folder.path)
        run = build_training_run(recipe, table, model, services)
        phases = build_plan(recipe, list(run.groups), architecture=model.backbone.architecture)
        plan = describe_plan(recipe, model, run.groups, phases)
        if runtime.is_main:
            _write_start(folder, recipe, table, findings, plan, model)
        if on_plan is not None and runtime.is_main:
            on_plan(plan, table, findings)
        timings["setup"] = time.perf_counter() - started - timings["data"]
        if resume and run.resume():
            reporter.say(f"going on after epoch {run.progress.epoch}")
        fit(run, phases)
        selection = select_weights(run, interpolate=STRATEGIES[recipe.strategy.name].interpolate)
        timings["training"] = time.perf_counter() - started - sum(timings.values())
        finish(Finish(run, folder, recipe, table, tuple(phases), selection))
    timings["evaluation"] = time.perf_counter() - started - sum(timings.values())
    if runtime.is_main:
        _write_end(folder, timings)
    runtime.barrier()
    return folder


def _read_data(recipe: Recipe, folder: RunFolder, *, resume: bool) -> tuple[SampleTable, Sequence[Finding]]:
    threads = os.cpu_count() or 1
    table, findings = prepare_table(recipe.data, seed=recipe.run.seed, threads=threads, task=recipe.task)
    if resume and folder.data.is_file():
        refuse_changed_data(SampleTable.read(folder.data), table)
    return table, findings


def _refuse_adaptation(recipe: Recipe) -> None:
    if recipe.adapt.source is not None:
        raise RecipeError(
            "adapt.source is set, so this recipe retrains a run on a new camera: use 'vision-ft adapt' with it."
        )


def refuse_missing_plugins(recipe: Recipe, run: str | None) -> None:
    """Look, before anything else asks for them, whether the added entries of a run that goes on are registered here.

    Raises:
        RecipeError: one that the recipe names is missing; it is said where it came from.
    """
    folder = None if run is None else RunFolder(Path(run))
    if folder is not None and folder.environment.is_file():
        require_plugins(recipe, read_json(folder.environment), where=folder.path)


def close_finished(folder: RunFolder, reporter: Reporter) -> None:
    """Say that there is nothing left to do, and make the report where a kill came between numbers and report."""
    reporter.say(f"{folder.path} is finished already")
    if not folder.report.is_file():
        build_report(folder.path)


def _write_end(folder: RunFolder, timings: dict[str, float]) -> None:
    """Write what the run cost, and the report."""
    cost = {"seconds": {name: round(value, 2) for name, value in timings.items()}, "peak_memory_mb": peak_memory()}
    known = with_shown(read_json(folder.environment), read_json(folder.metrics))
    write_json(folder.environment, known | cost)
    build_report(folder.path)


def open_folder(recipe: Recipe, *, resume: bool, runtime: Runtime, name: str) -> RunFolder:
    """Choose the folder on rank 0 and tell the others, who must not see it half made.

    Raises:
        ResumeError: there is nothing to resume, the folder holds another run, or the recipe changed.
    """
    chosen: RunFolder | None = None
    if runtime.is_main:
        chosen = new_run_folder(recipe.run.out, name=name, resume=resume)
        if resume:
            _refuse_other_recipe(chosen, recipe)
        chosen.path.mkdir(parents=True, exist_ok=True)
    first = runtime.gather(chosen)[0]
    if first is None:
        raise RuntimeError("rank 0 chose no run folder")
    return first


def _refuse_other_recipe(folder: RunFolder, recipe: Recipe) -> None:
    stored = load_recipe(folder.recipe, []).model_dump()
    wanted = recipe.model_dump()
    if wanted["optim"]["metric"] == "auto" and stored["optim"]["metric"] == selecting_metric(recipe):
        wanted["optim"]["metric"] = stored["optim"]["metric"]  # 0.1 wrote the name of the default
    changed = [
        f"{section}.{key}: {stored[section][key]!r} -> {value!r}"
        for section, values in wanted.items()
        if isinstance(values, dict)
        for key, value in values.items()
        if stored[section][key] != value and (section, key) not in {("run", "out"), ("run", "workers")}
    ]
    if changed:
        raise ResumeError(
            f"{folder.path}: the recipe differs from the one that the run began with ({'; '.join(changed)}). "
            "Resume with the stored recipe, or start a new run."
        )


def refuse_changed_data(before: SampleTable, now: SampleTable) -> None:
    """Compare the images of an interrupted run with those found now.

    Raises:
        ResumeError: images were added, removed or changed, or their labels, boxes or masks; up to ten are named.
    """
    known = before.arrow.column_names
    names = ["path", "hash", "label", "split", *ANNOTATION_COLUMNS, *(one for one in known if one.startswith(PREFIX))]
    names += [MASK_HASH] if MASK_HASH in known else []  # older runs have none

    def contents(table: SampleTable) -> dict[str, tuple[Any, ...]]:
        held, nothing = table.arrow.column_names, [None] * len(table)
        columns = (table.arrow.column(name).to_pylist() if name in held else nothing for name in names)
        return {path: tuple(rest) for path, *rest in zip(*columns, strict=True)}

    old, new = contents(before), contents(now)
    changed = sorted(path for path in old.keys() | new.keys() if old.get(path) != new.get(path))
    if changed:
        more = f" and {len(changed) - 10} more" if len(changed) > 10 else ""
        raise ResumeError(
            f"the data changed since the run began, in {len(changed)} images: {', '.join(changed[:10])}{more}. "
            "Put them back, or start a new run."
        )


def _write_start(
    folder: RunFolder,
    recipe: Recipe,
    table: SampleTable,
    findings: Sequence[Finding],
    plan: dict[str, Any],
    model: VisionModel,
) -> None:
    """Write everything that is known before training."""
    write_atomic(folder.recipe, dump_recipe(recipe).encode())
    table.write(folder.data)
    write_findings(folder, findings)
    write_json(folder.plan, plan)
    write_environment(
        folder, seed=recipe.run.seed, data=table.fingerprint(), root=str(table.root), **used_plugins(recipe)
    )
    preprocessing = model.backbone.preprocessing
    rows = labelled_rows(table, "train")
    grid = draw_augmentation_grid(
        table,
        rows[:: max(len(rows) // GRID_ROWS, 1)][:GRID_ROWS],
        augment=build_recipe_augment(recipe, table, preprocessing),
        channels=preprocessing.size[0],
        truth=build_targets(table, preprocessing),
    )
    with atomic_path(folder.augmentation) as temporary:
        grid.save(temporary, format="JPEG", quality=88)


def select_weights(run: TrainingRun, *, interpolate: bool) -> dict[str, Any]:
    """Choose between head-only and tuned weights on val, and say how; the model ends with the chosen weights."""
    progress = run.progress
    selection: dict[str, Any] = {"metric": run.settings.metric, "epoch": progress.best_epoch or None, "alpha": None}
    start = run.kept_weights(START)
    if not interpolate or start is None or not len(run.data.val_rows):
        return selection

    def evaluate() -> dict[str, float]:
        return score_rows(run, run.model, run.data.load_eval, run.data.val_rows)

    tuned = {name: value.clone() for name, value in run.model.state_dict().items()}
    chosen: Interpolation = choose_alpha(run.model, start, tuned, evaluate=evaluate, metric=run.settings.metric)
    run.reporter.say(f"weights: {chosen.alpha:.0%} tuned, {1 - chosen.alpha:.0%} head-only, chosen on val")
    sweep = {
        str(alpha): {name: value if math.isfinite(value) else None for name, value in scores.items()}  # JSON has no NaN
        for alpha, scores in chosen.scores.items()
    }
    return selection | {"alpha": chosen.alpha, "sweep": sweep}
