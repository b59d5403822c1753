"""What the splits of every task share: their names, and what the run's table of images says of their rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import pyarrow as pa

from vision_ft.data.table import SampleTable

SPLIT_ORDER = ("test", "val", "train")  # the first one there is what the report opens with
SPLIT_LABELS = {"test": "Test", "val": "Validation", "train": "Training", "all": "All images"}


class AnyPredictions(Protocol):
    """What the predictions of every task have."""

    @property
    def task(self) -> str:
        """Name of the task."""

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the class indices."""

    @property
    def paths(self) -> Sequence[str]:
        """Path of each image, or of each line where an image has several."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Split:
    """One split as the report sees it; each task narrows its predictions and adds what its sections ask.

    Attributes:
        name: "test", "val", "train", or "all" for predictions that name no split.
        predictions: outputs and targets.
        summary: the numbers of the split, those of metrics.json.
        cameras: domain -> its images in this split, for a run that was adapted to a new camera.
    """

    name: str
    predictions: AnyPredictions
    summary: Mapping[str, Any]
    cameras: Mapping[str, int] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """What people call the split."""
        return SPLIT_LABELS.get(self.name, self.name)

    @property
    def pictures(self) -> str:
        """What people call its images: "test images", or "images" where no split is named."""
        return "images" if self.name == "all" else f"{self.label.lower()} images"


def count_cameras(ids: np.ndarray | None, table: SampleTable | None) -> dict[str, int]:
    """Count the images of the new and the old camera among the rows `ids`, for a run that was adapted."""
    if table is None or ids is None or "domain" not in table.arrow.column_names or not fits(ids, table):
        return {}
    domains = table.arrow.column("domain").take(pa.array(ids)).to_pylist()
    return {name: domains.count(name) for name in ("new", "old") if name in domains}


def fits(ids: np.ndarray, table: SampleTable) -> bool:
    """Whether the rows `ids` are rows of the table."""
    return not len(ids) or bool(ids.min() >= 0 and ids.max() < len(table))
