"""What a person sees while a command works: progress bars in a terminal, a line every few seconds elsewhere."""

from __future__ import annotations

import time
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Table

from vision_ft.evaluate.names import METRIC_NAMES

SECONDS_BETWEEN_LINES = 5.0  # without a terminal, for log files

console = Console(soft_wrap=True)  # a path cut in two cannot be copied


class ConsoleReporter:
    """Draws a bar with pictures a second and the time left, or prints a line every few seconds."""

    def __init__(self) -> None:
        self._progress: Progress | None = None
        self._task: TaskID | None = None
        self._what, self._total, self._done, self._started, self._said = "", 0, 0, 0.0, 0.0

    def begin(self, what: str, total: int) -> None:
        """Start a bar over `total` pictures."""
        self.end()
        self._what, self._total, self._done = what, total, 0
        self._started = self._said = time.monotonic()
        if console.is_terminal:
            columns = (
                TextColumn("{task.description}"),
                BarColumn(),
                TextColumn("{task.completed}/{task.total} {task.fields[speed]:.0f} images/s"),
                TimeRemainingColumn(),
            )
            self._progress = Progress(*columns, console=console, transient=True)
            self._progress.start()
            self._task = self._progress.add_task(escape(what), total=total, speed=0.0)

    def advance(self, count: int) -> None:
        """Move the bar by `count` pictures."""
        self._done += count
        now = time.monotonic()
        speed = self._done / max(now - self._started, 1e-9)
        if self._progress is not None and self._task is not None:
            self._progress.update(self._task, advance=count, speed=speed)
        elif now - self._said >= SECONDS_BETWEEN_LINES:
            self._said = now
            left = max(self._total - self._done, 0) / speed
            line = f"{self._what}: {self._done}/{self._total}, {speed:.0f} images/s, {left:.0f} s left"
            console.print(line, highlight=False, markup=False)

    def end(self) -> None:
        """Remove the bar."""
        if self._progress is not None:
            self._progress.stop()
            self._progress = None

    def epoch(self, record: dict[str, Any]) -> None:
        """Print the epoch's numbers on one line."""
        parts = [f"epoch {record['epoch']:>3}", str(record["phase"]), f"train loss {_number(record['train_loss'])}"]
        if record["val_loss"] is not None:
            parts.append(f"val loss {_number(record['val_loss'])}")
        known = {name: record[f"val_{name}"] for name in METRIC_NAMES if f"val_{name}" in record}
        parts += [f"val {METRIC_NAMES[name]} {_number(value, 3)}" for name, value in known.items()]
        parts.append(f"{record['images_per_s']:.0f} images/s")
        console.print("  ".join(parts), highlight=False, markup=False)

    def say(self, text: str) -> None:
        """Print a line."""
        console.print(text, highlight=False, markup=False)


def _number(value: float | None, digits: int = 4) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


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
            "L-BFGS" if convex else str(phase["epochs"]),
            _span(sorted(groups, key=[g["name"] for g in plan["groups"]].index)),
            "chosen by val" if convex else (rates[0] if len(rates) == 1 else f"{rates[-1]} to {rates[0]}"),
            f"{phase['trainable_parameters']:,}",
        )
    console.print(table)


def _span(groups: list[str]) -> str:
    return groups[0] if len(groups) == 1 else f"{groups[0]} .. {groups[-1]}"
