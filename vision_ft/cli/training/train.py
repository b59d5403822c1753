"""`vision-ft train`: from a folder or a recipe to a model, metrics and a report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from vision_ft.cli.arguments import Device, Out, Overrides, Seed
from vision_ft.cli.choices import HEADS, STRATEGIES, TASKS, listed
from vision_ft.cli.console import ConsoleReporter, console, print_plan
from vision_ft.cli.plugins import Plugins, use
from vision_ft.errors import RecipeError
from vision_ft.types import SPLITS, Finding

if TYPE_CHECKING:  # they load pyarrow
    from vision_ft.data.table import SampleTable
    from vision_ft.run_folder import RunFolder

SHOWN_FINDINGS = 12  # more would push the plan off the screen; all of them are in findings.csv


def train(
    data: Annotated[
        str,
        typer.Argument(metavar="DATA|RECIPE", help="Images (folder or CSV), a recipe (.yaml), or a run to resume."),
    ],
    overrides: Overrides = None,
    backbone: Annotated[str | None, typer.Option(help="Any timm name, such as resnet50.")] = None,
    pretrained: Annotated[str | None, typer.Option(help="true (hub), false (random), or a weights file.")] = None,
    strategy: Annotated[str | None, typer.Option(help=f"{listed(STRATEGIES)}.")] = None,
    epochs: Annotated[int | None, typer.Option(help="Passes over the training images.")] = None,
    task: Annotated[str | None, typer.Option(help=f"{listed(TASKS)}.")] = None,
    head: Annotated[str | None, typer.Option(help=f"Head on the backbone: {listed(HEADS)}.")] = None,
    image_size: Annotated[str | None, typer.Option(help="Side of the input in pixels, or HEIGHTxWIDTH.")] = None,
    batch_size: Annotated[int | None, typer.Option(help="Images a batch.")] = None,
    out: Out = None,
    seed: Seed = None,
    device: Device = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in DATA or --out.")] = False,
    plugins: Plugins = None,
) -> None:
    """Fine-tune a model and write its report.

    Example: vision-ft train photos/ --backbone resnet50 --strategy gradual-unfreeze
    """
    use(plugins)
    options: dict[str, Any] = {
        "model.backbone": backbone,
        "model.pretrained": pretrained,
        "strategy.name": strategy,
        "strategy.epochs": epochs,
        "task": task,
        "model.head": head,
        "model.image_size": None if image_size is None else parse_size(image_size),
        "optim.batch_size": batch_size,
        "run.out": out,
        "run.seed": seed,
        "run.device": device,
    }
    run(data, overrides=overrides or (), options=options, resume=resume)


def run(data: str, *, overrides: Sequence[str], options: Mapping[str, Any], resume: bool) -> Path:
    """Train and print the plan, the epochs and the outcome; return the run folder."""
    from vision_ft import pipeline  # here, as in every verb: --help must not wait for torch
    from vision_ft.api.train import resolve_recipe

    recipe = resolve_recipe(data, overrides, options)
    folder = pipeline.train(recipe, resume=resume, reporter=ConsoleReporter(), on_plan=show_start)
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
    from vision_ft.data.kinds import KINDS

    counts = ", ".join(f"{len(table.rows(split))} {split}" for split in SPLITS)
    console.print(f"{len(table)} images of {KINDS[table.task].describe(table)}: {counts}", highlight=False)
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
    from vision_ft.evaluate.names import describe_split
    from vision_ft.run_folder import read_json

    metrics = read_json(folder.metrics)
    for split, numbers in metrics["splits"].items():
        console.print(f"[bold]{split}[/]: {describe_split(metrics['task'], numbers)}", highlight=False)
    console.print(f"model   {folder.model}\nreport  {folder.path / 'report.html'}", highlight=False, markup=False)
