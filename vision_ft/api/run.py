"""A finished run as a value: its numbers, tables and figures, and what a notebook shows of it."""

from __future__ import annotations

import html
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vision_ft.run_folder import RunFolder, read_json

if TYPE_CHECKING:  # each is loaded where it is used
    import pyarrow as pa
    from matplotlib.figure import Figure

    from vision_ft.wiring.predictor import AnyPredictor


@dataclass(frozen=True, repr=False)
class Run:
    """A finished run.

    Attributes:
        path: its folder.
    """

    path: Path

    @cached_property
    def metrics(self) -> dict[str, Any]:
        """The numbers of the report, as in metrics.json."""
        return dict(read_json(RunFolder(self.path).metrics))

    def per_class(self, split: str = "test") -> pa.Table:
        """Return a row a class: its images, its numbers and their 95% intervals.

        Raises:
            DataError: the run has no predictions of this split, or its tables are missing.
        """
        from vision_ft.api.tables import read_per_class

        return read_per_class(self.path, split)

    def confusion(self, split: str = "test") -> pa.Table:
        """Return how often each class was taken for which: true, predicted, count (images, pixels or boxes).

        Raises:
            DataError: as for `per_class`, or the task has no such matrix.
        """
        from vision_ft.api.tables import read_confusion

        return read_confusion(self.path, split)

    def mistakes(self, split: str = "test") -> pa.Table:
        """Return the images that are wrong, most confident first; of masks and boxes all images, the worst first.

        Raises:
            DataError: as for `per_class`, or the task has no such table.
        """
        from vision_ft.api.tables import read_mistakes

        return read_mistakes(self.path, split)

    def history(self) -> pa.Table:
        """Return a row an epoch: its phase, losses, metrics and seconds.

        Raises:
            DataError: the run kept no log.
        """
        from vision_ft.api.tables import read_history

        return read_history(self.path)

    def table(self) -> pa.Table:
        """Return the sample table: a row an image with its path, split, label or annotation, and what the audit saw.

        Raises:
            DataError: the table is missing or damaged.
        """
        from vision_ft.data.table import SampleTable

        return SampleTable.read(RunFolder(self.path).data).arrow

    def plot(self, name: str, *, split: str = "test") -> Figure:
        """Draw "confusion", "per_class" or "learning_curves" as a matplotlib Figure.

        Raises:
            RecipeError: no figure has this name; lists those there are.
            DataError: as for the table of the same name.
        """
        from vision_ft.api.figures import draw

        return draw(self.path, name, split=split)

    def report(self) -> Path:
        """Make report.html again and return its path."""
        from vision_ft.reporting import build_report

        return build_report(self.path)

    def load(self, *, device: str = "cpu") -> AnyPredictor:
        """Load the model."""
        from vision_ft.wiring.predictor import load_predictor

        return load_predictor(self.path, device=device)

    def __repr__(self) -> str:
        head, *lines = (f"{name}: {text}" for name, text in self._summary())
        return "\n".join([f"{type(self).__name__}({str(self.path)!r}) {head}", *(f"  {line}" for line in lines)])

    def _repr_html_(self) -> str:
        """What a notebook shows; every text is escaped, since class names and paths are data."""
        rows = "".join(
            f'<tr><th style="text-align:left">{html.escape(name)}</th>'
            f'<td style="text-align:left">{html.escape(text)}</td></tr>'
            for name, text in self._summary()
        )
        title = html.escape(f"{type(self).__name__} {self.path}")
        return f"<table><caption>{title}</caption><tbody>{rows}</tbody></table>"

    def _summary(self) -> list[tuple[str, str]]:
        """What a person wants to see first, by name; showing a run never fails, whatever its folder holds."""
        from vision_ft.evaluate.names import describe_split

        folder = RunFolder(self.path)
        try:
            task = str(self.metrics["task"])
            splits = [(name, describe_split(task, numbers)) for name, numbers in self.metrics["splits"].items()]
        except (OSError, LookupError, TypeError, ValueError, AttributeError):
            return [("state", "not finished, or metrics.json cannot be read")]
        return [("task", task), *splits, ("report", str(folder.report))]


@dataclass(frozen=True, repr=False)
class Adaptation(Run):
    """A finished adaptation: a run whose model is the recommended one."""

    @cached_property
    def outcome(self) -> dict[str, Any]:
        """Shift, candidates, decision and lineage, as in adaptation.json."""
        return dict(read_json(self.path / "adaptation.json"))

    @property
    def passed(self) -> bool:
        """Whether a model other than the source's is recommended."""
        return bool(self.outcome["decision"]["passed"])

    @property
    def recommended(self) -> str:
        """Name of the recommended candidate; "source" where the gate is not passed."""
        return str(self.outcome["decision"]["recommended"])

    def _summary(self) -> list[tuple[str, str]]:
        try:
            decision = self.outcome["decision"]
            said = [("recommended", str(decision["recommended"])), ("decision", str(decision["sentence"]))]
        except (OSError, LookupError, TypeError, ValueError):
            said = [("decision", "not made, or adaptation.json cannot be read")]
        first, *rest = super()._summary()
        return [first, *said, *rest]
