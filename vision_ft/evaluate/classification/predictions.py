"""The predictions file: how training hands over to evaluation, and how other tools' predictions come in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from vision_ft.errors import DataError
from vision_ft.evaluate.calibration import score_of
from vision_ft.evaluate.predictions_file import list_column, matrix, of_images, open_table, read_metadata, write_table
from vision_ft.types import DEFAULT_TASK


@dataclass(frozen=True)
class Predictions:
    """One split's predictions.

    Attributes:
        classes: K names; indices below are positions in it.
        paths: N paths, relative to the data's root.
        targets: (N,) class indices, -1 = unlabelled.
        predicted: (N,) class indices.
        scores: (N, K) probabilities before calibration, or None.
        groups: (N,) camera, site, ... of each image or None, or None for all.
        ids: (N,) row of each image in data.parquet, or None.
        confidences: (N,) probability of the predicted class where a tool gave no more than that.
        temperature: fitted on val; 1.0 = not calibrated.
        task: what the model does.
    """

    classes: tuple[str, ...]
    paths: Sequence[str]
    targets: np.ndarray
    predicted: np.ndarray
    scores: np.ndarray | None = None
    groups: np.ndarray | None = None
    ids: np.ndarray | None = None
    confidences: np.ndarray | None = None
    temperature: float = 1.0
    task: str = DEFAULT_TASK

    def __len__(self) -> int:
        return len(self.predicted)

    def confidence(self) -> np.ndarray | None:
        """Calibrated probability (N,) of the predicted class, or None when no score is known."""
        if self.scores is None:
            return self.confidences
        return score_of(self.scores, self.predicted, temperature=self.temperature)


def write_predictions(file: Path, predictions: Predictions) -> None:
    """Write predictions/<split>.parquet, whole or not at all."""
    names = np.array([*predictions.classes, None], dtype=object)  # index -1 is the None: unlabelled
    columns = {
        "target": pa.array(names[predictions.targets], pa.string()),
        "predicted": pa.array(names[predictions.predicted], pa.string()),
    }
    if predictions.scores is not None:
        columns["scores"] = list_column(np.asarray(predictions.scores, np.float32))
    write_table(file, predictions, columns, {"temperature": float(predictions.temperature)})


def read_predictions(file: Path) -> Predictions:
    """Read a predictions parquet that `write_predictions` wrote.

    Raises:
        DataError: the file is missing, damaged, of a newer format, or names a class that its list lacks.
    """
    table = open_table(file)
    about = read_metadata(table, file)
    if about is None:
        raise DataError(f"{file}: holds no list of classes; read predictions of another tool with read_foreign")
    return from_table(table, about, file=file)


def from_table(table: pa.Table, about: Mapping[str, Any], *, file: Path) -> Predictions:
    """Turn an Arrow table with class names into arrays; `about` holds classes, temperature and task."""
    classes = tuple(about["classes"])
    has_scores = "scores" in table.column_names
    return Predictions(
        classes=classes,
        targets=index_names(table.column("target"), classes, what="target", file=file),
        predicted=index_names(table.column("predicted"), classes, what="predicted", file=file),
        scores=matrix(table, "scores", len(classes), np.float32, file=file) if has_scores else None,
        temperature=float(about.get("temperature", 1.0)),
        task=str(about.get("task", DEFAULT_TASK)),
        **of_images(table),
    )


def index_names(column: pa.ChunkedArray, classes: Sequence[str], *, what: str, file: Path) -> np.ndarray:
    """Class indices (N,) of a column of names, -1 for null.

    Raises:
        DataError: a name is not in `classes`, or a prediction is null.
    """
    position: dict[str | None, int] = {name: index for index, name in enumerate(classes)}
    position[None] = -1
    names = column.to_pylist()
    unknown = sorted({str(name) for name in names if name not in position})
    if unknown:
        raise DataError(f"{file}: column {what!r} holds {unknown[:5]}, not among the classes {list(classes)[:20]}")
    indices = np.array([position[name] for name in names], np.int64)
    if what == "predicted" and (indices < 0).any():
        raise DataError(f"{file} row {int(np.argmin(indices)) + 1}: no predicted class")
    return indices
