"""The grid of augmented images: what the model really sees in training."""

from __future__ import annotations

import base64
import io

from vision_ft.errors import DataError
from vision_ft.reporting.collect.view import RunView
from vision_ft.reporting.section import Section, View
from vision_ft.reporting.thumbnails import open_grid

MAX_SIDE_PX = 1400
JPEG_QUALITY = 80


def _build(run: RunView) -> View | None:
    if run.augmentation is None:
        return None
    try:
        image = open_grid(run.augmentation)
    except (DataError, OSError):
        return None
    image.thumbnail((MAX_SIDE_PX, MAX_SIDE_PX))
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=JPEG_QUALITY)
    uri = "data:image/jpeg;base64," + base64.b64encode(stream.getvalue()).decode("ascii")
    return {"uri": uri, "width": image.width, "height": image.height}


SECTION = Section("augmentation", "What the model sees", "augmentation.html.j2", build=_build)
