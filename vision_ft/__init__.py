"""Fine-tune pretrained vision backbones on your own pictures, and see why the model errs.

import vision_ft as vf

run = vf.finetune("photos/", backbone="resnet50", strategy="gradual-unfreeze")
run.metrics["splits"]["test"]["accuracy"]
model = vf.load(run.path)
model.predict(["a.jpg"])
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from vision_ft.version import __version__

if TYPE_CHECKING:
    from vision_ft.api.adapt import adapt
    from vision_ft.api.data import audit, convert
    from vision_ft.api.predict import load, watch
    from vision_ft.api.report import compare, report
    from vision_ft.api.run import Adaptation, Run
    from vision_ft.api.train import finetune

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
_HOMES = {  # name -> module of vision_ft.api
    "Adaptation": "run",
    "Run": "run",
    "adapt": "adapt",
    "audit": "data",
    "compare": "report",
    "convert": "data",
    "finetune": "train",
    "load": "predict",
    "report": "report",
    "watch": "predict",
}


def __getattr__(name: str) -> Any:
    """Import the public names on first use: importing the package must not import torch."""
    if name in _HOMES:
        return getattr(import_module(f"vision_ft.api.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'vision_ft' has no attribute {name!r}")


def __dir__() -> list[str]:
    """The public names, so that a notebook completes them before they are imported."""
    return sorted(__all__)
