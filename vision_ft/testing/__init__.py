"""The contracts of the registries as plain functions, to run over an entry of your own.

The package's tests run them too. Each raises AssertionError with a sentence on what the entry does not keep, and needs
no test framework:

    from vision_ft.testing import check_head

    def test_my_head_keeps_the_contract():
        check_head("mine")
"""

from __future__ import annotations

from vision_ft.testing.formats import check_format
from vision_ft.testing.heads import check_head
from vision_ft.testing.losses import check_loss
from vision_ft.testing.metrics import check_metric
from vision_ft.testing.presets import check_preset
from vision_ft.testing.strategies import check_strategy

__all__ = ["check_format", "check_head", "check_loss", "check_metric", "check_preset", "check_strategy"]
