"""A split of found boxes as the report sees it: every box with what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from vision_ft.data.table import SampleTable
from vision_ft.evaluate.boxes.errors import Explained, explain_boxes
from vision_ft.evaluate.boxes.predictions import BoxPredictions, read_box_predictions
from vision_ft.evaluate.boxes.summary import summarise_boxes, worst_first
from vision_ft.reporting.collect.split import Split, count_cameras

NO_OBJECT = "no object"  # the last row and column of the confusion matrix


@dataclass(frozen=True, eq=False, kw_only=True)
class BoxSplit(Split):
    """One split of detections.

    Attributes:
        predictions: found and true boxes.
    """

    predictions: BoxPredictions

    @cached_property
    def explained(self) -> Explained:
        """What became of every box at the thresholds."""
        return explain_boxes(self.predictions)

    @cached_property
    def worst_first(self) -> list[int]:
        """Rows of the images, most errors first."""
        return [int(row) for row in worst_first(self.predictions)]

    def found_in(self, row: int) -> np.ndarray:
        """Return the positions in `predictions.found` of an image's boxes that reach their threshold."""
        return np.flatnonzero((self.predictions.found.pictures == row) & (self.explained.kinds != "below"))

    def true_in(self, row: int) -> np.ndarray:
        """Return the positions in `predictions.truth` of an image's true boxes."""
        return np.flatnonzero(self.predictions.truth.pictures == row)


def read_box_split(file: Path, table: SampleTable | None, *, seed: int = 0) -> BoxSplit:
    """Read predictions/<split>.parquet of a detection run.

    Args:
        file: the predictions.
        table: data.parquet, None where it is missing.
        seed: of the bootstrap, that of the run, so that the page says what the run said.

    Raises:
        DataError: the file is damaged.
    """
    predictions = read_box_predictions(file)
    return BoxSplit(
        name=file.stem,
        predictions=predictions,
        summary=summarise_boxes(predictions, seed=seed),
        cameras=count_cameras(predictions.ids, table),
    )
