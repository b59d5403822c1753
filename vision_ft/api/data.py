"""Audit and convert data sets."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from vision_ft.api.train import resolve_recipe
from vision_ft.converting import convert as convert
from vision_ft.data.kinds import KINDS
from vision_ft.data.table import SampleTable
from vision_ft.types import Finding
from vision_ft.wiring.data import prepare_table


def audit(data: str | Path, *, overrides: Sequence[str] = ()) -> tuple[SampleTable, list[Finding]]:
    """Read, check and split images without training; what is wrong is among the findings, not raised.

    Raises:
        DataError: the folder or file cannot be read as a data set at all.
    """
    recipe = resolve_recipe(data, [*overrides, "data.on_bad=drop"], {})
    threads = os.cpu_count() or 1
    task = recipe.task if KINDS[recipe.task].needs_recipe else None  # what boxes and masks are can be seen
    return prepare_table(recipe.data, task=task, seed=recipe.run.seed, threads=threads, quick=False, strict=False)
