"""The predictions files of several labels a picture: sets of labels (multilabel), one label a column (multitask)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from vision_ft.errors import DataError
from vision_ft.evaluate.classification.predictions import METADATA_KEY, Predictions, stack_scores
from vision_ft.files import atomic_path
from vision_ft.types import MULTILABEL, MULTITASK, LabelColumn

FORMAT_VERSION = 1


@dataclass(frozen=True)
class LabelPredictions:
    """One split's answers of a multilabel model.

    Attributes:
        classes: K names of labels.
        paths: N paths, relative to the data's root.
        targets: (N, K) 1 = applies, 0 = does not, NaN = not known.
        scores: (N, K) probability of each label.
        thresholds: (K,) a label is answered where its score reaches its threshold.
        groups: (N,) camera, site, ... of each picture or None, or None for all.
        ids: (N,) row of each picture in data.parquet, or None.
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
        """Whether each label is answered (N, K)."""
        reached: np.ndarray = self.scores >= self.thresholds
        return reached


@dataclass(frozen=True)
class ColumnPredictions:
    """One split's answers of a multitask model.

    Attributes:
        columns: T label columns; K is the number of their classes together.
        paths: N paths, relative to the data's root.
        targets: (N, T) class indices, -1 = missing.
        scores: (N, K) probabilities; those of each column sum to 1.
        temperatures: (T,) fitted on val; 1.0 = not calibrated.
        groups: (N,) camera, site, ... of each picture or None, or None for all.
        ids: (N,) row of each picture in data.parquet, or None.
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
        """Return the answers of one column as those of a classifier."""
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
    flat = np.ascontiguousarray(predictions.targets, np.float32).reshape(-1)
    targets = pa.array(flat, mask=np.isnan(flat))
    columns = {"targets": _lists(targets, len(predictions)), "scores": _lists(predictions.scores, len(predictions))}
    about = {"classes": list(predictions.classes), "thresholds": [float(one) for one in predictions.thresholds]}
    _write(file, predictions, columns, about)


def write_column_predictions(file: Path, predictions: ColumnPredictions) -> None:
    """Write predictions/<split>.parquet of a multitask run, whole or not at all."""
    targets = np.ascontiguousarray(predictions.targets, np.int32).reshape(-1)
    columns = {
        "targets": _lists(pa.array(targets), len(predictions)),
        "scores": _lists(predictions.scores, len(predictions)),
    }
    about = {
        "classes": list(predictions.classes),
        "tasks": [{"name": column.name, "classes": list(column.classes)} for column in predictions.columns],
        "temperatures": [float(one) for one in predictions.temperatures],
    }
    _write(file, predictions, columns, about)


def read_label_predictions(file: Path) -> LabelPredictions:
    """Read what `write_label_predictions` wrote.

    Raises:
        DataError: the file is missing, damaged, of a newer format or of another task.
    """
    table, about = _read(file, MULTILABEL)
    classes = tuple(about["classes"])
    return LabelPredictions(
        classes=classes,
        targets=_matrix(table.column("targets"), len(classes), np.float32),
        scores=stack_scores(table.column("scores"), len(classes), file=file),
        thresholds=np.array(about["thresholds"], np.float64),
        **_common(table),
    )


def read_column_predictions(file: Path) -> ColumnPredictions:
    """Read what `write_column_predictions` wrote.

    Raises:
        DataError: the file is missing, damaged, of a newer format or of another task.
    """
    table, about = _read(file, MULTITASK)
    columns = tuple(LabelColumn(item["name"], tuple(item["classes"])) for item in about["tasks"])
    return ColumnPredictions(
        columns=columns,
        targets=_matrix(table.column("targets"), len(columns), np.int64),
        scores=stack_scores(table.column("scores"), len(about["classes"]), file=file),
        temperatures=np.array(about["temperatures"], np.float64),
        **_common(table),
    )


def task_of(file: Path) -> str | None:
    """Return the task that a predictions file names; None for no readable one: who reads it says what is wrong."""
    try:
        about = json.loads((pq.read_schema(file).metadata or {}).get(METADATA_KEY, b"{}"))
    except (pa.ArrowException, OSError, ValueError):
        return None
    return str(about["task"]) if isinstance(about, dict) and "task" in about else None


def _lists(values: Any, count: int) -> pa.ListArray:
    """Return a column with an equally long list in each row."""
    flat = values if isinstance(values, pa.Array) else pa.array(np.ascontiguousarray(values, np.float32).reshape(-1))
    width = len(flat) // max(count, 1)
    return pa.ListArray.from_arrays(pa.array(np.arange(count + 1) * width, pa.int32()), flat)


def _matrix(column: pa.ChunkedArray, width: int, kind: Any) -> np.ndarray:
    values = column.combine_chunks().flatten().to_numpy(zero_copy_only=False)
    found: np.ndarray = values.astype(kind).reshape(len(column), width)
    return found


def _write(
    file: Path,
    predictions: LabelPredictions | ColumnPredictions,
    columns: Mapping[str, pa.Array],
    about: Mapping[str, Any],
) -> None:
    count = len(predictions)
    table = pa.table(
        {
            "id": pa.array(np.arange(count) if predictions.ids is None else predictions.ids, pa.int64()),
            "path": pa.array(list(predictions.paths), pa.string()),
            **columns,
            "group": pa.array([None] * count if predictions.groups is None else list(predictions.groups), pa.string()),
        }
    )
    facts = {**about, "task": predictions.task, "format_version": FORMAT_VERSION}
    with atomic_path(file) as temporary:
        pq.write_table(table.replace_schema_metadata({METADATA_KEY: json.dumps(facts).encode()}), temporary)


def _read(file: Path, task: str) -> tuple[pa.Table, dict[str, Any]]:
    try:
        table = pq.read_table(file)
    except FileNotFoundError as err:
        raise DataError(f"{file}: no such predictions file.") from err
    except (pa.ArrowException, OSError) as err:
        raise DataError(f"{file}: not a readable parquet file ({err}). It may be cut or damaged.") from err
    about = json.loads((table.schema.metadata or {}).get(METADATA_KEY, b"{}"))
    if about.get("task") != task:
        raise DataError(f"{file}: holds predictions of task {about.get('task')!r}, expected are those of {task!r}.")
    if about["format_version"] > FORMAT_VERSION:
        raise DataError(
            f"{file}: written by a newer vision-ft (format {about['format_version']}, this one reads up to "
            f"{FORMAT_VERSION}). Update vision-ft."
        )
    return table, about


def _common(table: pa.Table) -> dict[str, Any]:
    groups = np.array(table.column("group").to_pylist(), dtype=object)
    return {
        "paths": table.column("path").to_pylist(),
        "groups": groups if any(group is not None for group in groups) else None,
        "ids": table.column("id").to_numpy(),
    }
