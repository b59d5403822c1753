"""`vision-ft report`: make a report again, or from predictions that another tool made."""

from __future__ import annotations

from pathlib import Path

from vision_ft.api import api
from vision_ft.cli.console import console


def run(source: Path, *, out: Path | None, data_root: Path | None) -> Path:
    """Write the report and print where it is."""
    file = api.report(source, out=out, data_root=data_root)
    console.print(f"report  {file}", highlight=False, markup=False)
    return file
