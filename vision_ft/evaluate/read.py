"""Read a predictions file of any task, and take pictures out of what was read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from vision_ft.evaluate.boxes.predictions import BoxPredictions, read_box_predictions
from vision_ft.evaluate.classification.predictions import Predictions, read_metadata, read_predictions
from vision_ft.evaluate.masks.predictions import MaskPredictions, read_mask_predictions

AnyPredictions = Predictions | MaskPredictions | BoxPredictions
Taken = TypeVar("Taken", Predictions, MaskPredictions, BoxPredictions)
READERS: dict[str, Callable[[Path], AnyPredictions]] = {
    "segmentation": read_mask_predictions,
    "detection": read_box_predictions,
}
OF_THE_SPLIT = ("classes", "thresholds", "temperature", "task")  # fields that are not one value a picture


def read_any_predictions(file: Path) -> AnyPredictions:
    """Read predictions/<split>.parquet of a run of any task.

    Raises:
        DataError: the file is missing, damaged or of a newer format.
    """
    try:
        about = read_metadata(pq.read_schema(file).metadata or {}, file)
    except (pa.ArrowException, OSError):
        about = None  # its reader says what is wrong
    return READERS.get((about or {}).get("task", ""), read_predictions)(file)


def take_rows(predictions: Taken, rows: np.ndarray) -> Taken:
    """Return the predictions of some pictures, in the order of `rows`.

    Args:
        predictions: of N pictures.
        rows: (M,) positions, or (N,) bool.
    """
    rows = np.flatnonzero(rows) if rows.dtype == bool else rows
    values = {field.name: getattr(predictions, field.name) for field in fields(predictions) if field.init}
    taken = {
        name: _take(value, rows) for name, value in values.items() if value is not None and name not in OF_THE_SPLIT
    }
    return replace(predictions, **taken)


def _take(values: np.ndarray | Sequence[Any], rows: np.ndarray) -> Any:
    return values[rows] if isinstance(values, np.ndarray) else [values[row] for row in rows.tolist()]
