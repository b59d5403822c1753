"""Fine-tune pretrained vision backbones on your own images, and see why the model errs.

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
    from vision_ft.augment.presets import register_preset
    from vision_ft.data.formats import register_format
    from vision_ft.evaluate.classification.register import register_metric
    from vision_ft.models.heads import register_head
    from vision_ft.reporting.own_sections import register_section
    from vision_ft.strategies import register_strategy
    from vision_ft.tasks import register_loss

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
    "register_format",
    "register_head",
    "register_loss",
    "register_metric",
    "register_preset",
    "register_section",
    "register_strategy",
    "report",
    "watch",
]
_HOMES = {  # name -> its module; of the `register_*`, see docs/extending.md
    "Adaptation": "vision_ft.api.run",
    "Run": "vision_ft.api.run",
    "adapt": "vision_ft.api.adapt",
    "audit": "vision_ft.api.data",
    "compare": "vision_ft.api.report",
    "convert": "vision_ft.api.data",
    "finetune": "vision_ft.api.train",
    "load": "vision_ft.api.predict",
    "report": "vision_ft.api.report",
    "watch": "vision_ft.api.predict",
    "register_format": "vision_ft.data.formats",
    "register_head": "vision_ft.models.heads",
    "register_loss": "vision_ft.tasks",
    "register_metric": "vision_ft.evaluate.classification.register",
    "register_preset": "vision_ft.augment.presets",
    "register_section": "vision_ft.reporting.own_sections",
    "register_strategy": "vision_ft.strategies",
}


def __getattr__(name: str) -> Any:
    """Import the public names on first use: importing the package must not import torch."""
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'vision_ft' has no attribute {name!r}")


def __dir__() -> list[str]:
    """The public names, so that a notebook completes them before they are imported."""
    return sorted(__all__)
