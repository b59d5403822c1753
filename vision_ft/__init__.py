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
    from vision_ft.api.api import Adaptation, Run, adapt, audit, compare, convert, finetune, load, report, watch
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
REGISTERS = {  # where what takes an entry of your own lies; see docs/extending.md
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
    if name in REGISTERS:
        return getattr(import_module(REGISTERS[name]), name)
    if name in __all__:
        from vision_ft.api import api

        return getattr(api, name)
    raise AttributeError(f"module 'vision_ft' has no attribute {name!r}")
