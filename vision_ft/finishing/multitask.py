"""The end of a multitask run: a temperature for each label column, predictions, metrics."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from vision_ft.data.several_labels import label_columns, label_matrix
from vision_ft.evaluate.calibration import fit_temperature
from vision_ft.evaluate.labels.multitask import summarise_columns
from vision_ft.evaluate.labels.predictions import ColumnPredictions, write_column_predictions
from vision_ft.finishing.material import JUDGED, Finish


def finish(done: Finish) -> None:
    """Score val and test, fit each column's temperature on val, write predictions, metrics and the model folder."""
    found: dict[str, ColumnPredictions] = {}
    for split in JUDGED:
        rows = done.labelled(split)
        if len(rows):
            found[split] = _predict(done, split, rows)
    if not done.run.runtime.is_main:
        return
    columns = label_columns(done.table)
    temperatures = np.ones(len(columns)) if "val" not in found else _fit(found["val"])
    splits = {}
    for split, made in found.items():
        predictions = replace(made, temperatures=temperatures)
        write_column_predictions(done.folder.predictions(split), predictions)
        splits[split] = summarise_columns(predictions, seed=done.recipe.run.seed)
    tasks = [{"name": column.name, "classes": list(column.classes)} for column in columns]
    done.write(splits, extra={"tasks": tasks, "temperatures": temperatures.tolist()})


def _predict(done: Finish, split: str, rows: np.ndarray) -> ColumnPredictions:
    columns = label_columns(done.table)
    return ColumnPredictions(
        columns=columns,
        paths=done.paths_of(rows),
        targets=label_matrix(done.table)[rows],
        scores=done.scores(split, rows),
        temperatures=np.ones(len(columns)),
        groups=done.groups_of(rows),
        ids=rows,
    )


def _fit(val: ColumnPredictions) -> np.ndarray:
    parts = [val.column(place) for place in range(len(val.columns))]
    return np.array([1.0 if part.scores is None else fit_temperature(part.targets, part.scores) for part in parts])
