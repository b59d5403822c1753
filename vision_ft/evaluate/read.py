"""Read a predictions file of any task, and take images out of what was read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from vision_ft.evaluate.predictions_file import named_task
from vision_ft.evaluate.scoring import SCORINGS

Taken = TypeVar("Taken", bound=Any)
# fields that are not one value an image
OF_THE_SPLIT = ("classes", "columns", "thresholds", "temperature", "temperatures", "task")


def read_any_predictions(file: Path) -> Any:
    """Read predictions/<split>.parquet of a run of any task.

    Raises:
        DataError: the file is missing, damaged or of a newer format.
    """
    return SCORINGS[task_of(file)].read(file)


def task_of(file: Path) -> str:
    """Return the task that a predictions file names; the first task for a file that names none of ours.

    Its reader then says what is wrong with it.
    """
    task = named_task(file)
    return task if task in SCORINGS else next(iter(SCORINGS))


def take_rows(predictions: Taken, rows: np.ndarray) -> Taken:
    """Return the predictions of some images, in the order of `rows`.

    Args:
        predictions: of N images.
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
