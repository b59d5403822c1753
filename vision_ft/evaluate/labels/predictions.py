"""The predictions files of several labels per image: sets of labels (multilabel), one label a column (multitask)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vision_ft.errors import DataError
from vision_ft.evaluate.classification.predictions import Predictions
from vision_ft.evaluate.predictions_file import list_column, matrix, of_images, read_of_task, write_table
from vision_ft.types import MULTILABEL, MULTITASK, LabelColumn


@dataclass(frozen=True)
class LabelPredictions:
    """One split's predictions of a multilabel model.

    Attributes:
        classes: K names of labels.
        paths: N paths, relative to the data's root.
        targets: (N, K) 1 = applies, 0 = does not, NaN = not known.
        scores: (N, K) probability of each label.
        thresholds: (K,) a label is predicted where its score reaches its threshold.
        groups: (N,) camera, site, ... of each image or None, or None for all.
        ids: (N,) row of each image in data.parquet, or None.
    """

    classes: tuple[str, ...]
    paths: Sequence[str]
    targets: np.ndarray
    scores: np.ndarray
    thresholds: np.ndarray
    groups: np.ndarray | None = None
    ids: np.ndarray | None = None

    def __post_init__(self) -> None:
        shape = (len(self.paths), len(self.classes))
        for what, values in (("targets", self.targets), ("scores", self.scores)):
            if values.shape != shape:
                raise DataError(f"predictions: {what} have shape {values.shape}, expected {shape}.")
        if self.thresholds.shape != shape[1:]:
            raise DataError(f"predictions: thresholds have shape {self.thresholds.shape}, expected {shape[1:]}.")
        if not np.isfinite(self.scores).all():
            row = int(np.flatnonzero(~np.isfinite(self.scores).all(axis=1))[0])
            raise DataError(f"predictions row {row}: a score is not finite; scores must be probabilities.")

    def __len__(self) -> int:
        return len(self.paths)

    @property
    def task(self) -> str:
        """The task."""
        return MULTILABEL

    @property
    def predicted(self) -> np.ndarray:
        """Whether each label is predicted (N, K)."""
        reached: np.ndarray = self.scores >= self.thresholds
        return reached


@dataclass(frozen=True)
class ColumnPredictions:
    """One split's predictions of a multitask model.

    Attributes:
        columns: T label columns; K is the number of their classes together.
        paths: N paths, relative to the data's root.
        targets: (N, T) class indices, -1 = missing.
        scores: (N, K) probabilities; those of each column sum to 1.
        temperatures: (T,) fitted on val; 1.0 = not calibrated.
        groups: (N,) camera, site, ... of each image or None, or None for all.
        ids: (N,) row of each image in data.parquet, or None.
    """

    columns: tuple[LabelColumn, ...]
    paths: Sequence[str]
    targets: np.ndarray
    scores: np.ndarray
    temperatures: np.ndarray
    groups: np.ndarray | None = None
    ids: np.ndarray | None = None

    def __post_init__(self) -> None:
        outputs = sum(len(column.classes) for column in self.columns)
        for what, values, width in (("targets", self.targets, len(self.columns)), ("scores", self.scores, outputs)):
            if values.shape != (len(self.paths), width):
                raise DataError(f"predictions: {what} have shape {values.shape}, expected {(len(self.paths), width)}.")

    def __len__(self) -> int:
        return len(self.paths)

    @property
    def task(self) -> str:
        """The task."""
        return MULTITASK

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of all outputs, as in "species=robin"."""
        return tuple(f"{column.name}={name}" for column in self.columns for name in column.classes)

    def column(self, place: int) -> Predictions:
        """Return the predictions of one column as those of a classifier."""
        start = sum(len(column.classes) for column in self.columns[:place])
        scores = self.scores[:, start : start + len(self.columns[place].classes)]
        return Predictions(
            classes=self.columns[place].classes,
            paths=self.paths,
            targets=self.targets[:, place],
            predicted=scores.argmax(axis=1) if len(scores) else np.zeros(0, np.int64),
            scores=scores,
            groups=self.groups,
            ids=self.ids,
            temperature=float(self.temperatures[place]),
        )


def write_label_predictions(file: Path, predictions: LabelPredictions) -> None:
    """Write predictions/<split>.parquet of a multilabel run, whole or not at all."""
    targets = np.asarray(predictions.targets, np.float32)
    columns = {
        "targets": list_column(targets, mask=np.isnan(targets)),
        "scores": list_column(np.asarray(predictions.scores, np.float32)),
    }
    write_table(file, predictions, columns, {"thresholds": [float(one) for one in predictions.thresholds]})


def write_column_predictions(file: Path, predictions: ColumnPredictions) -> None:
    """Write predictions/<split>.parquet of a multitask run, whole or not at all."""
    columns = {
        "targets": list_column(np.asarray(predictions.targets, np.int32)),
        "scores": list_column(np.asarray(predictions.scores, np.float32)),
    }
    about = {
        "tasks": [{"name": column.name, "classes": list(column.classes)} for column in predictions.columns],
        "temperatures": [float(one) for one in predictions.temperatures],
    }
    write_table(file, predictions, columns, about)


def read_label_predictions(file: Path) -> LabelPredictions:
    """Read what `write_label_predictions` wrote.

    Raises:
        DataError: the file is missing, damaged, of a newer format or of another task.
    """
    table, about = read_of_task(file, MULTILABEL, ("targets", "scores"))
    classes = tuple(about["classes"])
    return LabelPredictions(
        classes=classes,
        targets=matrix(table, "targets", len(classes), np.float32, file=file),
        scores=matrix(table, "scores", len(classes), np.float32, file=file),
        thresholds=np.array(about["thresholds"], np.float64),
        **of_images(table),
    )


def read_column_predictions(file: Path) -> ColumnPredictions:
    """Read what `write_column_predictions` wrote.

    Raises:
        DataError: the file is missing, damaged, of a newer format or of another task.
    """
    table, about = read_of_task(file, MULTITASK, ("targets", "scores"))
    columns = tuple(LabelColumn(item["name"], tuple(item["classes"])) for item in about["tasks"])
    return ColumnPredictions(
        columns=columns,
        targets=matrix(table, "targets", len(columns), np.int64, file=file),
        scores=matrix(table, "scores", len(about["classes"]), np.float32, file=file),
        temperatures=np.array(about["temperatures"], np.float64),
        **of_images(table),
    )
