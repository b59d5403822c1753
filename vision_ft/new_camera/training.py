"""Train a candidate with the one engine: the phases of a registered strategy, rehearsal, and a pull to the source."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from vision_ft.adaptation.anchor import build_anchor
from vision_ft.adaptation.linear_head import domain_weights
from vision_ft.engine.loop import fit
from vision_ft.models.heads import HEADS
from vision_ft.models.stages import parameter_groups
from vision_ft.new_camera.material import Job, SkippedError, Tuned
from vision_ft.strategies import STRATEGIES
from vision_ft.strategies.head_first import HeadSolver
from vision_ft.types import Phase
from vision_ft.wiring.candidate_trainer import TrainingRows
from vision_ft.wiring.domains import NEW, domains
from vision_ft.wiring.model import ask_strategy, count_parameters, describe_phases
from vision_ft.wiring.plugins import has_own_loss

HEAD_STRENGTH = 0.1  # of the pull on the head, as a share of that on the backbone


def plan_strategy(job: Job, name: str) -> list[Phase]:
    """Ask a registered strategy for its phases; surgical tunes the end of the network that the shift calls for."""
    options: dict[str, Any] = {
        "solver": solver_of(job),
        "architecture": job.source.backbone.architecture,
        "part": "last" if job.shift_kind == "labels" else "first",
    }
    if not job.judge.reads_features:
        options["head_epochs"] = max(epochs_of(job, name) // 2, 1)  # they read images, and cost as much as others
    return ask_strategy(name, list(parameter_groups(job.source)), epochs=epochs_of(job, name), offered=options)


def solver_of(job: Job) -> HeadSolver:
    """Return how the source's head is fitted."""
    is_convex = HEADS[job.source.head_name].is_linear and job.bench.task.convex is not None
    return "convex" if is_convex and not has_own_loss(job.recipe) else "gradient"


def epochs_of(job: Job, name: str) -> int:
    """Return the passes over the new images: the recipe's, else the strategy's own."""
    return job.epochs if job.epochs is not None else STRATEGIES[name].epochs


def lessons_from(job: Job, rows: np.ndarray, *, epochs: int, val_rows: np.ndarray | None = None) -> TrainingRows:
    """Old and new together: the head sees both cameras with equal weight, batches rehearse the memory."""
    head_rows = np.concatenate([job.old_train, rows])
    weights = np.ones(len(job.table))
    weights[head_rows] = domain_weights(domains(job.table)[head_rows] == NEW)
    strength = job.recipe.adapt.anchor
    anchor = build_anchor(job.source, strength=strength, head_strength=strength * HEAD_STRENGTH) if strength else None
    return TrainingRows(
        new_rows=rows,
        head_rows=head_rows,
        memory=job.memory,
        val_rows=job.val_rows if val_rows is None else val_rows,
        epochs=epochs,
        row_weights=weights,
        penalty=anchor,
    )


def train(
    job: Job,
    lessons: TrainingRows,
    phases: Sequence[Phase],
    folder: Path,
    *,
    interpolate: bool = True,
    notes: Sequence[str] = (),
) -> Tuned:
    """Run the engine on a copy of the source, from where an interrupted run left it.

    Raises:
        SkippedError: there is one class only to learn from.
    """
    labels = job.table.labels if lessons.labels is None else lessons.labels
    if job.scores_of is not None and len(np.unique(labels[lessons.head_rows])) < 2:
        raise SkippedError(
            "the images to learn from are of one class only, which would teach the model to name it always. Label "
            "images of a second class, or keep old images beside them."
        )
    torch.manual_seed(job.recipe.run.seed)
    model = copy.deepcopy(job.source)
    run = job.bench.training_run(model, lessons, folder)
    run.resume()
    fit(run, phases)
    sizes = count_parameters(model, run.groups)
    trained = {group for phase in phases for group in phase.lr_scale}
    return Tuned(
        model,
        head_only=all(run.is_head_only(phase) for phase in phases),
        interpolate=interpolate,
        trained_parameters=sum(sizes[group] for group in trained),
        phases=describe_phases(phases, sizes, (run.settings.lr, run.settings.head_lr)),
        history=run.progress.history,
        notes=notes,
    )
