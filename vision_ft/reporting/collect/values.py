"""A split of predicted values as the report sees it: one line per image, with its errors by size."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from vision_ft.data.table import SampleTable
from vision_ft.evaluate.regression.predictions import ValuePredictions, read_value_predictions
from vision_ft.evaluate.regression.slices import error_slices, group_biases, range_biases
from vision_ft.evaluate.regression.summary import summarise_values
from vision_ft.reporting.collect.classified import image_properties
from vision_ft.reporting.collect.split import Split, count_cameras


@dataclass(frozen=True, eq=False, kw_only=True)
class ValueSplit(Split):
    """One split of numbers per image, N images and T targets.

    Attributes:
        predictions: true and predicted values.
        properties: image property -> (N,) values, NaN where unknown.
    """

    predictions: ValuePredictions
    properties: Mapping[str, np.ndarray] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        """What stands before "images": "test ", or "" where no split is named."""
        return "" if self.name == "all" else f"{self.label.lower()} "

    @property
    def targets(self) -> tuple[str, ...]:
        """Names of the targets."""
        return self.predictions.classes

    def known(self, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the true values of target k where they are known, and the predicted ones of the same images."""
        rows = self.known_rows(k)
        return self.predictions.targets[rows, k], self.predictions.predicted[rows, k]

    def known_rows(self, k: int) -> np.ndarray:
        """Return the rows of the images whose value of target k is known."""
        return np.flatnonzero(~np.isnan(self.predictions.targets[:, k]))

    @cached_property
    def spread(self) -> np.ndarray:
        """Standard deviation (T,) of the true values; 1 where they do not vary, so that errors keep their unit."""
        stds = [row["std"] or 1.0 for row in self.summary["per_target"]]
        return np.array(stds, np.float64)

    @cached_property
    def scaled(self) -> np.ndarray:
        """Absolute errors (N, T) in units of the spread of their target, NaN where the true value is not known."""
        scaled: np.ndarray = np.abs(self.predictions.errors) / self.spread
        return scaled

    @cached_property
    def worst_first(self) -> list[tuple[int, int]]:
        """Rows of the images with a known value, largest error first, each with the target that it is worst in."""
        judged = np.flatnonzero(~np.isnan(self.scaled).all(axis=1))
        filled = np.nan_to_num(self.scaled[judged], nan=-1.0)
        order = np.argsort(-filled.max(axis=1), kind="stable") if len(judged) else judged
        return [(int(judged[at]), int(filled[at].argmax())) for at in order]

    @cached_property
    def group_biases(self) -> list[dict[str, Any]]:
        """Mean error of each group and target."""
        return group_biases(self.predictions)

    @cached_property
    def range_biases(self) -> list[dict[str, Any]]:
        """Mean error in each quarter of the true values of each target."""
        return range_biases(self.predictions)


def error_rows(split: ValueSplit) -> list[dict[str, Any]]:
    """Return the errors in each quarter of each image property.

    Of one target in its units, of several the mean over the targets in units of their spread.
    """
    if len(split.targets) == 1:
        return error_slices(np.abs(split.predictions.errors[:, 0]), split.properties)
    known = ~np.isnan(split.scaled)
    total, number = np.where(known, split.scaled, 0).sum(axis=1), known.sum(axis=1)
    means = np.divide(total, number, out=np.full(len(total), np.nan), where=number > 0)
    return error_slices(means, split.properties)


def read_value_split(file: Path, table: SampleTable | None, *, seed: int = 0) -> ValueSplit:
    """Read predictions/<split>.parquet of a regression run.

    Args:
        file: the predictions.
        table: data.parquet, None where it is missing.
        seed: of the bootstrap, that of the run, so that the page says what metrics.json says.

    Raises:
        DataError: the file is damaged.
    """
    predictions = read_value_predictions(file)
    return ValueSplit(
        name=file.stem,
        predictions=predictions,
        summary=dict(summarise_values(predictions, seed=seed)),
        properties=image_properties(predictions.ids, table),
        cameras=count_cameras(predictions.ids, table),
    )
