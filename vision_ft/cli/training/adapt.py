"""`vision-ft adapt`: retrain a run on a new camera, and print what it gained there and lost on the old one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.box import SIMPLE
from rich.markup import escape
from rich.table import Table

from vision_ft.adaptation.decide import SOURCE
from vision_ft.api import api
from vision_ft.cli.console import ConsoleReporter, console
from vision_ft.cli.training.train import show_findings
from vision_ft.data.table import SampleTable
from vision_ft.evaluate.names import METRIC_NAMES
from vision_ft.new_camera import adapt
from vision_ft.new_camera.scoring import Outcome
from vision_ft.run_folder import read_json
from vision_ft.types import Finding


def run(source: str, new: str | None, *, overrides: Sequence[str], options: Mapping[str, Any], resume: bool) -> int:
    """Adapt, print shift, candidates and decision, and return the exit code: 0 passed, 3 not passed."""
    recipe = api.resolve_adaptation(source, new, overrides, options)
    folder = adapt(recipe, resume=resume, reporter=ConsoleReporter(), on_start=show_start, on_candidate=show_candidate)
    outcome = read_json(folder.path / "adaptation.json")
    show_outcome(outcome)
    console.print(f"model   {folder.model}\nreport  {folder.report}", highlight=False, markup=False)
    if outcome["next_labels"]:
        console.print(f"label next: {folder.path / outcome['next_labels']['file']}", highlight=False, markup=False)
    return int(outcome["decision"]["exit_code"])


def show_start(table: SampleTable, findings: Sequence[Finding], shift: Mapping[str, Any]) -> None:
    """Print the pictures of both cameras, what was seen in them, and the shift."""
    names = table.arrow.column("domain").to_pylist()
    splits = table.splits
    for domain in ("old", "new"):
        counts = [
            sum(name == domain and split == wanted for name, split in zip(names, splits, strict=True))
            for wanted in ("train", "val", "test")
        ]
        total = names.count(domain)
        parts = "{} train, {} val, {} test".format(*counts)
        console.print(f"{domain} camera: {total} pictures: {parts}", highlight=False)
    show_findings(findings)
    for sentence in shift["sentences"]:
        console.print(sentence, highlight=False, markup=False)


def show_candidate(outcome: Outcome) -> None:
    """Print why a candidate was not made; the others stand in the table at the end."""
    if not outcome.is_done:
        console.print(f"  left out: {outcome.entry['reason']}", highlight=False, markup=False)


def show_outcome(outcome: Mapping[str, Any]) -> None:
    """Print the table of candidates and the decision."""
    decision = outcome["decision"]
    name = METRIC_NAMES[decision["metric"]]
    title = f"{name} on test pictures; change in points against the source, with 95% interval"
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
    return "-" if numbers is None or numbers[metric] is None else f"{numbers[metric]:.1%}"


def _change(change: Mapping[str, float] | None) -> str:
    if change is None or change["value"] is None:
        return "-"
    return f"{100 * change['value']:+.1f} [{100 * change['low']:+.1f}, {100 * change['high']:+.1f}]"
