"""Scoring of predicted values: R2, MAE, RMSE and Spearman's rank correlation."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from vision_ft.evaluate.drawn import Measured
from vision_ft.evaluate.regression.metrics import VALUE_METRICS
from vision_ft.evaluate.regression.predictions import (
    ValuePredictions,
    read_value_predictions,
    write_value_predictions,
)
from vision_ft.evaluate.regression.summary import DRAWS, mean_over_targets, measure, summarise_values
from vision_ft.evaluate.scoring.base import Compared, MetricInfo, Scoring


def _judged(predictions: ValuePredictions) -> np.ndarray:
    return np.asarray(~np.isnan(predictions.targets).all(axis=1))


def _measure(predictions: ValuePredictions, weights: np.ndarray) -> Measured:
    found = measure(predictions.targets, predictions.predicted, weights)
    return Measured({name: mean_over_targets(values, name) for name, values in found.items()}, found["r2"])


def _headline(predictions: ValuePredictions) -> dict[str, float]:
    measured = _measure(predictions, np.ones((1, len(predictions))))
    return {name: float(values[0]) for name, values in measured.scores.items()}


def _intervals(predictions: ValuePredictions, *, seed: int = 0) -> dict[str, Any]:
    summary: dict[str, Any] = dict(summarise_values(predictions, seed=seed))
    return {name: summary[f"{name}_interval"] for name in VALUE_METRICS}


def _closeness(predictions: ValuePredictions) -> np.ndarray:
    """1 - |error| / standard deviation of the target (N,), at least 0, averaged over targets; NaN: none is known."""
    known = ~np.isnan(predictions.targets)
    spread = np.array(
        [np.std(column[k]) if k.any() else np.nan for column, k in zip(predictions.targets.T, known.T, strict=True)]
    )
    close = np.clip(1 - np.abs(predictions.errors) / np.where(spread > 0, spread, np.nan), 0, None)
    counted = ~np.isnan(close)
    number = counted.sum(axis=1)
    total, nothing = np.where(counted, close, 0).sum(axis=1), np.full(len(predictions), np.nan)
    mean: np.ndarray = np.divide(total, number, out=nothing, where=number > 0)
    return mean


def _with_classes(predictions: ValuePredictions, classes: tuple[str, ...]) -> ValuePredictions:
    if predictions.classes == classes:
        return predictions
    order = np.array([predictions.classes.index(name) for name in classes])
    targets, predicted = predictions.targets[:, order], predictions.predicted[:, order]
    return replace(predictions, classes=classes, targets=targets, predicted=predicted)


def _same_truth(first: ValuePredictions, second: ValuePredictions) -> np.ndarray:
    unknown = np.isnan(first.targets) & np.isnan(second.targets)
    return np.asarray(((first.targets == second.targets) | unknown).all(axis=1))


def _say_truth(predictions: ValuePredictions) -> list[str]:
    return [
        ", ".join(f"{name} {value:g}" for name, value in zip(predictions.classes, row, strict=True) if value == value)
        for row in predictions.targets.tolist()
    ]


SCORING = Scoring(
    metrics=(
        MetricInfo("r2", "R2", scale="number"),
        MetricInfo("mae", "MAE", higher_is_better=False, scale="number"),
        MetricInfo("rmse", "RMSE", higher_is_better=False, scale="number"),
        MetricInfo("spearman", "Spearman", scale="number"),
    ),
    selects="r2",
    gates="r2",  # has no unit, so that `max_forgetting` means the same for every target
    read=read_value_predictions,
    write=write_value_predictions,
    judged=_judged,
    summarise=summarise_values,
    headline=_headline,
    intervals=_intervals,
    measure=_measure,
    replicates=lambda _predictions: DRAWS,
    compared=Compared(
        of_class="R2",
        of_image="closeness",
        per_image=_closeness,
        holding=lambda predictions: ~np.isnan(predictions.targets),
        with_classes=_with_classes,
        equal=lambda first, second: (first.predicted == second.predicted).all(axis=1),
        same_truth=_same_truth,
        truth="other values",
        truth_of=_say_truth,
    ),
)
