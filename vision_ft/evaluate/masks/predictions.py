"""The predictions file of segmentation: what each image's label map got right, and where the map itself lies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from vision_ft.errors import DataError
from vision_ft.evaluate.masks.metrics import MASK_METRICS, ClassAreas, areas_of
from vision_ft.evaluate.predictions_file import of_images, read_of_task, texts, write_table
from vision_ft.types import SEGMENTATION

TASK = SEGMENTATION


@dataclass(frozen=True, kw_only=True, eq=False)
class MaskPredictions:
    """One split's predicted label maps, in pixels of the original images.

    Attributes:
        classes: K names; indices below are positions in it.
        paths: N paths, relative to the data's root.
        confusion: (N, K, K) int64 counted pixels by true class (row) and predicted class (column).
        boundary: (N, K, 4) int64 met predicted, predicted, met true, true boundary pixels.
        confidence: (N,) mean over the pixels of the highest probability.
        ignored: (N,) int64 pixels that do not count.
        groups: (N,) camera, site, ... of each image or None, or None for all.
        ids: (N,) row of each image in data.parquet, or None.
        masks: N paths of the predicted label maps, relative to the folder of predictions, or None.
        targets: N paths of the true masks, relative to the data's root, or None.

    Raises:
        DataError: an array does not have the shape that the classes and the paths ask for, or holds a negative count.
    """

    classes: tuple[str, ...]
    paths: Sequence[str]
    confusion: np.ndarray
    boundary: np.ndarray
    confidence: np.ndarray
    ignored: np.ndarray
    groups: np.ndarray | None = None
    ids: np.ndarray | None = None
    masks: Sequence[str | None] | None = None
    targets: Sequence[str | None] | None = None

    def __post_init__(self) -> None:
        count, num_classes = len(self.paths), len(self.classes)
        shapes: dict[str, tuple[int, ...]] = {
            "confusion": (count, num_classes, num_classes),
            "boundary": (count, num_classes, 4),
            "ignored": (count,),
            "confidence": (count,),
        } | {name: (count,) for name in ("groups", "ids", "masks", "targets") if getattr(self, name) is not None}
        for name, shape in shapes.items():
            if np.shape(getattr(self, name)) != shape:
                raise DataError(
                    f"mask predictions: {name} has shape {np.shape(getattr(self, name))}, expected {shape} for "
                    f"{count} images of {num_classes} classes"
                )
        for name in ("confusion", "boundary", "ignored"):
            if (getattr(self, name) < 0).any():
                raise DataError(f"mask predictions: {name} holds {getattr(self, name).min()}; it counts pixels, from 0")

    def __len__(self) -> int:
        return len(self.paths)

    @property
    def task(self) -> str:
        """What the model does."""
        return TASK

    @cached_property
    def areas(self) -> np.ndarray:
        """Pixels (N, 3, K) of each image and class: right, true, predicted; what the metrics need of `confusion`."""
        areas = areas_of(self.confusion)
        return np.stack([areas.hits, areas.true, areas.predicted], axis=1).astype(np.float64)

    @property
    def counted(self) -> np.ndarray:
        """Pixels (N,) of each image that count."""
        found: np.ndarray = self.confusion.sum(axis=(1, 2))
        return found

    def headline(self, weights: np.ndarray | None = None) -> dict[str, float]:
        """Return each metric of `MASK_METRICS` over all images, NaN where no pixel counts.

        Args:
            weights: (N,) how often each image counts, such as the draws of a bootstrap; once each if None.
        """
        held = self.areas.sum(axis=0) if weights is None else np.tensordot(weights, self.areas, axes=1)
        return {name: float(metric.compute(ClassAreas(*held))) for name, metric in MASK_METRICS.items()}


def write_mask_predictions(file: Path, predictions: MaskPredictions) -> None:
    """Write predictions/<split>.parquet, whole or not at all."""
    count, num_classes = len(predictions), len(predictions.classes)
    columns: dict[str, pa.Array] = {
        "confusion": _rows(predictions.confusion, num_classes**2),
        "boundary": _rows(predictions.boundary, num_classes * 4),
        "confidence": pa.array(np.asarray(predictions.confidence, np.float64)),
        "ignored": pa.array(np.asarray(predictions.ignored, np.int64)),
    }
    for name, found in (("mask", predictions.masks), ("target", predictions.targets)):
        columns[name] = pa.array([None] * count if found is None else list(found), pa.string())
    write_table(file, predictions, columns)


def _rows(counts: np.ndarray, width: int) -> pa.FixedSizeListArray:
    values = np.ascontiguousarray(counts, np.int64).reshape(-1)
    return pa.FixedSizeListArray.from_arrays(pa.array(values), width)


def read_mask_predictions(file: Path) -> MaskPredictions:
    """Read a predictions parquet that `write_mask_predictions` wrote.

    Raises:
        DataError: the file is missing, damaged, of a newer format or of another task, or lacks a column.
    """
    table, about = read_of_task(file, TASK, ("confusion", "boundary", "confidence", "ignored"))
    classes = tuple(about["classes"])
    values: dict[str, Any] = {
        "confusion": _counts(table, "confusion", (len(classes), len(classes)), file=file),
        "boundary": _counts(table, "boundary", (len(classes), 4), file=file),
        "masks": texts(table, "mask"),
        "targets": texts(table, "target"),
        **{name: table.column(name).to_numpy() for name in ("confidence", "ignored")},
        **of_images(table),
    }
    try:
        return MaskPredictions(classes=classes, **values)
    except DataError as err:
        raise DataError(f"{file}: {err}") from err


def _counts(table: pa.Table, name: str, shape: tuple[int, int], *, file: Path) -> np.ndarray:
    """Counts (N, *shape) int64 of a list column."""
    values = np.asarray(table.column(name).combine_chunks().flatten(), np.int64)
    if len(values) != len(table) * shape[0] * shape[1]:
        raise DataError(
            f"{file}: column {name!r} holds {len(values)} numbers for {len(table)} images of {shape[0]} classes; "
            f"expected {shape[0] * shape[1]} an image"
        )
    return values.reshape(len(table), *shape)
