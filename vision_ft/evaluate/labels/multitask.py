"""All numbers of one split of a multitask run: each label column as a classifier of its own, and their means."""

from __future__ import annotations

from typing import Any

import numpy as np

from vision_ft.evaluate.classification.metrics import summarise
from vision_ft.evaluate.classification.predictions import Predictions
from vision_ft.evaluate.drawn import Measured
from vision_ft.evaluate.intervals import plain, wilson
from vision_ft.evaluate.labels.metrics import mean_defined, ratio
from vision_ft.evaluate.labels.predictions import ColumnPredictions
from vision_ft.evaluate.resampling import Interval, draw_weights, drawn_over, interval
from vision_ft.evaluate.summaries import ClassSummary, ColumnsSummary

DRAWS = 500  # of the bootstrap of the means


def summarise_columns(predictions: ColumnPredictions, *, seed: int = 0, draws: int = DRAWS) -> ColumnsSummary:
    """Return the numbers of a split (NaN is None); images without any known label are counted and left out.

    Accuracy and macro-F1 are means over the columns; their intervals come from a bootstrap over images, or over whole
    groups where there are at least eight ("interval_over" says which). "exact" is the share of the images whose known
    labels are all right.

    Args:
        predictions: of one split.
        seed: of the bootstraps.
        draws: of the bootstrap of the means.
    """
    known = _known(predictions)
    columns = [predictions.column(place) for place in range(len(predictions.columns))]
    wrong = np.zeros(len(predictions), bool)
    for column in columns:
        wrong |= (column.targets >= 0) & (column.targets != column.predicted)
    exact = int((~wrong[known]).sum())
    found, ends = [_summary(column, seed=seed) for column in columns], bootstrap_means(predictions, draws, seed=seed)
    result: dict[str, Any] = {
        "n": len(known),
        "unlabelled": len(predictions) - len(known),
        "exact": exact / len(known) if len(known) else None,
        "exact_interval": tuple(float(end) for end in wilson(exact, len(known))),
    }
    for name in ("accuracy", "macro_f1"):
        values = np.array([np.nan if one[name] is None else one[name] for one in found])
        result |= {name: float(mean_defined(values)), f"{name}_interval": ends[name]}
    result["interval_over"] = drawn_over(_groups(predictions, known), len(known))
    result["columns"] = [
        {"name": column.name, "classes": list(column.classes), "missing": int((part.targets < 0).sum()), **numbers}
        for column, part, numbers in zip(predictions.columns, columns, found, strict=True)
    ]
    plain_result: ColumnsSummary = plain(result)
    return plain_result


def bootstrap_means(predictions: ColumnPredictions, draws: int = DRAWS, *, seed: int = 0) -> dict[str, Interval]:
    """Return the intervals of the means over the columns of macro-F1 and accuracy."""
    known = _known(predictions)
    groups = _groups(predictions, known)
    weights = np.concatenate([*draw_weights(len(known), groups=groups, replicates=draws, seed=seed)])
    columns = [predictions.column(place) for place in range(len(predictions.columns))]
    drawn = [column_scores(column, known, weights).scores for column in columns]
    return {name: interval(mean_defined(np.stack([one[name] for one in drawn], axis=1))) for name in drawn[0]}


def column_scores(column: Predictions, rows: np.ndarray, weights: np.ndarray) -> Measured:
    """Return macro-F1, accuracy and the F1 of the classes of one column for each draw of weights (R, N) of the rows."""
    targets, predicted = column.targets[rows], column.predicted[rows]
    classes = np.arange(len(column.classes))
    known = targets >= 0
    true, flagged = targets[:, None] == classes, (predicted[:, None] == classes) & known[:, None]
    hits, support, given = (weights @ part.astype(np.float64) for part in (true & flagged, true, flagged))
    accuracy = ratio(hits.sum(axis=1), weights @ known.astype(np.float64))
    f1 = np.where(support > 0, ratio(2 * hits, support + given), np.nan)
    return Measured({"macro_f1": mean_defined(f1), "accuracy": accuracy}, f1)


def _known(predictions: ColumnPredictions) -> np.ndarray:
    return np.flatnonzero((predictions.targets >= 0).any(axis=1))


def _groups(predictions: ColumnPredictions, rows: np.ndarray) -> np.ndarray | None:
    return None if predictions.groups is None else predictions.groups[rows]


def _summary(column: Predictions, *, seed: int) -> ClassSummary:
    return summarise(
        column.targets,
        column.scores,
        column.predicted,
        classes=column.classes,
        groups=column.groups,
        temperature=column.temperature,
        seed=seed,
    )
