"""Scoring of one label an image: accuracy and macro-F1, a temperature fitted on val, images right or wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from vision_ft.evaluate.calibration import fit_temperature, log_loss
from vision_ft.evaluate.classification.change import change_of
from vision_ft.evaluate.classification.metrics import MetricInputs, accuracy, macro_f1, summarise
from vision_ft.evaluate.classification.predictions import Predictions, read_predictions, write_predictions
from vision_ft.evaluate.comparing.paired import Difference
from vision_ft.evaluate.drawn import Measured
from vision_ft.evaluate.intervals import class_intervals, drawn_counts, drawn_macro_f1
from vision_ft.evaluate.labels.metrics import ratio
from vision_ft.evaluate.resampling import REPLICATES, Interval
from vision_ft.evaluate.scoring.base import Compared, MetricInfo, Scoring
from vision_ft.evaluate.summaries import ClassSummary


def _judged(predictions: Predictions) -> np.ndarray:
    return np.asarray(predictions.targets >= 0)


def _summarise(predictions: Predictions, *, seed: int = 0) -> ClassSummary:
    return summarise(
        predictions.targets,
        predictions.scores,
        predictions.predicted,
        classes=predictions.classes,
        groups=predictions.groups,
        temperature=predictions.temperature,
        seed=seed,
    )


def _inputs(predictions: Predictions) -> MetricInputs:
    return MetricInputs(predictions.targets, predictions.predicted, len(predictions.classes), predictions.scores)


def _headline(predictions: Predictions) -> dict[str, float]:
    rows = _judged(predictions)
    targets, predicted = predictions.targets[rows], predictions.predicted[rows]
    return {
        "accuracy": accuracy(targets, predicted),
        "macro_f1": macro_f1(targets, predicted, len(predictions.classes)),
    }


def _intervals(predictions: Predictions, *, seed: int = 0) -> dict[str, Interval]:
    rows = _judged(predictions)
    groups = None if predictions.groups is None else predictions.groups[rows]
    targets, predicted = predictions.targets[rows], predictions.predicted[rows]
    return class_intervals(targets, predicted, len(predictions.classes), groups=groups, seed=seed)


def _loss(predictions: Predictions) -> float:
    rows = _judged(predictions)
    return float("nan") if predictions.scores is None else log_loss(predictions.targets[rows], predictions.scores[rows])


def _measure(predictions: Predictions, weights: np.ndarray) -> Measured:
    rows = np.flatnonzero(_judged(predictions))
    targets, predicted = predictions.targets[rows], predictions.predicted[rows]
    unit, size = np.arange(len(rows)), len(predictions.classes)
    hits, support, found = drawn_counts(weights[:, rows], unit, targets, predicted, num_classes=size)
    scores = {
        "accuracy": ratio(hits.sum(axis=1), support.sum(axis=1)),
        "macro_f1": drawn_macro_f1(hits, support, found),
    }
    return Measured(scores, ratio(hits, support))


def _settle(by_split: Mapping[str, Predictions]) -> dict[str, Predictions]:
    """Give all splits the temperature that fits val (Guo et al. 2017)."""
    val = by_split.get("val")
    temperature = 1.0 if val is None or val.scores is None else fit_temperature(val.targets, val.scores)
    return {split: replace(made, temperature=temperature) for split, made in by_split.items()}


def _pairing(before: Predictions, metric: str, *, seed: int = 0) -> Callable[[Predictions], Difference]:
    first = _inputs(before)
    return lambda after: change_of(first, _inputs(after), metric=metric, groups=before.groups, seed=seed)


def _with_classes(predictions: Predictions, classes: tuple[str, ...]) -> Predictions:
    if predictions.classes == classes:
        return predictions
    position = np.array([classes.index(name) for name in predictions.classes] + [-1], np.int64)  # -1 is unlabelled
    return replace(
        predictions,
        classes=classes,
        targets=position[predictions.targets],
        predicted=position[predictions.predicted],
        scores=_widened(predictions.scores, position[:-1], len(classes)),
    )


def _widened(scores: np.ndarray | None, position: np.ndarray, size: int) -> np.ndarray | None:
    if scores is None:
        return None
    wide = np.zeros((len(scores), size), scores.dtype)
    wide[:, position] = scores
    return wide


def _texts(predictions: Predictions) -> list[str]:
    names = (*predictions.classes, "")  # index -1 is "": unlabelled
    return [names[target] for target in predictions.targets]


SCORING = Scoring(
    metrics=(MetricInfo("accuracy", "accuracy"), MetricInfo("macro_f1", "macro-F1")),
    selects="macro_f1",  # accuracy hides rare classes
    gates="accuracy",
    read=read_predictions,
    write=write_predictions,
    judged=_judged,
    summarise=_summarise,
    headline=_headline,
    intervals=_intervals,
    measure=_measure,
    replicates=lambda _predictions: REPLICATES,
    loss=_loss,
    settle=_settle,
    settled=lambda predictions: {"temperature": predictions.temperature},
    pairing=_pairing,
    compared=Compared(
        of_class="recall",
        of_image="prediction",
        per_image=lambda predictions: np.where(
            predictions.targets >= 0, predictions.targets == predictions.predicted, np.nan
        ),
        holding=lambda predictions: predictions.targets[:, None] == np.arange(len(predictions.classes)),
        with_classes=_with_classes,
        equal=lambda first, second: first.predicted == second.predicted,
        same_truth=lambda first, second: first.targets == second.targets,
        truth="another label",
        truth_of=_texts,
        right=lambda predictions: predictions.targets == predictions.predicted,
        new_classes=True,
    ),
)
