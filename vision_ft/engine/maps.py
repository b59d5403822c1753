"""Maps of a frozen backbone, computed once: one row of numbers per image, read from disk a batch at a time."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from vision_ft.engine.features import FeatureWork, Part, PartFolder, compute_missing
from vision_ft.errors import TrainingError
from vision_ft.models.assemble import DenseModel
from vision_ft.models.stages import FrozenAware
from vision_ft.types import Batch, Target

FOLDER = "maps"  # below the cache's root
PART_BYTES = 64 * 2**20  # so much work is lost at most when an extraction is killed
EVAL_BATCH = 32


@dataclass(frozen=True)
class MapLayout:
    """How the maps of one image lie in a row of numbers.

    Attributes:
        shapes: level of the backbone's pyramid -> (C, h, w) of its map, for the levels that the head reads.
        num_levels: maps of the whole pyramid.
        size: (H, W) of the images.
    """

    shapes: Mapping[int, tuple[int, ...]]
    num_levels: int
    size: tuple[int, int]

    @classmethod
    def of(cls, model: DenseModel) -> MapLayout:
        """Look at the maps of one empty image."""
        channels, height, width = model.backbone.preprocessing.size
        neck: Any = model.head.neck
        device = next(model.parameters()).device
        was_training = model.training
        with torch.inference_mode():
            maps = model.eval().forward_features(torch.zeros(1, channels, height, width, device=device))
        model.train(was_training)
        return cls(
            {level: tuple(maps[level].shape[1:]) for level in sorted(set(neck.sources))},
            len(maps),
            (height, width),
        )

    @property
    def numbers(self) -> int:
        """Length S of a row."""
        return sum(int(np.prod(shape)) for shape in self.shapes.values())

    def pack(self, maps: Sequence[Tensor]) -> Tensor:
        """Put a whole pyramid (B, C, h, w) into rows (B, S); maps that the head does not read are left out."""
        return torch.cat([maps[level].float().flatten(1) for level in self.shapes], dim=1)

    def unpack(self, rows: Tensor) -> list[Tensor]:
        """Put rows (B, S) back into a pyramid of float32 maps (B, C, h, w), empty where the head does not read one."""
        pyramid = [rows.new_empty(len(rows), 0, dtype=torch.float32)] * self.num_levels
        parts = rows.split([int(np.prod(shape)) for shape in self.shapes.values()], dim=1)
        for (level, shape), part in zip(self.shapes.items(), parts, strict=True):
            # As the backbone's convolutions give them, so that the head's run the same kernels.
            pyramid[level] = part.float().unflatten(1, shape).contiguous(memory_format=torch.channels_last)
        return pyramid


class MapReader(FrozenAware):
    """The head of a model, read from rows of cached maps; its parameters have the names they have in the model.

    Args:
        model: whose head it is.
        layout: of the rows.
    """

    def __init__(self, model: DenseModel, layout: MapLayout) -> None:
        super().__init__()
        self.head = model.head
        self.layout = layout
        frozen = {id(module) for module in model.frozen_modules}
        self.frozen_modules = tuple(module for module in model.head.modules() if id(module) in frozen)

    def forward(self, rows: Tensor, target: Target | None = None) -> Any:
        """Map rows (B, S) to what the model gives for their images."""
        return self.head(self.layout.unpack(rows), self.layout.size, target)


class StoredRows:
    """Rows on disk, in the order of a list of images.

    Args:
        parts: the files.
        places: for each image the part and the row in it.
    """

    def __init__(self, parts: Sequence[Part], places: Sequence[tuple[int, int]]) -> None:
        self._parts, self._places = parts, places

    def __len__(self) -> int:
        return len(self._places)

    def read(self, positions: Sequence[int]) -> Tensor:
        """Return rows (B, S) as they are stored."""
        found = [self._parts[part].rows[row] for part, row in (self._places[position] for position in positions)]
        return torch.from_numpy(np.stack(found))


class MapCache(PartFolder):
    """A folder of maps of one backbone, preprocessing and view.

    float16 halves disk and reading, and rounds by 0.05%; what is larger than it can say is cut to its largest number.

    Args:
        root: the cache's folder.
        key: whatever decides the maps beside the image itself; any difference is another folder.
        numbers: length S of a row.
        dtype: "float16" or "float32".
    """

    def __init__(self, root: Path, key: dict[str, Any], *, numbers: int, dtype: str = "float16") -> None:
        row_bytes = numbers * np.dtype(dtype).itemsize
        super().__init__(
            root, {**key, "dtype": dtype}, kind=FOLDER, dtype=dtype, part_rows=max(PART_BYTES // row_bytes, 1)
        )

    def add(self, hashes: Sequence[str], rows: np.ndarray) -> None:
        """Write one more part.

        Raises:
            TrainingError: the disk is full or the folder cannot be written.
        """
        try:
            super().add(hashes, rows)
        except OSError as err:
            raise TrainingError(
                f"{self.folder}: maps of the frozen backbone could not be written ({err.strerror}). Free some space, "
                "or set run.maps_budget_mb to 0 to compute them anew in each epoch."
            ) from err

    def open(self, hashes: Sequence[str]) -> tuple[StoredRows, np.ndarray]:
        """Return the rows of images, and which are known (N,); parts that are used become the youngest."""
        places: dict[str, tuple[int, int]] = {}
        wanted, used = set(hashes), list[Part]()
        for part in self.parts():
            fresh = [row for row, value in enumerate(part.hashes) if value in wanted and value not in places]
            if fresh:  # the first part wins: the same image never changes its maps
                places |= {part.hashes[row]: (len(used), row) for row in reversed(fresh)}
                used.append(part)
                with suppress(OSError):  # a folder that is only read has no order to keep
                    os.utime(part.file)
        known = np.array([value in places for value in hashes], dtype=bool)
        return StoredRows(used, [places.get(value, (0, 0)) for value in hashes]), known


def cached_maps(cache: MapCache, hashes: Sequence[str], work: FeatureWork) -> StoredRows:
    """Return the maps of images, computing those that the cache lacks.

    Raises:
        Terminated: asked to end; what was computed is kept.
        TrainingError: another run took the room.
    """
    rows, known = cache.open(hashes)
    if compute_missing(cache, hashes, known, work):
        rows, known = cache.open(hashes)
    if not known.all():
        raise TrainingError(
            f"{cache.folder}: {int((~known).sum())} of {len(known)} maps are gone, though they were just written; "
            "another run needed the room. Resume when it is done, or raise run.maps_budget_mb."
        )
    return rows


def make_room(root: Path, *, need_bytes: int, budget_bytes: int) -> int:
    """Remove the parts that were not used for longest, until `need_bytes` more fit; return how many were removed.

    A run that has opened a part goes on reading it, for its file only loses its name.
    """
    files = [(file.stat(), file) for file in (root / FOLDER).glob("*/*.safetensors")]
    files.sort(key=lambda one: one[0].st_mtime_ns)
    held, removed = sum(stat.st_size for stat, _ in files), 0
    for stat, file in files:
        if held + need_bytes <= budget_bytes:
            break
        with suppress(PermissionError):  # Windows keeps what a run reads
            file.unlink(missing_ok=True)
            held, removed = held - stat.st_size, removed + 1
    return removed


@dataclass(frozen=True)
class CachedMaps:
    """Maps of training and val images with their targets.

    Attributes:
        views: of the training images, the first not augmented; epoch e reads view e mod V.
        train: row number -> position in each view.
        val: maps of val images.
        val_rows: row number -> position in `val`.
        target: (view, row number) -> the target of the image.
        collate: targets of images -> its target.
    """

    views: Sequence[StoredRows]
    train: Mapping[int, int]
    val: StoredRows
    val_rows: Mapping[int, int]
    target: Callable[[int, int], Any]
    collate: Callable[[Sequence[Any]], Target]

    def training_batch(self, epoch: int, rows: Sequence[int]) -> Batch:
        """Return the rows as the view of an epoch shows them."""
        view = epoch % len(self.views)
        return self._batch(self.views[view], [self.train[row] for row in rows], rows, view=view)

    def load(self, rows: np.ndarray) -> Iterator[Batch]:
        """Return batches of val rows, in their order."""
        numbers = [int(row) for row in rows]
        for start in range(0, len(numbers), EVAL_BATCH):
            part = numbers[start : start + EVAL_BATCH]
            yield self._batch(self.val, [self.val_rows[row] for row in part], part, view=0)

    def _batch(self, stored: StoredRows, positions: Sequence[int], rows: Sequence[int], *, view: int) -> Batch:
        target = self.collate([self.target(view, row) for row in rows])
        return Batch(stored.read(positions), target, torch.tensor(rows))


@dataclass(frozen=True)
class MapLoader:
    """Batches of cached maps in place of images; has the same order as the image loader would have.

    Attributes:
        maps: of the training images.
        batches: the sampler, which yields lists of (epoch, row).
    """

    maps: CachedMaps
    batches: Any

    def __len__(self) -> int:
        return len(self.batches)

    def __iter__(self) -> Iterator[Batch]:
        for indices in self.batches:
            yield self.maps.training_batch(indices[0][0], [row for _, row in indices])


class MapSource(Protocol):
    """Gives cached maps and the head that reads them."""

    def reader(self) -> nn.Module:
        """Return the model's head as it reads rows of maps."""

    def open(self, train_rows: np.ndarray, val_rows: np.ndarray, views: int) -> CachedMaps:
        """Compute what is missing, all processes together, and open the maps."""
