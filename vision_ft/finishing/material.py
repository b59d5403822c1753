"""What the end of a run works on, and what every task writes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from vision_ft.config import Recipe
from vision_ft.data.labelled import labelled_rows
from vision_ft.data.table import SampleTable
from vision_ft.engine.inference import Decode, predict_answers, predict_scores
from vision_ft.engine.loop import feature_rows
from vision_ft.engine.run import TrainingRun
from vision_ft.errors import DataError
from vision_ft.files import write_json
from vision_ft.models.folder import save_model
from vision_ft.run_folder import RunFolder
from vision_ft.types import Phase

JUDGED = ("val", "test")


@dataclass(frozen=True)
class Finish:
    """A trained run with all that decided it.

    Attributes:
        run: its model holds the chosen weights.
        folder: where it is written.
        recipe: all that decided it.
        table: the pictures.
        phases: that were run.
        selection: how the weights were chosen on val.
    """

    run: TrainingRun
    folder: RunFolder
    recipe: Recipe
    table: SampleTable
    phases: tuple[Phase, ...]
    selection: Mapping[str, Any]

    def labelled(self, split: str) -> np.ndarray:
        """Return the rows of a split that can be judged."""
        return labelled_rows(self.table, split)

    def answers(self, split: str, rows: np.ndarray, decode: Decode) -> list[Any]:
        """Return the model's decoded answers for rows, read as pictures."""
        run = self.run
        run.reporter.begin(f"scoring {split}", len(rows))
        found = predict_answers(
            run.model, run.data.load_eval, rows, decode=decode, runtime=run.runtime, on_batch=run.reporter.advance
        )
        run.reporter.end()
        return found

    def scores(self, split: str, rows: np.ndarray) -> np.ndarray:
        """Return the decoded outputs (N, K) of a classifier, from cached features where the head alone moved."""
        run = self.run
        run.reporter.say(f"scoring {len(rows)} {split} pictures")
        if all(run.is_head_only(phase) for phase in self.phases):
            load = feature_rows(run, f"features of {split}", rows)
            return predict_scores(run.model.head, load, rows, decode=run.task.decode, runtime=run.runtime)
        return predict_scores(run.model, run.data.load_eval, rows, decode=run.task.decode, runtime=run.runtime)

    def groups_of(self, rows: np.ndarray) -> np.ndarray | None:
        """Return the group of each row, or None where there are none."""
        groups = self.table.groups
        return None if groups is None else groups[rows]

    def paths_of(self, rows: np.ndarray) -> list[str]:
        """Return the path of each row as the table stores it."""
        return [self.table.relative_path(int(row)) for row in rows]

    def write(self, splits: Mapping[str, Any], *, extra: Mapping[str, Any]) -> None:
        """Write the model folder and metrics.json.

        Args:
            splits: split -> the numbers of its summary.
            extra: values that the model needs, such as its temperature or thresholds; in the metrics too.

        Raises:
            DataError: there is no split to judge.
        """
        if not splits:
            raise DataError("neither val nor test holds a labelled picture; raise data.val or data.test.")
        recipe, model, classes = self.recipe, self.run.model, self.table.classes
        save_model(
            model,
            self.folder.model,
            classes=classes,
            preprocessing=model.backbone.preprocessing,
            extra={**extra, "task": recipe.task, "selection": dict(self.selection)},
        )
        head = {"format_version": 1, "task": recipe.task, "classes": list(classes.names)}
        write_json(self.folder.metrics, {**head, **extra, "selection": dict(self.selection), "splits": dict(splits)})
