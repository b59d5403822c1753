"""`vision-ft convert`: write a data set in another format."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from vision_ft.cli.arguments import Overrides
from vision_ft.cli.choices import TARGETS, listed
from vision_ft.cli.console import console
from vision_ft.cli.plugins import Plugins, use
from vision_ft.cli.training.train import show_findings


def convert(
    source: Annotated[Path, typer.Argument(metavar="SOURCE", help="Data set in any format that is read.")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="New or empty folder.")],
    to: Annotated[str, typer.Option(help=f"{listed(TARGETS)}.")],
    overrides: Overrides = None,
    link: Annotated[bool, typer.Option("--link/--copy", help="Link to the images instead of copying them.")] = False,
    source_format: Annotated[str, typer.Option("--from", help="Format of SOURCE; auto looks at it.")] = "auto",
    plugins: Plugins = None,
) -> None:
    """Write a data set in another format, and say what that cannot hold.

    Example: vision-ft convert blood_cells/ blood_yolo/ --to yolo data.on_bad=drop
    """
    use(plugins)
    settings = [f"data.format={source_format}", *(overrides or ())]
    run(str(source), out, to=to, link=link, overrides=settings)


def run(source: str, out: Path, *, to: Any, link: bool, overrides: Sequence[str]) -> None:
    """Convert and print what was written, and what could not be held."""
    from vision_ft.api.data import convert as write_as
    from vision_ft.data.kinds import KINDS

    done = write_as(source, out, to=to, transfer="link" if link else "copy", overrides=overrides)
    table = done.table
    text = f"{len(table)} images of {KINDS[table.task].describe(table)}"
    if "boxes" in table.arrow.column_names:
        text += f", {sum(map(len, table.arrow.column('boxes').to_pylist()))} boxes"
    console.print(f"{text}: {done.source_format} -> {done.target_format}", highlight=False)
    show_findings(done.findings, limit=40)
    console.print(f"written to {done.path}", highlight=False, markup=False)
