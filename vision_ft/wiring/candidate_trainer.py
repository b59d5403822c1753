"""From recipe, joined table and source model to training runs of adaptation candidates, which share their images."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor, nn

from vision_ft.config.schema.recipe import Recipe
from vision_ft.data.kinds import KINDS
from vision_ft.data.loading.cache import cache_dir
from vision_ft.data.loading.loaders import build_eval_loader, build_train_loader
from vision_ft.data.loading.rehearsal import Memory, RehearsalBatches
from vision_ft.data.table import SampleTable
from vision_ft.engine.run import Method, RunData, Services, TrainingRun
from vision_ft.models.assemble import VisionModel
from vision_ft.types import Batch
from vision_ft.wiring.features import FeatureSource
from vision_ft.wiring.training import (
    Pictures,
    build_mix,
    open_pictures,
    optim_settings,
    resolve_batchnorm,
    resolve_workers,
    task_for,
    view_key,
)


@dataclass(frozen=True)
class TrainingRows:
    """The rows that a candidate learns from, and how.

    Attributes:
        new_rows: rows that every epoch visits.
        head_rows: rows that the head is fitted on, by cached features.
        memory: old rows that are rehearsed; may be empty.
        val_rows: rows that choose the epoch and the head's regularisation; may be empty.
        epochs: of the strategy, so that the number of passes over the new rows can be found.
        row_weights: how much each row of the table counts in the head's fit; None counts all alike.
        penalty: added to the loss of every batch, such as L2-SP.
        labels: labels of all rows where they are not the table's own, such as pseudo-labels.
    """

    new_rows: np.ndarray
    head_rows: np.ndarray
    memory: np.ndarray
    val_rows: np.ndarray
    epochs: int
    row_weights: np.ndarray | None = None
    penalty: Callable[[nn.Module], Tensor] | None = None
    labels: np.ndarray | None = None


class CandidateTrainer:
    """Gives training runs of candidates; the images of both cameras are opened once for all of them.

    Args:
        recipe: all that decides the adaptation.
        table: from `join_domains`, limited to the labels that may be used.
        model: any model with the source's preprocessing.
        services: processes, the request to end, who listens; the folder is the run's.
    """

    def __init__(self, recipe: Recipe, table: SampleTable, model: VisionModel, services: Services) -> None:
        self.recipe, self.table, self.services = recipe, table, services
        self.task, self.kind = task_for(table), KINDS[table.task]
        self.workers = resolve_workers(recipe.run.workers, services.runtime.device)
        self.preprocessing = model.backbone.preprocessing
        self._model = model
        self._opened: dict[tuple[bytes, bytes], Pictures] = {}  # of the last candidate only: they may fill the memory

    @cached_property
    def pictures(self) -> Pictures:
        """All images of the table."""
        return open_pictures(self.recipe, self.table, self._model, keep_tensors=self.workers == 0, workers=self.workers)

    def load_eval(self, rows: np.ndarray) -> Iterable[Batch]:
        """Return batches of rows as validation sees them."""
        batch_size = 2 * self.recipe.optim.batch_size
        return build_eval_loader(self.pictures.plain, rows, batch_size=batch_size, workers=self.workers)

    def features_of(self, model: VisionModel) -> FeatureSource:
        """Return the cached features of a model whose backbone is not trained while they are asked for."""
        return FeatureSource(
            model,
            services=self.services,
            root=cache_dir() if self.recipe.run.cache else self.services.folder / "cache",
            workers=self.workers,
            plain=self.pictures.plain,
            augmented=self.pictures.training,
            view_key=view_key(self.recipe, self.table),
        )

    def training_run(self, model: VisionModel, learned: TrainingRows, folder: Path) -> TrainingRun:
        """Return a run of the engine that trains `model` in place and keeps its state in `folder`."""
        config = self.recipe.optim
        # rehearsal draws its batches itself; equal classes are then a matter of the loss
        settings = optim_settings(self.recipe)
        if learned.penalty is not None:  # it takes the place of weight decay, which pulls the same weights toward zero
            settings = replace(settings, weight_decay=0.0)
        imbalance = "weights" if config.imbalance == "sampler" else config.imbalance
        method = Method(
            task=self.task,
            loss=self.task.build_loss(
                self._count(learned), name=config.loss, imbalance=imbalance, label_smoothing=config.label_smoothing
            ),
            settings=settings,
            seed=self.recipe.run.seed,
            batchnorm=resolve_batchnorm(self.recipe),
            imbalance=imbalance,
            penalty=learned.penalty,
        )
        services = replace(self.services, folder=folder)
        return TrainingRun(model, self._run_data(model, learned), method, services)

    def _count(self, learned: TrainingRows) -> np.ndarray:
        """Return how often each class occurs (K,) in what is learned from: images, pixels or boxes."""
        return self.kind.count(self._table(learned), learned.head_rows)

    def _table(self, learned: TrainingRows) -> SampleTable:
        """Return the table with the labels that are learned from."""
        if learned.labels is None:
            return self.table
        if self.kind.with_labels is None:
            raise ValueError(f"other labels cannot be learned from for the task {self.table.task}")
        return self.kind.with_labels(self.table, learned.labels)

    def _run_data(self, model: VisionModel, learned: TrainingRows) -> RunData:
        table = self._table(learned)
        batches = self._batches(learned, table)

        @cache
        def train() -> Any:
            pictures = self._pictures_of(learned)
            pictures.decoded.fill(threads=os.cpu_count() or 1)
            return build_train_loader(pictures.training, batches, workers=self.workers)

        return RunData(
            train=train,
            batches=batches,
            train_rows=learned.head_rows,
            val_rows=learned.val_rows,
            labels=self.kind.labels(table),
            load_eval=self.load_eval,
            features=self.features_of(model) if model.takes == "pooled" else None,
            describe=self.table.relative_path,
            mix=build_mix(self.recipe, len(self.table.classes)),
            views=self.recipe.augment.views,
            row_weights=learned.row_weights,
        )

    def _pictures_of(self, learned: TrainingRows) -> Pictures:
        """The images that training reads; candidates that learn from the same ones share them."""
        rows = np.union1d(learned.new_rows, learned.memory)
        key = (rows.tobytes(), b"" if learned.labels is None else learned.labels.tobytes())
        if key not in self._opened:
            self._opened = {
                key: open_pictures(
                    self.recipe, self._table(learned), self._model, keep_tensors=False, rows=rows, workers=self.workers
                )
            }
        return self._opened[key]

    def _batches(self, learned: TrainingRows, table: SampleTable) -> RehearsalBatches:
        config, runtime = self.recipe.adapt, self.services.runtime
        share = config.rehearsal if len(learned.memory) else 0.0
        new_per_batch = max(round(self.recipe.optim.batch_size * (1 - share)), 1)
        steps = -(-len(learned.new_rows) // new_per_batch) * learned.epochs
        labels = self.kind.labels(table)
        taking_turns = labels if labels.ndim == 1 else self.kind.strata(table)  # of several labels the rarest
        return RehearsalBatches(
            learned.new_rows,
            Memory(learned.memory, taking_turns[learned.memory], share),
            batch_size=self.recipe.optim.batch_size,
            seed=self.recipe.run.seed,
            rank=runtime.rank,
            world_size=runtime.world_size,
            repeats=max(-(-config.min_steps // max(steps, 1)), 1),
        )
