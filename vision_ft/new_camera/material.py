"""Inputs (`Job`) and result (`Tuned`) of a candidate."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from vision_ft.config.schema.recipe import Recipe
from vision_ft.data.table import SampleTable
from vision_ft.models.assemble import VisionModel
from vision_ft.new_camera.judging import Judge
from vision_ft.wiring.candidate_trainer import CandidateTrainer


class SkippedError(Exception):
    """A candidate cannot be made here; the text says why."""


@dataclass(frozen=True)
class Job:
    """What every candidate is made from.

    Attributes:
        recipe: all that decides the adaptation.
        table: images of both cameras.
        source: the source model, with rows for added classes; never changed.
        bench: opens images and builds runs.
        new_train: labelled rows of the new camera to train on.
        old_train: labelled rows of the old cameras to train on.
        unlabelled: rows of the new camera that may be looked at without labels; none of its test.
        memory: old rows that are rehearsed.
        val_rows: rows of both cameras, equally many, that choose an epoch.
        scores_of: rows -> probabilities (N, K) of the source model; None where an image has not one label.
        shift_kind: "lighting", "image", "labels" or "none", from the shift measures.
        judge: tells what a model is worth on each camera.
    """

    recipe: Recipe
    table: SampleTable
    source: VisionModel
    bench: CandidateTrainer
    new_train: np.ndarray
    old_train: np.ndarray
    unlabelled: np.ndarray
    memory: np.ndarray
    val_rows: np.ndarray
    scores_of: Callable[[np.ndarray], np.ndarray] | None
    shift_kind: str
    judge: Judge

    @property
    def epochs(self) -> int | None:
        """Passes over the new images that the recipe asks for."""
        return self.recipe.strategy.epochs


@dataclass(frozen=True)
class Tuned:
    """What a candidate became.

    Attributes:
        model: the tuned weights.
        head_only: whether the backbone is the source's, so that cached features serve.
        interpolate: whether val chooses a mixture with the source weights.
        trained_parameters: how many were trained.
        phases: as plan.json lists them.
        history: lines of log.jsonl.
        notes: sentences for the report.
    """

    model: VisionModel
    head_only: bool = False
    interpolate: bool = False
    trained_parameters: int = 0
    phases: Sequence[Mapping[str, Any]] = ()
    history: Sequence[Mapping[str, Any]] = ()
    notes: Sequence[str] = ()
