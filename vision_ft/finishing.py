"""The end of a run: val and test predicted once more, what val settles, predictions, metrics and the model folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from vision_ft.config import Recipe
from vision_ft.data.labelled import labelled_rows
from vision_ft.data.loading.targets import Truth
from vision_ft.data.sizes import median_size
from vision_ft.data.table import SampleTable
from vision_ft.engine.inference import predict_outputs
from vision_ft.engine.loop import feature_rows
from vision_ft.engine.run import TrainingRun
from vision_ft.errors import DataError
from vision_ft.evaluate.scoring import SCORINGS
from vision_ft.files import write_json
from vision_ft.models.folder import save_model
from vision_ft.run_folder import RunFolder
from vision_ft.tasks.spec import Judging, ReadOut
from vision_ft.types import Phase
from vision_ft.wiring.targets import build_targets

JUDGED = ("val", "test")


@dataclass(frozen=True)
class Finish:
    """A trained run with all that decided it.

    Attributes:
        run: its model holds the chosen weights.
        folder: where it is written.
        recipe: all that decided it.
        table: the images.
        phases: that were run.
        selection: how the weights were chosen on val.
    """

    run: TrainingRun
    folder: RunFolder
    recipe: Recipe
    table: SampleTable
    phases: tuple[Phase, ...]
    selection: Mapping[str, Any]

    def rows(self, split: str) -> np.ndarray:
        """Return the rows of a split that are predicted."""
        return self.table.rows(split) if self.run.task.predicts_unlabelled else labelled_rows(self.table, split)

    @cached_property
    def truth(self) -> Truth:
        """What is true of the images."""
        return build_targets(self.table, self.run.model.backbone.preprocessing)

    def judging(self, split: str) -> Judging:
        """Return where the predictions of a split are collected."""
        folder = self.folder.predictions(split).parent
        return Judging(self.table, self.truth, self.run.model.backbone.preprocessing, split, folder)


def finish(done: Finish) -> None:
    """Predict val and test, settle on val what is settled there, write predictions, metrics and the model folder.

    Raises:
        DataError: there is no image to judge.
    """
    scoring, task = SCORINGS[done.recipe.task], done.run.task
    rows = {split: done.rows(split) for split in JUDGED}
    made = {split: _predict(done, split, chosen) for split, chosen in rows.items() if len(chosen)}
    if not done.run.runtime.is_main:
        return
    if not made:
        what = "image" if task.predicts_unlabelled else "labelled image"
        raise DataError(f"neither val nor test holds a {what}; raise data.val or data.test.")
    settled = scoring.settle(made)
    splits: dict[str, Any] = {}
    for split, predictions in settled.items():
        scoring.write(done.folder.predictions(split), predictions)
        splits[split] = scoring.summarise(predictions, seed=done.recipe.run.seed)
    extra = scoring.settled(next(iter(settled.values())))
    if task.keeps_image_size:
        extra |= {"picture_size": median_size(done.table, done.table.rows("train"))}
    _write(done, splits, extra)


def _predict(done: Finish, split: str, rows: np.ndarray) -> Any:
    """Return the predictions for rows, from cached features where the head alone moved."""
    run, where = done.run, done.judging(split)
    read_out: ReadOut = (
        (lambda outputs, batch: run.task.decode(outputs, batch.target))
        if run.task.read_out is None
        else run.task.read_out(where)
    )
    if run.data.features is not None and all(run.is_head_only(phase) for phase in done.phases):
        run.reporter.say(f"scoring {len(rows)} {split} images")
        load = feature_rows(run, f"features of {split}", rows)
        outputs = predict_outputs(run.model.head, load, rows, decode=read_out, runtime=run.runtime)
    else:
        run.reporter.begin(f"scoring {split}", len(rows))
        outputs = predict_outputs(
            run.model, run.data.load_eval, rows, decode=read_out, runtime=run.runtime, on_batch=run.reporter.advance
        )
        run.reporter.end()
    return run.task.collect(where, rows, outputs)


def _write(done: Finish, splits: Mapping[str, Any], extra: Mapping[str, Any]) -> None:
    """Write the model folder and metrics.json; `extra` is what the model needs, such as its thresholds."""
    recipe, model, classes = done.recipe, done.run.model, done.table.classes
    save_model(
        model,
        done.folder.model,
        classes=classes,
        preprocessing=model.backbone.preprocessing,
        extra={**extra, "task": recipe.task, "selection": dict(done.selection)},
    )
    head = {"format_version": 1, "task": recipe.task, "classes": list(classes.names)}
    write_json(done.folder.metrics, {**head, **extra, "selection": dict(done.selection), "splits": dict(splits)})
