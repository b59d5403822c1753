"""The new-camera job, step by step; each candidate is kept on disk, so a killed job goes on where it was."""

from __future__ import annotations

import copy
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np

from vision_ft.adaptation.herding import choose_herding, choose_random
from vision_ft.config import DataConfig, Recipe
from vision_ft.data.images.decode import printable
from vision_ft.data.labelled import is_labelled, labelled_rows
from vision_ft.data.table import SampleTable
from vision_ft.engine.callbacks import Reporter
from vision_ft.engine.memory import forget_peak
from vision_ft.engine.run import Services
from vision_ft.engine.signals import StopRequest, Terminated
from vision_ft.errors import DataError, RecipeError, ResumeError
from vision_ft.models.assemble import Classifier, VisionModel
from vision_ft.models.extend import extend_classes
from vision_ft.new_camera.advice import advise
from vision_ft.new_camera.candidates import CANDIDATES
from vision_ft.new_camera.judging import JUDGED, Judge, resolve_metric
from vision_ft.new_camera.material import Job
from vision_ft.new_camera.measures import Seen, look, shift_between
from vision_ft.new_camera.outputs import write_outputs, write_start
from vision_ft.new_camera.scoring import Outcome, run_candidate
from vision_ft.new_camera.source import Source, open_source
from vision_ft.new_camera.verdict import decide
from vision_ft.pipeline import close_finished, open_folder, refuse_changed_data, refuse_missing_plugins
from vision_ft.reporting import build_report
from vision_ft.run_folder import RunFolder, read_json
from vision_ft.tasks import TASKS
from vision_ft.types import Finding
from vision_ft.wiring.candidate_trainer import CandidateTrainer
from vision_ft.wiring.domains import NEW, OLD, domains, join_domains, limit_labels, read_new, read_old
from vision_ft.wiring.names import look_up
from vision_ft.wiring.training import build_runtime

VAL_SHARE = 0.3  # of a label budget: choosing an alpha and an epoch takes fewer pictures than training
OnStart = Callable[[SampleTable, Sequence[Finding], dict[str, Any]], None]
OnCandidate = Callable[[Outcome], None]


def adapt(
    recipe: Recipe,
    *,
    resume: bool,
    reporter: Reporter,
    on_start: OnStart | None = None,
    on_candidate: OnCandidate | None = None,
) -> RunFolder:
    """Retrain the run `recipe.adapt.source` on the new camera `recipe.data`, and say what it cost on the old ones.

    The source run is only read. The new run folder holds the recommended model (the source's where the gate is not
    passed), every candidate, and adaptation.json with shift, candidates, decision and lineage.

    Args:
        recipe: all that decides the job.
        resume: go on with the job in `run.out`.
        reporter: listens.
        on_start: shown the table, the findings and the shift before anything trains.
        on_candidate: shown each candidate's outcome.

    Raises:
        VisionFTError: the source run, the pictures, a name or a value cannot be used.
        Terminated: the process was asked to end; finished candidates and the state of the current one are saved.
    """
    started = time.perf_counter()
    if resume:
        refuse_missing_plugins(recipe, recipe.run.out)
    refuse_missing_plugins(recipe, recipe.adapt.source)  # its loss and its augmentation are used again
    forget_peak()
    names, metric = _candidate_names(recipe), resolve_metric(recipe.task, recipe.adapt.metric)
    source = open_source(recipe)
    if recipe.run.devices > 1:
        raise RecipeError(f"run.devices: got {recipe.run.devices}; adapting works on one device.")
    runtime = build_runtime(recipe)
    folder = open_folder(recipe, resume=resume, runtime=runtime, name=f"{source.name}-to-{_stem(recipe.data.path)}")
    if resume and folder.is_finished:
        close_finished(folder, reporter)
        return folder
    if resume:
        _refuse_changed_source(folder, source)
    table, findings, old_missing = read_tables(recipe, source, reporter)
    if resume and folder.data.is_file():
        refuse_changed_data(SampleTable.read(folder.data), table)
    with StopRequest() as stop:
        services = Services(runtime, stop, reporter, folder.path)
        job, seen, shift = prepare(recipe, source, table, services, metric=metric)
        write_start(folder, recipe, source, table, findings)
        if on_start is not None:
            on_start(table, findings, shift)
        outcomes = []
        for name in names:
            reporter.say(f"candidate {name}: {CANDIDATES[name].title}")
            outcomes.append(run_candidate(job, name, folder.path / "candidates" / name))
            if on_candidate is not None:
                on_candidate(outcomes[-1])
            if stop.requested:
                raise Terminated
        verdict = decide(job, outcomes)
        advice = advise(job, seen, outcomes[0])
    facts = {"shift": shift, "old_missing": old_missing, "seconds": round(time.perf_counter() - started, 2)}
    write_outputs(folder, job, source, verdict, advice, facts)
    build_report(folder.path)
    return folder


def _candidate_names(recipe: Recipe) -> list[str]:
    """Return the candidates in their order; the source always comes first, as what all others are held against."""
    asked = recipe.adapt.candidates
    if asked is None:
        return [name for name, candidate in CANDIDATES.items() if not candidate.on_request]
    for name in asked:
        look_up(CANDIDATES, name, key="adapt.candidates")
    return [name for name in CANDIDATES if name in asked or name == "source"]


def _refuse_changed_source(folder: RunFolder, source: Source) -> None:
    """Finished candidates came from the source's weights as they were: others would be held against another model."""
    stored = read_json(folder.environment).get("source_model") if folder.environment.is_file() else None
    if stored not in (None, source.model_hash):
        raise ResumeError(
            f"{source.folder.path}: its model changed since the adaptation in {folder.path} began. Put it back, or "
            "start a new adaptation."
        )


def _stem(path: str) -> str:
    return Path(path).resolve().stem


def read_tables(recipe: Recipe, source: Source, reporter: Reporter) -> tuple[SampleTable, list[Finding], str]:
    """Return both cameras in one table, what was seen, and why there are no old pictures ("" when there are)."""
    config, threads, seed = recipe.adapt, os.cpu_count() or 1, recipe.run.seed
    reporter.say(f"reading {recipe.data.path}")
    new, seen = read_new(
        recipe.data, task=recipe.task, classes=source.classes, columns=source.columns, seed=seed, threads=threads
    )
    reporter.say("reading the pictures of the old cameras")
    root = None if config.data_root is None else Path(config.data_root)
    old = read_old(source.table(root), _kept_data(recipe), task=recipe.task, seed=seed, threads=threads, root=root)
    table, joined = join_domains(old.table, new, source.classes, columns=source.columns)
    table, short = limit_labels(table, config.labels, val_share=VAL_SHARE, seed=seed)
    _refuse_unjudgeable(table)
    return table, [*old.findings, *seen, *joined, *short], old.missing


def _refuse_unjudgeable(table: SampleTable) -> None:
    """Without a single label in val or test there is nothing to measure, and of most tasks nothing to report."""
    if not TASKS[table.task].answers_unlabelled and not any(len(labelled_rows(table, split)) for split in JUDGED):
        raise DataError(
            f"{printable(table.root)}: no val or test picture of either camera has a known answer, so nothing can be "
            "measured. Give the old pictures with --keep or --data-root, or label some of the new ones."
        )


def _kept_data(recipe: Recipe) -> DataConfig | None:
    """Return how the pictures in adapt.keep are read: as those of NEW, as far as that is not about NEW's own files."""
    path, pattern = recipe.adapt.keep, recipe.adapt.keep_group_pattern
    if path is None:
        return None
    shared = ["val", "test", "on_bad", "max_pixels", "class_table", "mask_threshold"]
    if pattern is None:
        shared += ["group_pattern", "group_by"]
    if Path(path).is_file() and Path(recipe.data.path).is_file():
        shared += ["path_column", "label_column", "split_column", "group_column"]
    values = recipe.data.model_dump(include=set(shared))
    return DataConfig.model_validate({"group_pattern": pattern, **values, "path": path})


def prepare(
    recipe: Recipe, source: Source, table: SampleTable, services: Services, *, metric: str
) -> tuple[Job, Seen, dict[str, Any]]:
    """Look at both cameras with the source model and gather what the candidates are made from."""
    model = _extended(source, table)
    model.eval().to(services.runtime.device)
    bench = CandidateTrainer(recipe, table, model, services)
    seen = look(bench, model)
    scores = seen.scores
    services.reporter.say("measuring the shift between the cameras")
    shift = shift_between(bench, model, seen, seed=recipe.run.seed)
    rows = {domain: _labelled(table, domain) for domain in (OLD, NEW)}
    is_test = table.splits == "test"
    unlabelled = np.flatnonzero((domains(table) == NEW) & ~is_test)
    job = Job(
        recipe=recipe,
        table=table,
        source=model,
        bench=bench,
        new_train=rows[NEW]["train"],
        old_train=rows[OLD]["train"],
        unlabelled=unlabelled,
        memory=_memory(recipe, table, seen, rows[OLD]["train"]),
        val_rows=_balanced_val(rows[OLD]["val"], rows[NEW]["val"], seed=recipe.run.seed),
        scores_of=None if scores is None else lambda wanted: scores[seen.of(wanted)],
        shift_kind=str(shift.get("kind")),
        judge=Judge(bench, model, metric, seed=recipe.run.seed),
    )
    return job, seen, shift


def _extended(source: Source, table: SampleTable) -> VisionModel:
    """Return a copy of the source's model with outputs for all classes of the table."""
    added = table.classes.names[len(source.classes) :]
    if not added:
        return copy.deepcopy(source.model)
    return extend_classes(cast("Classifier", source.model), source.classes, added)[0]  # others take no new classes


def _labelled(table: SampleTable, domain: str) -> dict[str, np.ndarray]:
    chosen = (domains(table) == domain) & is_labelled(table)
    return {split: np.flatnonzero(chosen & (table.splits == split)) for split in ("train", "val")}


def _memory(recipe: Recipe, table: SampleTable, seen: Seen, rows: np.ndarray) -> np.ndarray:
    """Choose the old pictures that are rehearsed, equally many of each class where a picture has one."""
    if not len(rows) or not recipe.adapt.rehearsal:
        return np.array([], dtype=np.int64)
    labels = table.labels[rows] if TASKS[table.task].counts_correct else np.zeros(len(rows), dtype=np.int64)
    per_class = max(recipe.adapt.memory // len(np.unique(labels)), 1)
    if recipe.adapt.memory_choice == "random":
        return rows[choose_random(labels, per_class=per_class, seed=recipe.run.seed)]
    return rows[choose_herding(seen.features[seen.of(rows)], labels, per_class=per_class)]


def _balanced_val(old: np.ndarray, new: np.ndarray, *, seed: int) -> np.ndarray:
    """All labelled val rows of the new camera and as many of the old ones: an epoch must be good on both."""
    chosen = np.random.default_rng((seed, 4)).permutation(old)[: len(new)]
    return np.concatenate([np.sort(chosen), new]).astype(np.int64)
