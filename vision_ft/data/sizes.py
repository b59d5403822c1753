"""Height and width of the images of a table."""

from __future__ import annotations

import numpy as np

from vision_ft.data.table import SampleTable


def image_sizes(table: SampleTable) -> np.ndarray:
    """Return height and width (N, 2) in pixels of every image of the table."""
    columns = [table.arrow.column(name).to_numpy() for name in ("height", "width")]
    return np.stack(columns, axis=1).astype(np.int64)


def median_size(table: SampleTable, rows: np.ndarray) -> list[int]:
    """Return the median height and width of some images, in pixels."""
    sides = [np.median(table.arrow.column(name).to_numpy()[rows]) for name in ("height", "width")]
    return [int(side) for side in sides]
