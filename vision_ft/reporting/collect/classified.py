"""A split of class labels as the report sees it: one line per image, with its class, the prediction and confidence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from vision_ft.data.table import SampleTable
from vision_ft.evaluate.classification.metrics import summarise
from vision_ft.evaluate.classification.predictions import Predictions, read_predictions
from vision_ft.reporting.collect.split import Split, count_cameras, fits

PROPERTIES = ("brightness", "sharpness", "width", "height")  # columns that the audit adds to data.parquet


@dataclass(frozen=True, eq=False, kw_only=True)
class ClassSplit(Split):
    """One split of class labels.

    Attributes:
        predictions: targets, predictions and scores.
        confidence: (N,) calibrated probability of the predicted class, or None.
        properties: image property -> (N,) values, NaN where unknown.
    """

    predictions: Predictions
    confidence: np.ndarray | None = None
    properties: Mapping[str, np.ndarray] = field(default_factory=dict)

    @property
    def mistakes(self) -> np.ndarray:
        """Rows that are labelled and wrong, most confident first."""
        targets, predicted = self.predictions.targets, self.predictions.predicted
        rows = np.flatnonzero((targets >= 0) & (targets != predicted))
        if self.confidence is None:
            return rows
        order: np.ndarray = rows[np.argsort(-self.confidence[rows], kind="stable")]
        return order


def read_class_split(file: Path, table: SampleTable | None, *, seed: int = 0) -> ClassSplit:
    """Read predictions/<split>.parquet of a classification run.

    Args:
        file: the predictions.
        table: data.parquet, None where it is missing.
        seed: of the bootstrap, that of the run, so that the page says what metrics.json says.

    Raises:
        DataError: the file is damaged.
    """
    return make_class_split(file.stem, read_predictions(file), table, seed=seed)


def make_class_split(name: str, predictions: Predictions, table: SampleTable | None, *, seed: int = 0) -> ClassSplit:
    """Put predictions together with their numbers and with what the table knows of their images."""
    summary = summarise(
        predictions.targets,
        predictions.scores,
        predictions.predicted,
        classes=predictions.classes,
        groups=predictions.groups,
        temperature=predictions.temperature,
        seed=seed,
    )
    return ClassSplit(
        name=name,
        predictions=predictions,
        summary=summary,
        confidence=predictions.confidence(),
        properties=image_properties(predictions.ids, table),
        cameras=count_cameras(predictions.ids, table),
    )


def image_properties(ids: np.ndarray | None, table: SampleTable | None) -> dict[str, np.ndarray]:
    """Image properties of rows from the audit's columns; empty when there is no table or the rows do not fit it."""
    if table is None or ids is None or not fits(ids, table):
        return {}
    columns = {
        name: table.arrow.column(name).to_numpy().astype(np.float64)[ids]
        for name in PROPERTIES
        if name in table.arrow.column_names
    }
    found: dict[str, np.ndarray] = {name: columns[name] for name in columns if name in ("brightness", "sharpness")}
    if "width" in columns and "height" in columns:
        found["size"] = np.minimum(columns["width"], columns["height"])
        found["aspect"] = columns["width"] / np.where(columns["height"] > 0, columns["height"], np.nan)
    return found
