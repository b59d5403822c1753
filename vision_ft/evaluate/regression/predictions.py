"""The predictions file of image regression: true and predicted values of each target."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from vision_ft.errors import DataError
from vision_ft.evaluate.classification.predictions import METADATA_KEY
from vision_ft.files import atomic_path
from vision_ft.types import REGRESSION

FORMAT_VERSION = 1
TASK = REGRESSION


@dataclass(frozen=True)
class ValuePredictions:
    """The predicted values of one split.

    Attributes:
        classes: names of the T targets.
        paths: N paths, relative to the data's root.
        targets: (N, T) float64, NaN where the value is not known.
        predicted: (N, T) float64, in the units of the targets.
        groups: (N,) camera, site, ... of each image or None, or None for all.
        ids: (N,) row of each image in data.parquet, or None.
    """

    classes: tuple[str, ...]
    paths: Sequence[str]
    targets: np.ndarray
    predicted: np.ndarray
    groups: np.ndarray | None = None
    ids: np.ndarray | None = None

    def __post_init__(self) -> None:
        shape = (len(self.paths), len(self.classes))
        for what, values in (("targets", self.targets), ("predicted values", self.predicted)):
            if values.shape != shape:
                raise DataError(f"predictions: {what} have shape {values.shape}, expected {shape}.")
        if not np.isfinite(self.predicted).all():
            row = int(np.flatnonzero(~np.isfinite(self.predicted).all(axis=1))[0])
            raise DataError(f"predictions row {row}: a predicted value is not finite.")

    def __len__(self) -> int:
        return len(self.paths)

    @property
    def task(self) -> str:
        """The task."""
        return TASK

    @property
    def errors(self) -> np.ndarray:
        """Predicted minus true value (N, T), NaN where the truth is not known."""
        difference: np.ndarray = self.predicted - self.targets
        return difference


def write_value_predictions(file: Path, predictions: ValuePredictions) -> None:
    """Write predictions/<split>.parquet of a regression run, whole or not at all."""
    count, width = len(predictions), len(predictions.classes)
    true = np.ascontiguousarray(predictions.targets, np.float64).reshape(-1)
    found = np.ascontiguousarray(predictions.predicted, np.float64).reshape(-1)
    offsets = pa.array(np.arange(count + 1) * width, pa.int32())
    table = pa.table(
        {
            "id": pa.array(np.arange(count) if predictions.ids is None else predictions.ids, pa.int64()),
            "path": pa.array(list(predictions.paths), pa.string()),
            "targets": pa.ListArray.from_arrays(offsets, pa.array(true, mask=np.isnan(true))),
            "predicted": pa.ListArray.from_arrays(offsets, pa.array(found)),
            "group": pa.array([None] * count if predictions.groups is None else list(predictions.groups), pa.string()),
        }
    )
    about = {"classes": list(predictions.classes), "task": TASK, "format_version": FORMAT_VERSION}
    with atomic_path(file) as temporary:
        pq.write_table(table.replace_schema_metadata({METADATA_KEY: json.dumps(about).encode()}), temporary)


def read_value_predictions(file: Path) -> ValuePredictions:
    """Read what `write_value_predictions` wrote.

    Raises:
        DataError: the file is missing, damaged, of a newer format or of another task.
    """
    try:
        table = pq.read_table(file)
    except FileNotFoundError as err:
        raise DataError(f"{file}: no such predictions file.") from err
    except (pa.ArrowException, OSError) as err:
        raise DataError(f"{file}: not a readable parquet file ({err}). It may be cut or damaged.") from err
    about: dict[str, Any] = json.loads((table.schema.metadata or {}).get(METADATA_KEY, b"{}"))
    if about.get("task") != TASK:
        raise DataError(f"{file}: holds predictions of task {about.get('task')!r}, expected are those of {TASK!r}.")
    if about["format_version"] > FORMAT_VERSION:
        raise DataError(
            f"{file}: written by a newer vision-ft (format {about['format_version']}, this one reads up to "
            f"{FORMAT_VERSION}). Update vision-ft."
        )
    groups = np.array(table.column("group").to_pylist(), dtype=object)
    return ValuePredictions(
        classes=tuple(about["classes"]),
        paths=table.column("path").to_pylist(),
        targets=_matrix(table.column("targets"), len(about["classes"])),
        predicted=_matrix(table.column("predicted"), len(about["classes"])),
        groups=groups if any(group is not None for group in groups) else None,
        ids=table.column("id").to_numpy(),
    )


def _matrix(column: pa.ChunkedArray, width: int) -> np.ndarray:
    values = column.combine_chunks().flatten().to_numpy(zero_copy_only=False)
    matrix: np.ndarray = values.astype(np.float64).reshape(len(column), width)
    return matrix
