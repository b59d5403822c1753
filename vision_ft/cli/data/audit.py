"""`vision-ft audit`: look at the images before training."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from vision_ft.cli.arguments import Data, Overrides
from vision_ft.cli.console import console
from vision_ft.cli.plugins import Plugins, use
from vision_ft.cli.training.train import show_findings
from vision_ft.types import SPLITS


def audit(
    data: Data,
    overrides: Overrides = None,
    out: Annotated[Path | None, typer.Option(help="Folder for findings.csv.")] = None,
    plugins: Plugins = None,
) -> None:
    """Find broken, duplicate, mislabelled and leaking images; exits 1 when there is an error among them.

    Example: vision-ft audit photos/
    """
    use(plugins)
    if not run(data, overrides=overrides or (), out=out):
        raise typer.Exit(1)


def run(data: str, *, overrides: Sequence[str], out: Path | None) -> bool:
    """Print and optionally write the findings; return whether there is no error among them."""
    from vision_ft.api.data import audit as look_at
    from vision_ft.data.kinds import KINDS
    from vision_ft.run_folder import RunFolder, write_findings

    table, findings = look_at(data, overrides=overrides)
    counts = ", ".join(f"{len(table.rows(split))} {split}" for split in SPLITS)
    console.print(f"{len(table)} usable images of {KINDS[table.task].describe(table)}: {counts}", highlight=False)
    for (level, kind), count in sorted(Counter((f.level, f.kind) for f in findings).items()):
        console.print(f"  {level:8}{kind:24}{count}", highlight=False)
    show_findings(findings, limit=40)
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        write_findings(RunFolder(out), findings)
        console.print(f"written to {RunFolder(out).findings}", highlight=False, markup=False)
    return all(finding.level != "error" for finding in findings)
