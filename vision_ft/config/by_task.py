"""Where the default of a task differs from the schema's."""

from __future__ import annotations

from typing import Any

BY_TASK: dict[str, dict[str, dict[str, Any]]] = {
    "segmentation": {"model": {"head": "fpn"}, "optim": {"batch_size": 8}, "augment": {"views": 4}},
    "detection": {
        "model": {"head": "faster-rcnn"},
        "optim": {"batch_size": 8},
        "augment": {"views": 4},
    },
}
