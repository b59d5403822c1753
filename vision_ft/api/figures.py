"""Figures of a run for a notebook, drawn from the tables beside its report."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from vision_ft.api.tables import read_confusion, read_history, read_per_class
from vision_ft.errors import RecipeError, did_you_mean
from vision_ft.run_folder import RunFolder, read_json

if TYPE_CHECKING:  # matplotlib is loaded where a figure is drawn
    from matplotlib.figure import Figure

MEASURES = {"ap50": "AP50", "iou": "IoU", "f1": "F1"}  # a class is drawn by the first of these that its row has
READABLE = 10_000  # counts from here on, as of pixels, have no room in a cell: shares are shown


def draw(run: Path, name: str, *, split: str) -> Figure:
    """Draw one of `FIGURES`.

    Raises:
        RecipeError: no figure has this name.
        DataError: the run does not hold what the figure shows.
    """
    if name not in FIGURES:
        raise RecipeError(f'plot: got "{name}".{did_you_mean(name, FIGURES)} Allowed: {", ".join(FIGURES)}.')
    _show_as_image()
    return FIGURES[name](run, split)


def _show_as_image() -> None:
    """Let a notebook show figures without `%matplotlib inline`; one that chose how keeps its choice."""
    from matplotlib.figure import Figure

    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if shell is None:
        return
    formatter = shell.display_formatter.formatters["image/png"]
    if Figure not in formatter.type_printers:
        formatter.for_type(Figure, _as_png)


def _as_png(figure: Figure) -> bytes:
    """Return a figure as PNG."""
    content = io.BytesIO()
    figure.savefig(content, format="png")
    return content.getvalue()


def _confusion(run: Path, split: str) -> Figure:
    import numpy as np

    from vision_ft.evaluate.classification.confusion import class_order
    from vision_ft.reporting.plots.base import draw_confusion

    cells = read_confusion(run, split).to_pylist()
    classes = read_per_class(run, split).column("class").to_pylist()
    names = list(dict.fromkeys([*classes, *(cell[end] for cell in cells for end in ("true", "predicted"))]))
    place = {name: number for number, name in enumerate(names)}
    matrix = np.zeros((len(names), len(names)), np.int64)
    for cell in cells:
        matrix[place[cell["true"]], place[cell["predicted"]]] = cell["count"]
    true, predicted = np.nonzero(matrix)
    order = class_order(np.stack([true, predicted, matrix[true, predicted]], axis=1), len(names))
    return draw_confusion(matrix, names, order=order, as_shares=bool(matrix.max(initial=0) >= READABLE))


def _per_class(run: Path, split: str) -> Figure:
    from vision_ft.reporting.plots.base import draw_per_class

    table = read_per_class(run, split)
    metric = next(name for name in MEASURES if name in table.column_names)
    rows = [
        {
            "class": row["class"],
            metric: row[metric],
            f"{metric}_interval": (row[f"{metric}_low"], row[f"{metric}_high"]),
        }
        for row in table.to_pylist()
    ]
    return draw_per_class(rows, metric=metric, title=MEASURES[metric])


def _learning_curves(run: Path, _split: str) -> Figure:
    from vision_ft.reporting.plots.base import draw_curves

    return draw_curves(read_history(run).to_pylist(), str(read_json(RunFolder(run).metrics)["task"]))


FIGURES: dict[str, Callable[[Path, str], Figure]] = {
    "confusion": _confusion,
    "per_class": _per_class,
    "learning_curves": _learning_curves,
}
