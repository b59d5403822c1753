"""All numbers of one split of a multitask run: each label column as a classifier of its own, and their means."""

from __future__ import annotations

from typing import Any

import numpy as np

from vision_ft.evaluate.classification.metrics import summarise
from vision_ft.evaluate.classification.predictions import Predictions
from vision_ft.evaluate.intervals import plain, wilson
from vision_ft.evaluate.labels.metrics import draw_weights, interval, mean_defined, ratio
from vision_ft.evaluate.labels.predictions import ColumnPredictions


def summarise_columns(predictions: ColumnPredictions, *, seed: int = 0, draws: int = 500) -> dict[str, Any]:
    """Return the numbers of a split (NaN is None); pictures without any known label are counted and left out.

    Accuracy and macro-F1 are means over the columns; their intervals come from a bootstrap over pictures, or over whole
    groups where there are at least five. "exact" is the share of the pictures whose known labels are all right.

    Args:
        predictions: of one split.
        seed: of the bootstraps.
        draws: of the bootstrap of the means.
    """
    known = np.flatnonzero((predictions.targets >= 0).any(axis=1))
    columns = [predictions.column(place) for place in range(len(predictions.columns))]
    wrong = np.zeros(len(predictions), bool)
    for column in columns:
        wrong |= (column.targets >= 0) & (column.targets != column.predicted)
    exact = int((~wrong[known]).sum())
    groups = None if predictions.groups is None else predictions.groups[known]
    weights = draw_weights(len(known), groups, draws=draws, seed=seed)
    drawn = [_weighted_scores(column, known, weights) for column in columns]
    found = [_summary(column, seed=seed) for column in columns]
    result: dict[str, Any] = {
        "n": len(known),
        "unlabelled": len(predictions) - len(known),
        "exact": exact / len(known) if len(known) else None,
        "exact_interval": tuple(float(end) for end in wilson(exact, len(known))),
    }
    for place, name in enumerate(("accuracy", "macro_f1")):
        values = np.array([np.nan if one[name] is None else one[name] for one in found])
        result[name] = float(mean_defined(values))
        result[f"{name}_interval"] = interval(mean_defined(np.stack([both[place] for both in drawn], axis=1)))
    result["columns"] = [
        {"name": column.name, "classes": list(column.classes), "missing": int((part.targets < 0).sum()), **numbers}
        for column, part, numbers in zip(predictions.columns, columns, found, strict=True)
    ]
    plain_result: dict[str, Any] = plain(result)
    return plain_result


def _summary(column: Predictions, *, seed: int) -> dict[str, Any]:
    return summarise(
        column.targets,
        column.scores,
        column.predicted,
        classes=column.classes,
        groups=column.groups,
        temperature=column.temperature,
        seed=seed,
    )


def _weighted_scores(column: Predictions, rows: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return accuracy and macro-F1 (R,) of one column for each draw of weights (R, N) of the rows."""
    targets, predicted = column.targets[rows], column.predicted[rows]
    classes = np.arange(len(column.classes))
    known = targets >= 0
    true, answered = targets[:, None] == classes, (predicted[:, None] == classes) & known[:, None]
    hits, support, given = (weights @ part.astype(np.float64) for part in (true & answered, true, answered))
    accuracy = ratio(hits.sum(axis=1), weights @ known.astype(np.float64))
    f1 = np.where(support > 0, ratio(2 * hits, support + given), np.nan)
    return accuracy, mean_defined(f1)
