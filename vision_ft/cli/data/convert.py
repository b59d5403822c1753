"""`vision-ft convert`: write a data set in another format."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from vision_ft.api import api
from vision_ft.cli.console import console
from vision_ft.cli.training.train import show_findings


def run(source: str, out: Path, *, to: Any, link: bool, overrides: Sequence[str]) -> None:
    """Convert and print what was written, and what could not be held."""
    done = api.convert(source, out, to=to, transfer="link" if link else "copy", overrides=overrides)
    table = done.table
    text = f"{len(table)} pictures of {len(table.classes)} classes"
    if "boxes" in table.arrow.column_names:
        text += f", {sum(map(len, table.arrow.column('boxes').to_pylist()))} boxes"
    console.print(f"{text}: {done.source_format} -> {done.target_format}", highlight=False)
    show_findings(done.findings, limit=40)
    console.print(f"written to {done.path}", highlight=False, markup=False)
