"""Loaders whose order depends on (seed, epoch, rank) only, and that can start in the middle of an epoch."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset, Sampler

from vision_ft.data.loading.dataset import EvalImages, Sample, TrainImages
from vision_ft.types import Batch

Index = tuple[int, int]  # (epoch, row)


class AugmentedView(Dataset[Sample]):
    """One augmented view of the training images, indexed by row; the view takes the place of the epoch."""

    def __init__(self, pictures: TrainImages, view: int) -> None:
        self.pictures, self.view = pictures, view

    def __getitem__(self, row: int) -> Sample:
        """Return one augmented image (C, H, W) with its target and row."""
        return self.pictures[(self.view, row)]

    def collate(self, samples: Sequence[Sample]) -> Batch:
        """Stack samples into a batch."""
        return self.pictures.collate(samples)


class EpochBatches(Sampler[list[Index]]):
    """Batches of (epoch, row) in an order that depends on (seed, epoch) and is dealt out to the ranks.

    We own the sampler, since wrappers of distributed libraries restart their epoch counter on resume.

    Args:
        rows: row numbers of the training images.
        batch_size: images a batch over all ranks.
        seed: the run's seed.
        rank: this process.
        world_size: number of processes; every rank gets equally many batches of equal size, so the last ones may
            repeat images from the epoch's start, as DistributedSampler does.
        weights: relative chance of each row, drawn with replacement; None visits every row once.
    """

    def __init__(
        self,
        rows: np.ndarray,
        *,
        batch_size: int,
        seed: int,
        rank: int = 0,
        world_size: int = 1,
        weights: np.ndarray | None = None,
    ) -> None:
        self.rows = np.asarray(rows)
        self.per_rank = max(batch_size // world_size, 1)
        self.seed, self.rank, self.world_size = seed, rank, world_size
        self.weights = None if weights is None else np.asarray(weights, dtype=np.float64) / np.sum(weights)
        self._epoch, self._skip = 0, 0

    def begin(self, epoch: int, *, skip: int = 0) -> None:
        """Choose the epoch, and how many of its batches are already done."""
        self._epoch, self._skip = epoch, skip

    def __len__(self) -> int:
        return len(self._borders()) - 1

    @property
    def num_pictures(self) -> int:
        """Images that an epoch shows, over all ranks."""
        return len(self.rows)

    def _num_local(self) -> int:
        return -(-len(self.rows) // self.world_size)

    def _borders(self) -> list[int]:
        """Return where this rank's order is cut; BatchNorm needs two images, so a last single one joins others."""
        borders = [*range(0, self._num_local(), self.per_rank), self._num_local()]
        if len(borders) > 2 and borders[-1] - borders[-2] == 1:
            del borders[-2]
        return borders

    def order(self) -> np.ndarray:
        """Return this epoch's rows over all ranks."""
        rng = np.random.default_rng((self.seed, self._epoch))
        if self.weights is None:
            return rng.permutation(self.rows)
        return rng.choice(self.rows, size=len(self.rows), replace=True, p=self.weights)

    def __iter__(self) -> Iterator[list[Index]]:
        local = np.resize(self.order(), self._num_local() * self.world_size)[self.rank :: self.world_size]
        borders = self._borders()
        for start, end in list(zip(borders, borders[1:], strict=False))[self._skip :]:
            yield [(self._epoch, int(row)) for row in local[start:end]]


def build_train_loader(
    dataset: TrainImages, batches: EpochBatches, *, workers: int, pin_memory: bool = False
) -> DataLoader[Any]:
    """Build the loader of augmented training images; yields `Batch`."""
    return DataLoader(
        dataset,
        batch_sampler=batches,
        num_workers=workers,
        collate_fn=dataset.collate,
        persistent_workers=workers > 0,
        pin_memory=pin_memory,
        generator=torch.Generator(),  # its own, so that starting an epoch does not move the global random state
        multiprocessing_context=_context(workers),
        worker_init_fn=_single_thread if workers else None,
    )


def build_eval_loader(
    dataset: EvalImages | AugmentedView, rows: Sequence[int] | np.ndarray, *, batch_size: int, workers: int
) -> DataLoader[Any]:
    """Build the loader of evaluation images, in the order of `rows`; yields `Batch`."""
    order = [int(row) for row in rows]
    return DataLoader(
        dataset,
        batch_size=batch_size,
        sampler=order,
        generator=torch.Generator(),
        num_workers=workers,
        collate_fn=dataset.collate,
        multiprocessing_context=_context(workers),
        worker_init_fn=_single_thread if workers else None,
    )


def _context(workers: int) -> multiprocessing.context.BaseContext | None:
    """Fork where the system can: the decoded images are then shared with the workers, not copied."""
    if not workers:
        return None
    return multiprocessing.get_context("fork" if "fork" in multiprocessing.get_all_start_methods() else "spawn")


def _single_thread(_worker: int) -> None:
    """Keep a worker to one thread, so that workers and the training process do not fight for the cores."""
    torch.set_num_threads(1)
