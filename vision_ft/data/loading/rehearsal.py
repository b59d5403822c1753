"""Batches of new images with a share of old ones, so that training on a new camera does not forget the old."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from vision_ft.data.loading.loaders import EpochBatches, Index
from vision_ft.errors import RecipeError

SHARE = 0.25  # of a batch; a starting point, not a measured optimum


@dataclass(frozen=True)
class Memory:
    """Old images that are shown again.

    Attributes:
        rows: (M,) row numbers in the sample table, none of them a new row.
        labels: (M,) class index of each of them.
        share: share of a batch that is drawn from them, in [0, 1).
    """

    rows: np.ndarray
    labels: np.ndarray
    share: float = SHARE

    def __post_init__(self) -> None:
        if not 0 <= self.share < 1:
            raise RecipeError(f"rehearsal share: got {self.share}; allowed: 0 up to, but not including, 1.")
        if len(self.rows) != len(self.labels):
            raise ValueError(f"{len(self.rows)} rows of memory have {len(self.labels)} labels")


class RehearsalBatches(EpochBatches):
    """Batches of (epoch, row): new rows of the epoch's permutation, and beside them old rows from the memory.

    Experience replay (Chaudhry 2019, arXiv:1902.10486, alg. 1). The old rows of a batch are class-balanced: classes
    take turns, whatever their sizes. No old row comes twice in an epoch before its class is used up. Everything
    depends on (seed, epoch, rank) only, so that a resumed run sees the same batches.

    Args:
        rows: row numbers of the new images.
        memory: the old images; without rows, or with a share of 0, all batches are new.
        batch_size: new and old images of a batch over all ranks.
        seed: the run's seed.
        rank: this process.
        world_size: number of processes.
        weights: relative chance of each new row, drawn with replacement; None visits every row.
        repeats: how often an epoch visits the new rows; more than once where they are few.

    Raises:
        RecipeError: `repeats` is below 1.
    """

    def __init__(
        self,
        rows: np.ndarray,
        memory: Memory,
        *,
        batch_size: int,
        seed: int,
        rank: int = 0,
        world_size: int = 1,
        weights: np.ndarray | None = None,
        repeats: int = 1,
    ) -> None:
        if repeats < 1:
            raise RecipeError(f"rehearsal repeats: got {repeats}; allowed: 1 or more.")
        self.new_rows, self.memory, self.repeats = np.asarray(rows), memory, repeats
        everything = np.union1d(rows, memory.rows).astype(np.int64)
        super().__init__(everything, batch_size=batch_size, seed=seed, rank=rank, world_size=world_size)
        self.weights = None if weights is None else np.asarray(weights, dtype=np.float64) / np.sum(weights)
        share = memory.share if len(memory.rows) else 0.0
        # At least one old row and one new row: a share that rounds to no old row would be no rehearsal.
        self._old_per_batch = min(max(round(share * self.per_rank), 1), max(self.per_rank - 1, 1)) if share else 0
        self.per_rank = max(self.per_rank - self._old_per_batch, 1)

    @property
    def num_pictures(self) -> int:
        """Images that an epoch shows, over all ranks."""
        return len(self.new_rows) * self.repeats + self.world_size * sum(self._memory_sizes())

    def order(self) -> np.ndarray:
        """Return this epoch's new rows over all ranks."""
        rng = np.random.default_rng((self.seed, self._epoch))
        if self.weights is not None:
            return rng.choice(self.new_rows, size=len(self.new_rows) * self.repeats, p=self.weights)
        return np.concatenate([rng.permutation(self.new_rows) for _ in range(self.repeats)])

    def memory_order(self, length: int) -> np.ndarray:
        """Return `length` old rows over all ranks: classes take turns, in a new order each round."""
        rng = np.random.default_rng((self.seed, self._epoch, 1))  # its own stream, apart from that of the new rows
        queues = {label: self.memory.rows[self.memory.labels == label] for label in np.unique(self.memory.labels)}
        streams = {label: _endless(rows, rng) for label, rows in queues.items()}
        found: list[int] = []
        while len(found) < length:
            found += [next(streams[label]) for label in rng.permutation(list(streams))]
        return np.array(found[:length], dtype=np.int64)

    def __iter__(self) -> Iterator[list[Index]]:
        cuts = np.cumsum([0, *self._memory_sizes()])
        old = self.memory_order(int(cuts[-1]) * self.world_size)[self.rank :: self.world_size]
        parts = zip(cuts[self._skip : -1], cuts[self._skip + 1 :], super().__iter__(), strict=True)
        for start, end, batch in parts:
            yield [*batch, *((self._epoch, int(row)) for row in old[start:end])]

    def _num_local(self) -> int:
        return -(-len(self.new_rows) * self.repeats // self.world_size)

    def _memory_sizes(self) -> list[int]:
        """Return how many old rows this rank adds to each batch of the epoch; a shorter last batch gets fewer."""
        if not self._old_per_batch:
            return [0] * len(self)
        sizes = np.diff(self._borders())
        return [max(round(size * self._old_per_batch / self.per_rank), 1) for size in sizes.tolist()]


def _endless(rows: np.ndarray, rng: np.random.Generator) -> Iterator[int]:
    """Yield all rows in a random order, then again in another one, without end."""
    while True:
        yield from (int(row) for row in rng.permutation(rows))
