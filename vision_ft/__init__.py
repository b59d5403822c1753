"""Fine-tune pretrained vision backbones on your own pictures, and see why the model errs.

import vision_ft as vf

run = vf.finetune("photos/", backbone="resnet50", strategy="gradual-unfreeze")
run.metrics["splits"]["test"]["accuracy"]
model = vf.load(run.path)
model.predict(["a.jpg"])
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vision_ft.version import __version__

if TYPE_CHECKING:
    from vision_ft.api.api import Adaptation, Run, adapt, audit, compare, convert, finetune, load, report, watch

__all__ = [
    "Adaptation",
    "Run",
    "__version__",
    "adapt",
    "audit",
    "compare",
    "convert",
    "finetune",
    "load",
    "report",
    "watch",
]


def __getattr__(name: str) -> Any:
    """Import the public names on first use: importing the package must not import torch."""
    if name in __all__:
        from vision_ft.api import api

        return getattr(api, name)
    raise AttributeError(f"module 'vision_ft' has no attribute {name!r}")
