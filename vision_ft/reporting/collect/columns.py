"""A multi-task split as the report shows it: one line per image and known label."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from vision_ft.data.table import SampleTable
from vision_ft.evaluate.calibration import temper
from vision_ft.evaluate.classification.metrics import summarise
from vision_ft.evaluate.classification.predictions import Predictions
from vision_ft.evaluate.labels.multitask import summarise_columns
from vision_ft.evaluate.labels.predictions import ColumnPredictions, read_column_predictions
from vision_ft.reporting.collect.classified import ClassSplit, image_properties
from vision_ft.reporting.collect.split import count_cameras


@dataclass(frozen=True, eq=False, kw_only=True)
class ColumnSplit(ClassSplit):
    """One split of several label columns; `predictions` has a line per image and known label.

    Attributes:
        columns: the predictions as they were written, one row per image.
    """

    columns: ColumnPredictions


def read_column_split(file: Path, table: SampleTable | None, *, seed: int = 0) -> ColumnSplit:
    """Read predictions/<split>.parquet of a multi-task run; see `classified.read_class_split`."""
    columns = read_column_predictions(file)
    flat = flatten_columns(columns)
    return ColumnSplit(
        name=file.stem,
        predictions=flat,
        summary=summarise_flat_columns(columns, flat, seed=seed),
        confidence=flat.confidence(),
        properties=image_properties(flat.ids, table),
        cameras=count_cameras(columns.ids, table),
        columns=columns,
    )


def flatten_columns(predictions: ColumnPredictions) -> Predictions:
    """Return one line for each label that is known, with the calibrated probabilities of its column's classes."""
    parts, start, width = [], 0, len(predictions.classes)
    for place, column in enumerate(predictions.columns):
        part = predictions.column(place)
        rows = np.flatnonzero(part.targets >= 0)
        scores = np.zeros((len(rows), width), np.float32)
        if part.scores is not None:
            own = temper(part.scores[rows].astype(np.float64), part.temperature)
            scores[:, start : start + len(column.classes)] = own
        parts.append((rows, part.targets[rows] + start, part.predicted[rows] + start, scores))
        start += len(column.classes)
    rows, targets, predicted, scores = (np.concatenate(each) for each in zip(*parts, strict=True))
    return Predictions(
        classes=predictions.classes,
        paths=[predictions.paths[int(row)] for row in rows],
        targets=targets.astype(np.int64),
        predicted=predicted.astype(np.int64),
        scores=scores,
        groups=None if predictions.groups is None else predictions.groups[rows],
        ids=None if predictions.ids is None else predictions.ids[rows],
        task=predictions.task,
    )


def summarise_flat_columns(predictions: ColumnPredictions, flat: Predictions, *, seed: int = 0) -> dict[str, Any]:
    """Return the numbers of a multi-task split, and those that only the labels of all columns together have."""
    numbers = summarise_columns(predictions, seed=seed)
    together = summarise(
        flat.targets, flat.scores, flat.predicted, classes=flat.classes, groups=flat.groups, temperature=1.0, seed=seed
    )
    shared: Mapping[str, Any] = {key: value for key, value in together.items() if key not in numbers}
    return {
        **shared,
        **numbers,
        "support": [row["support"] for row in together["per_class"]],
        "predicted": [row["predicted"] for row in together["per_class"]],
    }
