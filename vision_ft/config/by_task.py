"""Where the default of a task differs from the schema's."""

from __future__ import annotations

from typing import Any

from vision_ft.types import DETECTION, SEGMENTATION

BY_TASK: dict[str, dict[str, dict[str, Any]]] = {
    SEGMENTATION: {"model": {"head": "fpn"}, "optim": {"batch_size": 8}, "augment": {"views": 4}},
    DETECTION: {
        "model": {"head": "faster-rcnn"},
        "optim": {"batch_size": 8},
        "augment": {"views": 4},
    },
}
