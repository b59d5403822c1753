"""The predictions file: how training hands over to evaluation, and how other tools' predictions come in."""

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
from vision_ft.evaluate.calibration import score_of
from vision_ft.files import atomic_path
from vision_ft.types import DEFAULT_TASK

FORMAT_VERSION = 1
METADATA_KEY = b"vision_ft"


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
    count = len(predictions)
    columns: dict[str, pa.Array] = {
        "id": pa.array(np.arange(count) if predictions.ids is None else predictions.ids, pa.int64()),
        "path": pa.array(list(predictions.paths), pa.string()),
        "target": pa.array(names[predictions.targets], pa.string()),
        "predicted": pa.array(names[predictions.predicted], pa.string()),
    }
    if predictions.scores is not None:
        columns["scores"] = _list_column(predictions.scores)
    groups = [None] * count if predictions.groups is None else list(predictions.groups)
    columns["group"] = pa.array(groups, pa.string())
    about = {
        "classes": list(predictions.classes),
        "temperature": float(predictions.temperature),
        "task": predictions.task,
        "format_version": FORMAT_VERSION,
    }
    table = pa.table(columns).replace_schema_metadata({METADATA_KEY: json.dumps(about).encode()})
    with atomic_path(file) as temporary:
        pq.write_table(table, temporary)


def _list_column(scores: np.ndarray) -> pa.ListArray:
    count, width = scores.shape
    offsets = np.arange(0, (count + 1) * width, width, dtype=np.int64) if width else np.zeros(count + 1, np.int64)
    values = pa.array(np.ascontiguousarray(scores, np.float32).reshape(-1))
    large = pa.LargeListArray.from_arrays(pa.array(offsets, pa.int64()), values)
    return large if count * width >= 2**31 else large.cast(pa.list_(pa.float32()))


def read_predictions(file: Path) -> Predictions:
    """Read a predictions parquet that `write_predictions` wrote.

    Raises:
        DataError: the file is missing, damaged, of a newer format, or names a class that its list lacks.
    """
    try:
        table = pq.read_table(file)
    except FileNotFoundError as err:
        raise DataError(f"{file}: no such predictions file") from err
    except (pa.ArrowException, OSError) as err:
        raise DataError(f"{file}: not a readable parquet file ({err}). It may be cut or damaged.") from err
    about = read_metadata(table.schema.metadata or {}, file)
    if about is None:
        raise DataError(f"{file}: holds no list of classes; read predictions of another tool with read_foreign")
    return from_table(table, about, file=file)


def read_metadata(metadata: Mapping[bytes, bytes], file: Path) -> Mapping[str, Any] | None:
    """Return what is stored beside the columns of a predictions file, None where another tool wrote it.

    Raises:
        DataError: the file is of a newer format.
    """
    raw = metadata.get(METADATA_KEY)
    if raw is None:
        return None
    about: dict[str, Any] = json.loads(raw)
    if about.get("format_version", 0) > FORMAT_VERSION:
        raise DataError(
            f"{file}: written by a newer vision-ft (format {about['format_version']}, this one reads up to "
            f"{FORMAT_VERSION}); update vision-ft"
        )
    return about


def from_table(table: pa.Table, about: Mapping[str, Any], *, file: Path) -> Predictions:
    """Turn an Arrow table with class names into arrays; `about` holds classes, temperature and task."""
    classes = tuple(about["classes"])
    scores = stack_scores(table.column("scores"), len(classes), file=file) if "scores" in table.column_names else None
    groups = np.array(table.column("group").to_pylist(), dtype=object) if "group" in table.column_names else None
    has_groups = groups is not None and any(group is not None for group in groups)
    return Predictions(
        classes=classes,
        paths=table.column("path").to_pylist(),
        targets=index_names(table.column("target"), classes, what="target", file=file),
        predicted=index_names(table.column("predicted"), classes, what="predicted", file=file),
        scores=scores,
        groups=groups if has_groups else None,
        ids=table.column("id").to_numpy() if "id" in table.column_names else None,
        temperature=float(about.get("temperature", 1.0)),
        task=str(about.get("task", DEFAULT_TASK)),
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


def stack_scores(column: pa.ChunkedArray, num_classes: int, *, file: Path) -> np.ndarray:
    """Scores (N, K) float32 from a list column.

    Raises:
        DataError: a row holds more or fewer than K scores.
    """
    whole = column.combine_chunks()
    lengths = np.asarray(whole.value_lengths().fill_null(0))
    wrong = np.flatnonzero(lengths != num_classes)
    if wrong.size:
        raise DataError(f"{file} row {wrong[0] + 1}: {lengths[wrong[0]]} scores for {num_classes} classes")
    return np.asarray(whole.flatten(), np.float32).reshape(len(whole), num_classes)
