"""`vision-ft audit`: look at the pictures before training."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from vision_ft.api import api
from vision_ft.cli.console import console
from vision_ft.cli.training.train import show_findings
from vision_ft.run_folder import RunFolder, write_findings
from vision_ft.types import SPLITS


def run(data: str, *, overrides: Sequence[str], out: Path | None) -> bool:
    """Print and optionally write the findings; return whether there is no error among them."""
    table, findings = api.audit(data, overrides=overrides)
    counts = ", ".join(f"{len(table.rows(split))} {split}" for split in SPLITS)
    console.print(f"{len(table)} usable pictures of {len(table.classes)} classes: {counts}", highlight=False)
    for (level, kind), count in sorted(Counter((f.level, f.kind) for f in findings).items()):
        console.print(f"  {level:8}{kind:24}{count}", highlight=False)
    show_findings(findings, limit=40)
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        write_findings(RunFolder(out), findings)
        console.print(f"written to {RunFolder(out).findings}", highlight=False, markup=False)
    return all(finding.level != "error" for finding in findings)
