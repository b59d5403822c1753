"""The candidates for a new camera: each turns a copy of the source model into another one, and owns no loop."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from vision_ft.adaptation.batchnorm import Statistics, collect_statistics, has_batchnorm, reestimate
from vision_ft.adaptation.entropy import minimise_entropy
from vision_ft.adaptation.pseudo_labels import choose
from vision_ft.errors import DataError, ModelError
from vision_ft.models.stages import parameter_groups
from vision_ft.new_camera.material import Job, SkippedError, Tuned
from vision_ft.new_camera.measures import normalised_part
from vision_ft.new_camera.training import epochs_of, lessons_from, plan_strategy, solver_of, train
from vision_ft.strategies.head_first import plan_head
from vision_ft.types import Phase
from vision_ft.wiring.candidate_trainer import TrainingRows
from vision_ft.wiring.domains import NEW, domains

MAX_UNLABELLED = 512  # images that are looked at without labels; more change the statistics little


@dataclass(frozen=True)
class Candidate:
    """A way to a model for the new camera, as the registry holds it.

    Attributes:
        title: what the report calls it.
        needs_labels: whether it reads labels of the new camera.
        on_request: whether it is made only when asked for.
        make: `make(job, folder) -> Tuned`; keeps its state in the folder, raises `SkippedError`.
        is_baseline: whether it is shown but never recommended.
    """

    title: str
    needs_labels: bool
    on_request: bool
    make: Callable[[Job, Path], Tuned]
    is_baseline: bool = False


def _source(job: Job, _folder: Path) -> Tuned:
    return Tuned(job.source, head_only=True)


def _batchnorm(job: Job, _folder: Path) -> Tuned:
    """Re-estimate BatchNorm on unlabelled images of the new camera."""
    if not has_batchnorm(job.source.backbone):
        raise SkippedError("the backbone has no BatchNorm (a ViT, for one): there is nothing to re-estimate.")
    rows = _shuffled(job.unlabelled, job.recipe.run.seed)[:MAX_UNLABELLED]
    model = copy.deepcopy(job.source)
    prior = job.recipe.adapt.batchnorm_prior
    try:
        reestimate(normalised_part(model), _images(job, rows), count=len(rows), prior=prior, reference=_reference(job))
    except (DataError, ModelError) as err:
        raise SkippedError(str(err)) from err
    share = len(rows) / (len(rows) + prior)
    return Tuned(model, notes=[f"{len(rows)} images; the new statistics weigh {share:.0%}, the source's the rest."])


def _reference(job: Job) -> Statistics | None:
    """What the source's layers see on the old cameras: a frozen backbone still stores what its pretraining saw."""
    rows = _shuffled(job.old_train, job.recipe.run.seed)[:MAX_UNLABELLED]
    return collect_statistics(normalised_part(job.source), _images(job, rows), adapted=False) if len(rows) else None


def _entropy(job: Job, _folder: Path) -> Tuned:
    """Minimise the entropy of the predictions for unlabelled images (TENT)."""
    _require_labels(job)
    model = copy.deepcopy(job.source)
    rows = _shuffled(job.unlabelled, job.recipe.run.seed)[:MAX_UNLABELLED]
    batches = list(_images(job, rows))  # gone through several times
    try:
        outcome = minimise_entropy(model, batches, prior=job.recipe.adapt.batchnorm_prior, reference=_reference(job))
    except (DataError, ModelError) as err:
        raise SkippedError(str(err)) from err
    if not outcome.kept:
        raise SkippedError(outcome.reason)
    return Tuned(model, trained_parameters=outcome.trained_parameters, notes=[outcome.reason])


def _pseudo_labels(job: Job, folder: Path) -> Tuned:
    """Fine-tune on the source model's own confident predictions."""
    scores = _require_labels(job)(job.unlabelled)
    try:
        chosen, labels = choose(scores, floor=job.recipe.adapt.confidence)
    except DataError as err:
        raise SkippedError(str(err)) from err
    rows = job.unlabelled[chosen]
    made = job.table.labels.copy()
    made[rows] = labels
    lessons = lessons_from(job, rows, epochs=epochs_of(job, "gradual-unfreeze"), val_rows=np.array([], np.int64))
    lessons = replace(lessons, labels=made)
    phases = plan_strategy(job, "gradual-unfreeze")
    floor = job.recipe.adapt.confidence
    note = f"{len(rows)} of {len(job.unlabelled)} images were predicted with a confidence of {floor:.0%} or more."
    return train(job, lessons, phases, folder, notes=[note])


def _require_labels(job: Job) -> Callable[[np.ndarray], np.ndarray]:
    """Return what gives the source's probabilities of rows."""
    if job.scores_of is None:
        raise SkippedError(f"it needs one label per image, and the task is {job.recipe.task}.")
    return job.scores_of


def _head(job: Job, folder: Path) -> Tuned:
    """Fit the head again on old and new: on cached features, or behind the frozen backbone."""
    groups = list(parameter_groups(job.source))
    if job.judge.reads_features:
        lessons = lessons_from(job, job.new_train, epochs=1)
        return train(job, lessons, [plan_head(groups, solver=solver_of(job))], folder)
    epochs = epochs_of(job, "full")  # such a head reads images, so its epochs cost as much as any
    lessons = lessons_from(job, job.new_train, epochs=epochs)
    return train(job, lessons, [plan_head(groups, solver="gradient", epochs=epochs)], folder)


def _strategy(name: str) -> Callable[[Job, Path], Tuned]:
    """Return the maker of a registered strategy with rehearsal, L2-SP and interpolation."""

    def make(job: Job, folder: Path) -> Tuned:
        return train(
            job, lessons_from(job, job.new_train, epochs=epochs_of(job, name)), plan_strategy(job, name), folder
        )

    return make


def _plain_full(job: Job, folder: Path) -> Tuned:
    """Fine-tune all layers on the new labels alone, as a plain training loop does."""
    groups = list(parameter_groups(job.source))
    epochs = epochs_of(job, "full")
    lessons = TrainingRows(
        new_rows=job.new_train,
        head_rows=job.new_train,
        memory=np.array([], np.int64),
        val_rows=job.val_rows[domains(job.table)[job.val_rows] == NEW],
        epochs=epochs,
    )
    phases = [Phase("all layers", epochs, dict.fromkeys(groups, 1.0))]
    return train(job, lessons, phases, folder, interpolate=False)


CANDIDATES: dict[str, Candidate] = {
    "source": Candidate("Source model, as it is", needs_labels=False, on_request=False, make=_source),
    "batchnorm": Candidate("BatchNorm re-estimated", needs_labels=False, on_request=False, make=_batchnorm),
    "entropy": Candidate("Entropy minimised (TENT)", needs_labels=False, on_request=True, make=_entropy),
    "pseudo-labels": Candidate("Pseudo-labels", needs_labels=False, on_request=True, make=_pseudo_labels),
    "head": Candidate("Head fitted again", needs_labels=True, on_request=False, make=_head),
    "gradual-unfreeze": Candidate(
        "Gradual unfreezing", needs_labels=True, on_request=False, make=_strategy("gradual-unfreeze")
    ),
    "surgical": Candidate("Surgical fine-tuning", needs_labels=True, on_request=False, make=_strategy("surgical")),
    "full": Candidate("Full fine-tuning", needs_labels=True, on_request=False, make=_strategy("full")),
    "plain-full": Candidate(
        "Plain full (baseline)",
        needs_labels=True,
        on_request=True,
        make=_plain_full,
        is_baseline=True,
    ),
}


def _images(job: Job, rows: np.ndarray) -> Any:
    return (batch.images for batch in job.bench.load_eval(rows))


def _shuffled(rows: np.ndarray, seed: int) -> np.ndarray:
    return np.random.default_rng((seed, 2)).permutation(rows)
