"""`vision-ft report`: make a report again, or from predictions that another tool made."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vision_ft.cli.console import console
from vision_ft.cli.plugins import Plugins, use


def report(
    source: Annotated[
        Path, typer.Argument(metavar="RUN|PREDICTIONS", help="Run folder, or predictions (.csv, .parquet).")
    ],
    out: Annotated[Path | None, typer.Option(help="Folder for a report made from a predictions file.")] = None,
    data_root: Annotated[Path | None, typer.Option(help="Where the images are, if they moved.")] = None,
    plugins: Plugins = None,
) -> None:
    """Make report.html again, also from another tool's predictions (path,target,predicted or scores).

    Example: vision-ft report runs/birds
    """
    from vision_ft.api.report import report as write_report

    use(plugins)
    file = write_report(source, out=out, data_root=data_root)
    console.print(f"report  {file}", highlight=False, markup=False)
