"""`vision-ft adapt`: retrain a run on a new camera, and print what it gained there and lost on the old one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.box import SIMPLE
from rich.markup import escape
from rich.table import Table

from vision_ft.cli.arguments import Device, Out, Overrides, Seed
from vision_ft.cli.choices import CANDIDATES, listed
from vision_ft.cli.console import ConsoleReporter, console
from vision_ft.cli.plugins import Plugins, use
from vision_ft.cli.training.train import show_findings
from vision_ft.types import Finding

if TYPE_CHECKING:  # they load torch
    from vision_ft.data.table import SampleTable
    from vision_ft.new_camera.scoring import Outcome


def adapt(
    run: Annotated[str, typer.Argument(metavar="RUN", help="Run to start from (only read), or one to resume.")],
    new: Annotated[
        str | None, typer.Argument(metavar="[NEW|RECIPE]", help="Images of the new camera, or a recipe (.yaml).")
    ] = None,
    overrides: Overrides = None,
    keep: Annotated[str | None, typer.Option(help="Images of the old cameras; by default those of RUN.")] = None,
    labels: Annotated[int | None, typer.Option(help="Use so many labelled images of NEW; by default all.")] = None,
    max_forgetting: Annotated[
        float | None, typer.Option(help="Largest loss on the old cameras, as a share (0.01 is one point).")
    ] = None,
    strategy: Annotated[
        list[str] | None,
        typer.Option(help=f"Candidate to make; repeat for several: {listed(CANDIDATES)}."),
    ] = None,
    group: Annotated[
        str | None, typer.Option(help="Group from the path, such as '{camera}/{label}/{sequence}_*'.")
    ] = None,
    data_root: Annotated[str | None, typer.Option(help="Where the images that RUN lists lie now.")] = None,
    epochs: Annotated[int | None, typer.Option(help="Passes over the new images while fine-tuning.")] = None,
    out: Out = None,
    seed: Seed = None,
    device: Device = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the adaptation in RUN or --out.")] = False,
    plugins: Plugins = None,
) -> None:
    """Retrain a run on a new camera and show what it forgot; exits 3 when no model passes the gate.

    Example: vision-ft adapt runs/lot-a new_camera/ --labels 50
    """
    use(plugins)
    options: dict[str, Any] = {
        "adapt.keep": keep,
        "adapt.labels": labels,
        "adapt.max_forgetting": max_forgetting,
        "adapt.candidates": strategy,
        "adapt.data_root": data_root,
        "data.group_pattern": group,
        "strategy.epochs": epochs,
        "run.out": out,
        "run.seed": seed,
        "run.device": device,
    }
    code = adapt_and_show(run, new, overrides=overrides or (), options=options, resume=resume)
    if code:
        raise typer.Exit(code)


def adapt_and_show(
    source: str, new: str | None, *, overrides: Sequence[str], options: Mapping[str, Any], resume: bool
) -> int:
    """Adapt, print shift, candidates and decision, and return the exit code: 0 passed, 3 not passed."""
    from vision_ft import new_camera  # here, as in every verb: --help must not wait for torch
    from vision_ft.api.adapt import resolve_adaptation
    from vision_ft.run_folder import read_json

    recipe = resolve_adaptation(source, new, overrides, options)
    folder = new_camera.adapt(
        recipe, resume=resume, reporter=ConsoleReporter(), on_start=show_start, on_candidate=show_candidate
    )
    outcome = read_json(folder.path / "adaptation.json")
    show_outcome(outcome)
    console.print(f"model   {folder.model}\nreport  {folder.report}", highlight=False, markup=False)
    if outcome["next_labels"]:
        console.print(f"label next: {folder.path / outcome['next_labels']['file']}", highlight=False, markup=False)
    return int(outcome["decision"]["exit_code"])


def show_start(table: SampleTable, findings: Sequence[Finding], shift: Mapping[str, Any]) -> None:
    """Print the images of both cameras, what was seen in them, and the shift."""
    names = table.arrow.column("domain").to_pylist()
    splits = table.splits
    for domain in ("old", "new"):
        counts = [
            sum(name == domain and split == wanted for name, split in zip(names, splits, strict=True))
            for wanted in ("train", "val", "test")
        ]
        total = names.count(domain)
        parts = "{} train, {} val, {} test".format(*counts)
        console.print(f"{domain} camera: {total} images: {parts}", highlight=False)
    show_findings(findings)
    for sentence in shift["sentences"]:
        console.print(sentence, highlight=False, markup=False)


def show_candidate(outcome: Outcome) -> None:
    """Print why a candidate was not made; the others stand in the table at the end."""
    if not outcome.is_done:
        console.print(f"  left out: {outcome.entry['reason']}", highlight=False, markup=False)


def show_outcome(outcome: Mapping[str, Any]) -> None:
    """Print the table of candidates and the decision."""
    from vision_ft.adaptation.decide import SOURCE
    from vision_ft.evaluate.names import METRIC_NAMES

    decision = outcome["decision"]
    name = METRIC_NAMES[decision["metric"]]
    title = f"{name} on test images; change in points against the source, with 95% interval"
    table = Table(title=title, title_justify="left", box=SIMPLE, pad_edge=False)
    for name in ("candidate", "old", "change", "new", "change"):
        table.add_column(name, justify="left" if name == "candidate" else "right", no_wrap=name == "change")
    for entry in outcome["candidates"]:
        if entry["status"] != "done":
            continue
        mark = "[bold green]>[/] " if entry["name"] == decision["recommended"] else "  "
        change = entry["change"] if entry["name"] != SOURCE else dict.fromkeys(entry["change"])
        table.add_row(
            mark + escape(entry["title"]),
            _score(entry["test"]["old"], decision["metric"]),
            escape(_change(change["old"])),
            _score(entry["test"]["new"], decision["metric"]),
            escape(_change(change["new"])),
        )
    console.print(table)
    colour = "green" if decision["passed"] else "yellow"
    console.print(f"[{colour}]{escape(decision['sentence'])}[/]", highlight=False)
    for advice in ("budget", "honest_split"):
        if outcome[advice]:
            console.print(outcome[advice]["sentence"], highlight=False, markup=False)


def _score(numbers: Mapping[str, Any] | None, metric: str) -> str:
    from vision_ft.evaluate.names import metric_info

    return "-" if numbers is None else metric_info(metric).show(numbers[metric])


def _change(change: Mapping[str, float] | None) -> str:
    if change is None or change["value"] is None:
        return "-"
    return f"{100 * change['value']:+.1f} [{100 * change['low']:+.1f}, {100 * change['high']:+.1f}]"
