"""Scoring of several labels an image: macro-F1 at thresholds fitted on val, mean average precision."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from vision_ft.evaluate.drawn import Measured
from vision_ft.evaluate.labels.metrics import (
    AVERAGES,
    average_precision,
    best_thresholds,
    count_labels,
    log_loss,
    ratio,
)
from vision_ft.evaluate.labels.multilabel import bootstrap_averages, num_draws, summarise_labels
from vision_ft.evaluate.labels.predictions import LabelPredictions, read_label_predictions, write_label_predictions
from vision_ft.evaluate.resampling import Interval
from vision_ft.evaluate.scoring.base import Compared, MetricInfo, Scoring

NAMES = ("macro_f1", "map")


def _judged(predictions: LabelPredictions) -> np.ndarray:
    return np.asarray(~np.isnan(predictions.targets).all(axis=1))


def _measure(predictions: LabelPredictions, weights: np.ndarray) -> Measured:
    counts = count_labels(predictions.targets, predictions.predicted, weights=weights)
    precision = average_precision(predictions.targets, predictions.scores.astype(np.float64), weights=weights)
    return Measured({name: AVERAGES[name](counts, precision) for name in NAMES}, counts.f1)


def _headline(predictions: LabelPredictions) -> dict[str, float]:
    measured = _measure(predictions, np.ones((1, len(predictions))))
    return {name: float(values[0]) for name, values in measured.scores.items()}


def _intervals(predictions: LabelPredictions, *, seed: int = 0) -> dict[str, Interval]:
    found = bootstrap_averages(predictions, seed=seed)
    return {name: found[name] for name in NAMES}


def _settle(by_split: Mapping[str, LabelPredictions]) -> dict[str, LabelPredictions]:
    """Give all splits the thresholds with the best F1 on val."""
    if "val" not in by_split:
        return dict(by_split)
    thresholds = best_thresholds(by_split["val"].targets, by_split["val"].scores)
    return {split: replace(made, thresholds=thresholds) for split, made in by_split.items()}


def _with_classes(predictions: LabelPredictions, classes: tuple[str, ...]) -> LabelPredictions:
    if predictions.classes == classes:
        return predictions
    order = np.array([predictions.classes.index(name) for name in classes])
    return replace(
        predictions,
        classes=classes,
        targets=predictions.targets[:, order],
        scores=predictions.scores[:, order],
        thresholds=predictions.thresholds[order],
    )


def _per_image(predictions: LabelPredictions) -> np.ndarray:
    """F1 (N,) of the known labels of each image; 1 where none applies or is predicted, NaN where none is known."""
    applies, known = predictions.targets == 1, ~np.isnan(predictions.targets)
    flagged = predictions.predicted & known
    together = applies.sum(axis=1) + flagged.sum(axis=1)
    f1 = np.where(together > 0, ratio(2 * (applies & flagged).sum(axis=1), together), 1.0)
    return np.where(known.any(axis=1), f1, np.nan)


def _same_truth(first: LabelPredictions, second: LabelPredictions) -> np.ndarray:
    unknown = np.isnan(first.targets) & np.isnan(second.targets)
    return np.asarray(((first.targets == second.targets) | unknown).all(axis=1))


SCORING = Scoring(
    metrics=(MetricInfo("macro_f1", "macro-F1"), MetricInfo("map", "mAP")),
    selects="macro_f1",
    gates="macro_f1",
    read=read_label_predictions,
    write=write_label_predictions,
    judged=_judged,
    summarise=summarise_labels,
    headline=_headline,
    intervals=_intervals,
    measure=_measure,
    replicates=num_draws,
    loss=lambda predictions: log_loss(predictions.targets, predictions.scores),
    settle=_settle,
    settled=lambda predictions: {
        "thresholds": dict(zip(predictions.classes, predictions.thresholds.tolist(), strict=True))
    },
    compared=Compared(
        of_class="F1",
        of_image="F1",
        per_image=_per_image,
        holding=lambda predictions: predictions.targets == 1,
        with_classes=_with_classes,
        equal=lambda first, second: (first.predicted == second.predicted).all(axis=1),
        same_truth=_same_truth,
        truth="other labels",
    ),
)
