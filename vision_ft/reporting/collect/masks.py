"""A split of label maps as the report sees it, and the maps themselves where they can be read."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from vision_ft.data.class_table import ClassTable
from vision_ft.data.images.paint import background_of
from vision_ft.data.masks import IGNORED_PIXEL, read_codes, read_mask
from vision_ft.data.names import unescape_name
from vision_ft.data.table import SampleTable
from vision_ft.errors import DataError
from vision_ft.evaluate.masks.predictions import MaskPredictions, read_mask_predictions
from vision_ft.evaluate.masks.summary import summarise_masks, worst_first
from vision_ft.reporting.collect.split import Split, count_cameras


@dataclass(frozen=True, eq=False, kw_only=True)
class MaskSplit(Split):
    """One split of label maps.

    Attributes:
        predictions: what each picture's label map got right.
        folder: that the paths of the predicted maps start from.
        table: data.parquet, which says where and how the true masks lie; None where it is missing.
    """

    predictions: MaskPredictions
    folder: Path
    table: SampleTable | None = None

    @cached_property
    def worst_first(self) -> list[int]:
        """Rows of the pictures that can be judged, worst first."""
        counted = self.predictions.counted
        return [int(row) for row in worst_first(self.predictions) if counted[row]]

    @property
    def background(self) -> int | None:
        """Index of the class that means "nothing", if one is named so: without it no pixel is missed or a ghost."""
        return background_of(self.predictions.classes)

    def read_predicted(self, row: int) -> np.ndarray | None:
        """Return the predicted class (H, W) uint8 of each pixel, 255 for none; None where it cannot be read."""
        name = None if self.predictions.masks is None else self.predictions.masks[row]
        if name is None or not (self.folder / name).resolve().is_relative_to(self.folder.resolve()):
            return None
        try:
            return read_codes(self.folder / name, coloured=False).astype(np.uint8)
        except (DataError, OSError):
            return None

    def read_truth(self, row: int) -> np.ndarray | None:
        """Return the true class (H, W) uint8 of each pixel, 255 where it does not count; None if it cannot be read."""
        name = None if self.predictions.targets is None else self.predictions.targets[row]
        if name is None or self.table is None or "masks" not in self.table.meta:
            return None
        if self.table.classes.names != self.predictions.classes:
            return None
        codes = ClassTable.from_meta(self.predictions.classes, self.table.meta["masks"])
        try:
            mask = read_mask(self.table.root / unescape_name(name), codes)
        except (DataError, OSError):
            return None
        return np.where(mask < 0, IGNORED_PIXEL, mask).astype(np.uint8)


def read_mask_split(file: Path, table: SampleTable | None, *, seed: int = 0) -> MaskSplit:
    """Read predictions/<split>.parquet of a segmentation run.

    Args:
        file: the predictions.
        table: data.parquet, None where it is missing.
        seed: of the bootstrap, that of the run, so that the page says what the run said.

    Raises:
        DataError: the file is damaged.
    """
    predictions = read_mask_predictions(file)
    return MaskSplit(
        name=file.stem,
        predictions=predictions,
        summary=summarise_masks(predictions, seed=seed),
        folder=file.parent,
        table=table,
        cameras=count_cameras(predictions.ids, table),
    )
