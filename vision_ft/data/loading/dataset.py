"""Images of a sample table as tensors: decoded once, augmented from (seed, epoch, sample)."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import Dataset

from vision_ft.data.images.decode import decode
from vision_ft.data.loading.targets import LabelTruth, Movement, Truth
from vision_ft.data.table import SampleTable
from vision_ft.types import Batch, Preprocessing

Sample = tuple[Tensor, Any, int]  # image (C, H, W), its target, row
EvalTransform = Callable[[Image.Image], Tensor]


def sample_seed(seed: int, epoch: int, row: int) -> int:
    """Return the 32-bit seed of one sample in one epoch; the same in any process."""
    return int(np.random.SeedSequence((seed, epoch, row)).generate_state(1)[0])


class DecodedImages:
    """Decoded images kept in memory, as long as they fit a budget.

    Args:
        table: the sample table.
        rows: row numbers that may be kept.
        channels: 1 or 3.
        min_side_px: JPEG files may be decoded at a reduced scale whose shorter side is at least this; None for full.
        budget_bytes: nothing is kept when the images need more than this.
    """

    def __init__(
        self, table: SampleTable, rows: Sequence[int], *, channels: int, min_side_px: int | None, budget_bytes: int
    ) -> None:
        self.table = table
        self.channels = channels
        self.min_side_px = min_side_px
        self.kept: dict[int, np.ndarray] = {}
        self._rows = [int(row) for row in rows]
        self._budget_bytes = budget_bytes

    def fill(self, *, threads: int) -> None:
        """Decode all images now, if they fit; the arrays are shared with forked workers."""
        if not self._rows or self.kept:
            return
        probe = self._rows[:: max(len(self._rows) // 16, 1)]
        mean_bytes = float(np.mean([self._decode(row).nbytes for row in probe]))
        if mean_bytes * len(self._rows) > self._budget_bytes:
            return
        with ThreadPoolExecutor(threads) as pool:  # Pillow releases the interpreter lock while it decodes
            self.kept = dict(zip(self._rows, pool.map(self._decode, self._rows), strict=True))

    def _decode(self, row: int) -> np.ndarray:
        picture = decode(self.table.path(row), channels=self.channels, min_side=self.min_side_px)
        array = np.asarray(picture)
        return array if array.ndim == 3 else array[:, :, None]

    def __getitem__(self, row: int) -> np.ndarray:
        """Return the image of a row, (H, W, C) uint8."""
        return self.kept[row] if row in self.kept else self._decode(row)


class TrainImages(Dataset[Sample]):
    """Augmented training images, indexed by (epoch, row).

    The epoch is part of the index, not a state of the dataset: persistent workers hold copies that no setter reaches.
    """

    def __init__(
        self,
        pictures: DecodedImages,
        *,
        augment: Movement,
        preprocessing: Preprocessing,
        seed: int,
        truth: Truth | None = None,
    ) -> None:
        self.pictures = pictures
        self.augment = augment
        self.preprocessing = preprocessing
        self.seed = seed
        self.truth = truth or LabelTruth(pictures.table.labels)

    def __getitem__(self, index: tuple[int, int]) -> Sample:
        """Return one augmented, normalised image (C, H, W) with its target and row."""
        epoch, row = index
        seed = sample_seed(self.seed, epoch, row)
        image, target = self.truth.augmented(row, self.pictures[row], seed, self.augment)
        return normalise(image, self.preprocessing), target, row

    def collate(self, samples: Sequence[Sample]) -> Batch:
        """Stack samples into a batch."""
        return collate(samples, self.truth)


class EvalImages(Dataset[Sample]):
    """Images as validation, predict and export see them, indexed by row; they are kept while they fit a budget."""

    def __init__(
        self,
        table: SampleTable,
        *,
        transform: EvalTransform,
        channels: int,
        keep_bytes: int = 0,
        truth: Truth | None = None,
    ) -> None:
        self.table = table
        self.transform = transform
        self.channels = channels
        self._keep_bytes = keep_bytes
        self._kept: dict[int, tuple[Tensor, Any]] = {}
        self.truth = truth or LabelTruth(table.labels)

    def __getitems__(self, rows: Sequence[int]) -> list[Sample]:
        """Return a batch, as torch's loader asks for it; Pillow frees the interpreter lock, so threads help."""
        if torch.utils.data.get_worker_info() is not None or len(rows) < 2:
            return [self[row] for row in rows]
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            return list(pool.map(self.__getitem__, rows))

    def __getitem__(self, row: int) -> Sample:
        """Return one preprocessed image (C, H, W) with its target and row."""
        kept = self._kept.get(row)
        if kept is None:
            picture = decode(self.table.path(row), channels=self.channels)
            image = self.transform(picture)
            kept = image, self.truth.plain(row, (picture.height, picture.width))
            size_bytes = image.numel() * image.element_size()
            if size_bytes <= self._keep_bytes:
                self._keep_bytes -= size_bytes
                self._kept[row] = kept
        return *kept, row

    def collate(self, samples: Sequence[Sample]) -> Batch:
        """Stack samples into a batch."""
        return collate(samples, self.truth)


def normalise(image: np.ndarray, preprocessing: Preprocessing) -> Tensor:
    """Turn an image (H, W, C) uint8 into a normalised tensor (C, H, W), as timm's evaluation transform does."""
    tensor = torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1))).float().div_(255)
    mean = torch.tensor(preprocessing.mean).view(-1, 1, 1)
    std = torch.tensor(preprocessing.std).view(-1, 1, 1)
    return tensor.sub_(mean).div_(std)


def collate(samples: Sequence[Sample], truth: Truth) -> Batch:
    """Stack samples into a batch."""
    images, targets, rows = zip(*samples, strict=True)
    return Batch(torch.stack(images), truth.collate(targets), torch.tensor(rows))
