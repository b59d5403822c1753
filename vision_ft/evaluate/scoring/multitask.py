"""Scoring of several label columns: means over the columns of macro-F1 and accuracy, a temperature for each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from vision_ft.evaluate.calibration import fit_temperature, log_loss
from vision_ft.evaluate.drawn import Measured
from vision_ft.evaluate.labels.metrics import mean_defined, ratio
from vision_ft.evaluate.labels.multitask import DRAWS, bootstrap_means, column_scores, summarise_columns
from vision_ft.evaluate.labels.predictions import ColumnPredictions, read_column_predictions, write_column_predictions
from vision_ft.evaluate.resampling import Interval
from vision_ft.evaluate.scoring.base import Compared, MetricInfo, Scoring


def _judged(predictions: ColumnPredictions) -> np.ndarray:
    return np.asarray((predictions.targets >= 0).any(axis=1))


def _measure(predictions: ColumnPredictions, weights: np.ndarray) -> Measured:
    rows = np.arange(len(predictions))
    columns = [predictions.column(place) for place in range(len(predictions.columns))]
    found = [column_scores(column, rows, weights) for column in columns]
    scores = {name: mean_defined(np.stack([one.scores[name] for one in found], axis=1)) for name in found[0].scores}
    return Measured(scores, np.concatenate([one.classes for one in found], axis=1))


def _headline(predictions: ColumnPredictions) -> dict[str, float]:
    measured = _measure(predictions, np.ones((1, len(predictions))))
    return {name: float(values[0]) for name, values in measured.scores.items()}


def _intervals(predictions: ColumnPredictions, *, seed: int = 0) -> dict[str, Interval]:
    return bootstrap_means(predictions, draws=DRAWS, seed=seed)


def _loss(predictions: ColumnPredictions) -> float:
    """Sum over the columns of the mean log loss, as it is trained; NaN without a known label."""
    parts = [predictions.column(place) for place in range(len(predictions.columns))]
    known = [(part.targets[part.targets >= 0], part.scores, part.targets >= 0) for part in parts]
    losses = [log_loss(targets, scores[rows]) for targets, scores, rows in known if len(targets) and scores is not None]
    return float(sum(losses)) if losses else float("nan")


def _settle(by_split: Mapping[str, ColumnPredictions]) -> dict[str, ColumnPredictions]:
    """Give all splits the temperature of each column that fits val."""
    if "val" not in by_split:
        return dict(by_split)
    val = by_split["val"]
    parts = [val.column(place) for place in range(len(val.columns))]
    fitted = [1.0 if part.scores is None else fit_temperature(part.targets, part.scores) for part in parts]
    return {split: replace(made, temperatures=np.array(fitted)) for split, made in by_split.items()}


def _with_classes(predictions: ColumnPredictions, classes: tuple[str, ...]) -> ColumnPredictions:
    """Return the columns, and their classes, in the order in which `classes` names them."""
    if predictions.classes == classes:
        return predictions
    order = np.array([predictions.classes.index(name) for name in classes])
    owner = np.repeat(np.arange(len(predictions.columns)), [len(column.classes) for column in predictions.columns])
    turns = list(dict.fromkeys(owner[order].tolist()))  # columns by their first class
    names = [name for column in predictions.columns for name in column.classes]
    columns, targets = [], []
    for place in turns:
        column = predictions.columns[place]
        own = [names[k] for k in order[owner[order] == place]]
        position = np.array([own.index(name) for name in column.classes] + [-1], np.int64)  # -1 is a missing label
        columns.append(replace(column, classes=tuple(own)))
        targets.append(position[predictions.targets[:, place]])
    return replace(
        predictions,
        columns=tuple(columns),
        targets=np.stack(targets, axis=1),
        scores=predictions.scores[:, order],
        temperatures=predictions.temperatures[turns],
    )


def _answers(predictions: ColumnPredictions) -> np.ndarray:
    """Class index (N, T) that is predicted in each column."""
    return np.stack([predictions.column(place).predicted for place in range(len(predictions.columns))], axis=1)


def _per_image(predictions: ColumnPredictions) -> np.ndarray:
    known = predictions.targets >= 0
    return ratio(((_answers(predictions) == predictions.targets) & known).sum(axis=1), known.sum(axis=1))


def _holding(predictions: ColumnPredictions) -> np.ndarray:
    parts = [
        predictions.targets[:, [place]] == np.arange(len(column.classes))
        for place, column in enumerate(predictions.columns)
    ]
    return np.concatenate(parts, axis=1)


SCORING = Scoring(
    metrics=(MetricInfo("macro_f1", "macro-F1"), MetricInfo("accuracy", "accuracy")),
    selects="macro_f1",
    gates="macro_f1",
    read=read_column_predictions,
    write=write_column_predictions,
    judged=_judged,
    summarise=summarise_columns,
    headline=_headline,
    intervals=_intervals,
    measure=_measure,
    replicates=lambda _predictions: DRAWS,
    loss=_loss,
    settle=_settle,
    settled=lambda predictions: {
        "tasks": [{"name": column.name, "classes": list(column.classes)} for column in predictions.columns],
        "temperatures": predictions.temperatures.tolist(),
    },
    compared=Compared(
        of_class="F1",
        of_image="share of right labels",
        per_image=_per_image,
        holding=_holding,
        with_classes=_with_classes,
        equal=lambda first, second: (_answers(first) == _answers(second)).all(axis=1),
        same_truth=lambda first, second: (first.targets == second.targets).all(axis=1),
        truth="other labels",
    ),
)
