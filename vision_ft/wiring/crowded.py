"""Images with more objects than the detector gives boxes."""

from __future__ import annotations

import numpy as np

from vision_ft.data.kinds import KINDS
from vision_ft.data.table import SampleTable
from vision_ft.models.assemble import VisionModel
from vision_ft.types import Finding

LIMIT = "max_boxes"  # of head_args


def find_crowded(table: SampleTable, model: VisionModel) -> list[Finding]:
    """Warn where an image holds more boxes than the head gives: the rest cannot be detected."""
    limit, count_objects = model.head_args.get(LIMIT), KINDS[table.task].count_objects
    if count_objects is None or limit is None:
        return []
    counts = count_objects(table)
    crowded = int(np.count_nonzero(counts > limit))
    if not crowded:
        return []
    fullest = int(counts.argmax())
    detail = (
        f"{int(counts[fullest])} boxes, but the head gives at most {limit} per image. {crowded} images hold more boxes "
        f"than that; the rest cannot be detected. Set model.head_args={{max_boxes: {2 * int(counts[fullest])}}}."
    )
    return [Finding("warning", "more-boxes-than-given", table.relative_path(fullest), detail)]
