"""`vision-ft train`: from a folder or a recipe to a model, metrics and a report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.markup import escape

from vision_ft.api import api
from vision_ft.cli.console import ConsoleReporter, console, print_plan
from vision_ft.data.table import SampleTable
from vision_ft.errors import RecipeError
from vision_ft.evaluate.names import describe_split
from vision_ft.pipeline import train
from vision_ft.run_folder import RunFolder, read_json
from vision_ft.types import SPLITS, Finding

SHOWN_FINDINGS = 12  # more would push the plan off the screen; all of them are in findings.csv


def run(data: str, *, overrides: Sequence[str], options: Mapping[str, Any], resume: bool) -> Path:
    """Train and print the plan, the epochs and the outcome; return the run folder."""
    recipe = api.resolve_recipe(data, overrides, options)
    folder = train(recipe, resume=resume, reporter=ConsoleReporter(), on_plan=show_start)
    show_outcome(folder)
    return folder.path


def parse_size(text: str) -> int | list[int]:
    """Read a side in pixels ("224"), or height and width ("360x480").

    Raises:
        RecipeError: it is neither.
    """
    sides = text.lower().split("x")
    if len(sides) > 2 or not all(side.strip().isdigit() for side in sides):
        raise RecipeError(f'--image-size: got "{text}"; allowed: a side such as 224, or HEIGHTxWIDTH such as 360x480.')
    numbers = [int(side) for side in sides]
    return numbers[0] if len(numbers) == 1 else numbers


def show_start(plan: dict[str, Any], table: SampleTable, findings: Sequence[Finding]) -> None:
    """Print the data, what the audit saw, and the plan."""
    counts = ", ".join(f"{len(table.rows(split))} {split}" for split in SPLITS)
    console.print(f"{len(table)} pictures of {len(table.classes)} classes: {counts}", highlight=False)
    show_findings(findings)
    print_plan(plan)


def show_findings(findings: Sequence[Finding], limit: int = SHOWN_FINDINGS) -> None:
    """Print errors and warnings, the rest as counts."""
    loud = [finding for finding in findings if finding.level != "info"]
    for finding in loud[:limit]:
        colour = "red" if finding.level == "error" else "yellow"
        where = f"{finding.path}: " if finding.path else ""
        console.print(f"[{colour}]{finding.level}[/] {finding.kind}: {escape(where + finding.detail)}", highlight=False)
    if len(loud) > limit:
        console.print(f"... and {len(loud) - limit} more, in findings.csv", highlight=False)
    quiet = len(findings) - len(loud)
    if quiet:
        console.print(f"{quiet} remarks in findings.csv", highlight=False)


def show_outcome(folder: RunFolder) -> None:
    """Print the headline numbers and where everything lies."""
    metrics = read_json(folder.metrics)
    for split, numbers in metrics["splits"].items():
        console.print(f"[bold]{split}[/]: {describe_split(metrics['task'], numbers)}", highlight=False)
    console.print(f"model   {folder.model}\nreport  {folder.path / 'report.html'}", highlight=False, markup=False)
