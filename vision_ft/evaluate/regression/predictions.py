"""The predictions file of image regression: true and predicted values of each target."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vision_ft.errors import DataError
from vision_ft.evaluate.predictions_file import list_column, matrix, of_images, read_of_task, write_table
from vision_ft.types import REGRESSION

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
    targets = np.asarray(predictions.targets, np.float64)
    columns = {
        "targets": list_column(targets, mask=np.isnan(targets)),
        "predicted": list_column(np.asarray(predictions.predicted, np.float64)),
    }
    write_table(file, predictions, columns)


def read_value_predictions(file: Path) -> ValuePredictions:
    """Read what `write_value_predictions` wrote.

    Raises:
        DataError: the file is missing, damaged, of a newer format or of another task.
    """
    table, about = read_of_task(file, TASK, ("targets", "predicted"))
    classes = tuple(about["classes"])
    return ValuePredictions(
        classes=classes,
        targets=matrix(table, "targets", len(classes), np.float64, file=file),
        predicted=matrix(table, "predicted", len(classes), np.float64, file=file),
        **of_images(table),
    )
