"""The predictions file of segmentation: what each picture's label map got right, and where the map itself lies."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from vision_ft.errors import DataError
from vision_ft.evaluate.classification.predictions import FORMAT_VERSION, METADATA_KEY
from vision_ft.evaluate.masks.metrics import MASK_METRICS, ClassAreas, areas_of
from vision_ft.files import atomic_path
from vision_ft.types import SEGMENTATION

TASK = SEGMENTATION


@dataclass(frozen=True, kw_only=True, eq=False)
class MaskPredictions:
    """One split's predicted label maps, in pixels of the original pictures.

    Attributes:
        classes: K names; indices below are positions in it.
        paths: N paths, relative to the data's root.
        confusion: (N, K, K) int64 counted pixels by true class (row) and predicted class (column).
        boundary: (N, K, 4) int64 met predicted, predicted, met true, true boundary pixels.
        confidence: (N,) mean over the pixels of the highest probability.
        ignored: (N,) int64 pixels that do not count.
        groups: (N,) camera, site, ... of each picture or None, or None for all.
        ids: (N,) row of each picture in data.parquet, or None.
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
                    f"{count} pictures of {num_classes} classes"
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
        """Pixels (N, 3, K) of each picture and class: right, true, predicted; what the metrics need of `confusion`."""
        areas = areas_of(self.confusion)
        return np.stack([areas.hits, areas.true, areas.predicted], axis=1).astype(np.float64)

    @property
    def counted(self) -> np.ndarray:
        """Pixels (N,) of each picture that count."""
        found: np.ndarray = self.confusion.sum(axis=(1, 2))
        return found

    def headline(self, weights: np.ndarray | None = None) -> dict[str, float]:
        """Return each metric of `MASK_METRICS` over all pictures, NaN where no pixel counts.

        Args:
            weights: (N,) how often each picture counts, such as the draws of a bootstrap; once each if None.
        """
        held = self.areas.sum(axis=0) if weights is None else np.tensordot(weights, self.areas, axes=1)
        return {name: float(metric.compute(ClassAreas(*held))) for name, metric in MASK_METRICS.items()}


def write_mask_predictions(file: Path, predictions: MaskPredictions) -> None:
    """Write predictions/<split>.parquet, whole or not at all."""
    count, num_classes = len(predictions), len(predictions.classes)
    columns: dict[str, pa.Array] = {
        "id": pa.array(np.arange(count) if predictions.ids is None else predictions.ids, pa.int64()),
        "path": pa.array(list(predictions.paths), pa.string()),
        "confusion": _rows(predictions.confusion, num_classes**2),
        "boundary": _rows(predictions.boundary, num_classes * 4),
        "confidence": pa.array(np.asarray(predictions.confidence, np.float64)),
        "ignored": pa.array(np.asarray(predictions.ignored, np.int64)),
    }
    for name, texts in (
        ("mask", predictions.masks),
        ("target", predictions.targets),
        ("group", predictions.groups),
    ):
        columns[name] = pa.array([None] * count if texts is None else list(texts), pa.string())
    about = {"classes": list(predictions.classes), "task": TASK, "format_version": FORMAT_VERSION}
    table = pa.table(columns).replace_schema_metadata({METADATA_KEY: json.dumps(about).encode()})
    with atomic_path(file) as temporary:
        pq.write_table(table, temporary)


def _rows(counts: np.ndarray, width: int) -> pa.FixedSizeListArray:
    values = np.ascontiguousarray(counts, np.int64).reshape(-1)
    return pa.FixedSizeListArray.from_arrays(pa.array(values), width)


def read_mask_predictions(file: Path) -> MaskPredictions:
    """Read a predictions parquet that `write_mask_predictions` wrote.

    Raises:
        DataError: the file is missing, damaged, of a newer format or of another task, or lacks a column.
    """
    try:
        table = pq.read_table(file)
    except FileNotFoundError as err:
        raise DataError(f"{file}: no such predictions file") from err
    except (pa.ArrowException, OSError) as err:
        raise DataError(f"{file}: not a readable parquet file ({err}). It may be cut or damaged.") from err
    classes = _classes(table, file)
    needed = ("id", "path", "confusion", "boundary", "confidence", "ignored")
    missing = [name for name in needed if name not in table.column_names]
    if missing:
        raise DataError(f"{file}: lacks the columns {missing}; it has {table.column_names}. Write it anew.")
    groups = _texts(table, "group")
    values: dict[str, Any] = {
        "paths": table.column("path").to_pylist(),
        "confusion": _counts(table, "confusion", (len(classes), len(classes)), file=file),
        "boundary": _counts(table, "boundary", (len(classes), 4), file=file),
        "groups": None if groups is None else np.array(groups, dtype=object),
        "masks": _texts(table, "mask"),
        "targets": _texts(table, "target"),
        "ids": table.column("id").to_numpy(),
        **{name: table.column(name).to_numpy() for name in ("confidence", "ignored")},
    }
    try:
        return MaskPredictions(classes=classes, **values)
    except DataError as err:
        raise DataError(f"{file}: {err}") from err


def _classes(table: pa.Table, file: Path) -> tuple[str, ...]:
    """Names of the classes, once the file is known to be ours, of this task and not newer than this code."""
    raw = (table.schema.metadata or {}).get(METADATA_KEY)
    about: Mapping[str, Any] = {} if raw is None else json.loads(raw)
    if about.get("task") != TASK:
        held = f'of the task "{about["task"]}"' if "task" in about else "that another tool wrote"
        raise DataError(f"{file}: predictions {held}; expected those that vision-ft wrote for {TASK}")
    if about.get("format_version", 0) > FORMAT_VERSION:
        raise DataError(
            f"{file}: written by a newer vision-ft (format {about['format_version']}, this one reads up to "
            f"{FORMAT_VERSION}); update vision-ft"
        )
    return tuple(about["classes"])


def _counts(table: pa.Table, name: str, shape: tuple[int, int], *, file: Path) -> np.ndarray:
    """Counts (N, *shape) int64 of a list column."""
    values = np.asarray(table.column(name).combine_chunks().flatten(), np.int64)
    if len(values) != len(table) * shape[0] * shape[1]:
        raise DataError(
            f"{file}: column {name!r} holds {len(values)} numbers for {len(table)} pictures of {shape[0]} classes; "
            f"expected {shape[0] * shape[1]} a picture"
        )
    return values.reshape(len(table), *shape)


def _texts(table: pa.Table, name: str) -> list[str | None] | None:
    """The texts of a column, or None when no row has one."""
    texts = table.column(name).to_pylist() if name in table.column_names else []
    return texts if any(text is not None for text in texts) else None
