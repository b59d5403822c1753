"""The end of a classification run: probabilities, temperature, metrics."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from vision_ft.data.table import SampleTable
from vision_ft.errors import DataError
from vision_ft.evaluate.calibration import fit_temperature
from vision_ft.evaluate.classification.metrics import summarise
from vision_ft.evaluate.classification.predictions import Predictions, write_predictions
from vision_ft.finishing.material import JUDGED, Finish


def finish(done: Finish) -> None:
    """Score val and test, fit the temperature on val, write predictions, metrics and the model folder."""
    predictions = _predict(done)
    if not done.run.runtime.is_main:
        return
    if not predictions:
        raise DataError("neither val nor test holds a picture; raise data.val or data.test.")
    val = predictions.get("val")
    temperature = 1.0 if val is None or val.scores is None else fit_temperature(val.targets, val.scores)
    splits: dict[str, Any] = {}
    for split, made in predictions.items():
        write_predictions(done.folder.predictions(split), replace(made, temperature=temperature))
        splits[split] = summarise(
            made.targets,
            made.scores,
            made.predicted,
            classes=made.classes,
            groups=made.groups,
            temperature=temperature,
            seed=done.recipe.run.seed,
        )
    done.write(splits, extra={"temperature": temperature})


def _predict(done: Finish) -> dict[str, Predictions]:
    predictions: dict[str, Predictions] = {}
    for split in JUDGED:
        rows = done.table.rows(split)
        if len(rows):
            predictions[split] = make_predictions(done.table, rows, done.scores(split, rows))
    return predictions


def make_predictions(table: SampleTable, rows: np.ndarray, scores: np.ndarray) -> Predictions:
    """Put scores (N, K) of rows together with what the table knows of them."""
    groups = table.groups
    return Predictions(
        classes=table.classes.names,
        paths=[table.relative_path(int(row)) for row in rows],
        targets=table.labels[rows],
        predicted=scores.argmax(axis=1),
        scores=scores,
        groups=None if groups is None else groups[rows],
        ids=rows,
    )
