"""What a person sees while a run works: a bar in a terminal or a notebook, a line every few seconds elsewhere."""

from __future__ import annotations

import time
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from vision_ft.engine.callbacks import Reporter

SECONDS_BETWEEN_LINES = 5.0  # without a terminal, for log files

console = Console(soft_wrap=True)  # a path cut in two cannot be copied


def default_reporter() -> Reporter:
    """Return who listens where nobody was named: a bar in a notebook, else lines that go to `logging`."""
    from vision_ft.engine.callbacks import LogReporter

    return ConsoleReporter() if console.is_jupyter else LogReporter()


def _can_draw() -> bool:
    """Whether a bar can move: in a terminal, or in a notebook that has the widgets which rich draws with."""
    return find_spec("ipywidgets") is not None if console.is_jupyter else console.is_terminal


class ConsoleReporter:
    """Draws a bar with images a second and the time left, or prints a line every few seconds."""

    def __init__(self) -> None:
        self._progress: Progress | None = None
        self._task: TaskID | None = None
        self._what, self._total, self._done, self._started, self._said = "", 0, 0, 0.0, 0.0

    def begin(self, what: str, total: int) -> None:
        """Start a bar over `total` images."""
        self.end()
        self._what, self._total, self._done = what, total, 0
        self._started = self._said = time.monotonic()
        if _can_draw():
            from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn  # here: --help draws no bar

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
        """Move the bar by `count` images."""
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
        from vision_ft.evaluate.names import METRIC_NAMES  # here: --help needs no numpy

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
