"""What the verbs print with, and the plan as a table."""

from __future__ import annotations

from typing import Any

from rich.markup import escape
from rich.table import Table

from vision_ft.api.progress import SECONDS_BETWEEN_LINES, ConsoleReporter, console

__all__ = ["SECONDS_BETWEEN_LINES", "ConsoleReporter", "console", "print_plan"]


def print_plan(plan: dict[str, Any]) -> None:
    """Print what trains, at which rate and how many parameters, before anything does."""
    title = f"{plan['strategy']}: {plan['backbone']} with a {plan['head']} head"
    table = Table(title=title, title_justify="left")
    for name in ("phase", "epochs", "what trains", "learning rates", "parameters"):
        table.add_column(name, justify="right" if name in ("epochs", "parameters") else "left")
    for phase in plan["phases"]:
        groups = list(phase["groups"])
        rates = [f"{rate:.2g}" for rate in phase["groups"].values()]
        convex = phase["solver"] == "convex"
        table.add_row(
            escape(phase["name"]),
            "convex" if convex else str(phase["epochs"]),
            _span(sorted(groups, key=[g["name"] for g in plan["groups"]].index)),
            "chosen by val" if convex else (rates[0] if len(rates) == 1 else f"{rates[-1]} to {rates[0]}"),
            f"{phase['trainable_parameters']:,}",
        )
    console.print(table)


def _span(groups: list[str]) -> str:
    return groups[0] if len(groups) == 1 else f"{groups[0]} .. {groups[-1]}"
