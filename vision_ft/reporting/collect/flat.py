"""Several labels a picture as the report shows them: one line a picture and label, in one list of classes.

Sections, galleries and the page's script were made for one label a picture. They serve several once each label is a
question of its own: "cat" against "no cat" of a set of labels, the classes of its column in a multitask set. A picture
then stands in the list as often as it has known labels.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from vision_ft.evaluate.calibration import temper
from vision_ft.evaluate.classification.confusion import confused_pairs
from vision_ft.evaluate.classification.metrics import summarise
from vision_ft.evaluate.classification.predictions import Predictions
from vision_ft.evaluate.intervals import ClassCounts
from vision_ft.evaluate.labels.multilabel import summarise_labels
from vision_ft.evaluate.labels.multitask import summarise_columns
from vision_ft.evaluate.labels.predictions import ColumnPredictions, LabelPredictions


def label_classes(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return two classes a label: index 2k says that label k does not apply, 2k + 1 that it does."""
    return tuple(text for name in names for text in (f"no {name}", name))


def flatten(several: LabelPredictions | ColumnPredictions) -> tuple[Predictions, dict[str, Any]]:
    """Return one line a picture and label, and the numbers of the split over the classes of these lines."""
    if isinstance(several, LabelPredictions):
        return flatten_labels(several), summarise_flat_labels(several)
    flat = flatten_columns(several)
    return flat, summarise_flat_columns(several, flat)


def flatten_labels(predictions: LabelPredictions) -> Predictions:
    """Return one line for each label that applies, or was answered; those of which neither is true would fill the page.

    The confidence is the probability of what was answered.
    """
    predicted, targets = predictions.predicted, predictions.targets
    rows, labels = np.nonzero(((targets == 1) | predicted) & ~np.isnan(targets))
    answered = predicted[rows, labels]
    scores = predictions.scores[rows, labels].astype(np.float64)
    return Predictions(
        classes=label_classes(predictions.classes),
        paths=[predictions.paths[int(row)] for row in rows],
        targets=2 * labels + (targets[rows, labels] == 1),
        predicted=2 * labels + answered,
        groups=None if predictions.groups is None else predictions.groups[rows],
        ids=None if predictions.ids is None else predictions.ids[rows],
        confidences=np.where(answered, scores, 1 - scores),
        task=predictions.task,
    )


def flatten_columns(predictions: ColumnPredictions) -> Predictions:
    """Return one line for each label that is known, with the calibrated probabilities of its column's classes."""
    parts, start, width = [], 0, len(predictions.classes)
    for place, column in enumerate(predictions.columns):
        part = predictions.column(place)
        rows = np.flatnonzero(part.targets >= 0)
        scores = np.zeros((len(rows), width), np.float32)
        if part.scores is not None:
            own = temper(part.scores[rows].astype(np.float64), part.temperature)
            scores[:, start : start + len(column.classes)] = own
        parts.append((rows, part.targets[rows] + start, part.predicted[rows] + start, scores))
        start += len(column.classes)
    rows, targets, predicted, scores = (np.concatenate(each) for each in zip(*parts, strict=True))
    return Predictions(
        classes=predictions.classes,
        paths=[predictions.paths[int(row)] for row in rows],
        targets=targets.astype(np.int64),
        predicted=predicted.astype(np.int64),
        scores=scores,
        groups=None if predictions.groups is None else predictions.groups[rows],
        ids=None if predictions.ids is None else predictions.ids[rows],
        task=predictions.task,
    )


def summarise_flat_labels(predictions: LabelPredictions) -> dict[str, Any]:
    """Return the numbers of a multilabel split, and its counts as a confusion matrix over `label_classes`."""
    numbers = summarise_labels(predictions)
    cells = [
        (2 * label + true, 2 * label + answered, row["confusion"][true][answered])
        for label, row in enumerate(numbers["per_class"])
        for true in (0, 1)
        for answered in (0, 1)
        if row["confusion"][true][answered]
    ]
    counts = _count_cells(np.array(cells, np.int64).reshape(-1, 3), 2 * len(predictions.classes))
    flat = {
        "confusion": counts.cells.tolist(),
        "confused_pairs": confused_pairs(counts, label_classes(predictions.classes)),
        "support": counts.support.tolist(),
        "predicted": counts.predicted.tolist(),
        "groups": None,
    }
    return {**numbers, **flat}


def summarise_flat_columns(predictions: ColumnPredictions, flat: Predictions) -> dict[str, Any]:
    """Return the numbers of a multitask split, and those that only the labels of all columns together have."""
    numbers = summarise_columns(predictions)
    together = summarise(
        flat.targets, flat.scores, flat.predicted, classes=flat.classes, groups=flat.groups, temperature=1.0
    )
    shared: Mapping[str, Any] = {key: value for key, value in together.items() if key not in numbers}
    return {
        **shared,
        **numbers,
        "support": [row["support"] for row in together["per_class"]],
        "predicted": [row["predicted"] for row in together["per_class"]],
    }


def _count_cells(cells: np.ndarray, num_classes: int) -> ClassCounts:
    weights = cells[:, 2]
    right = cells[:, 0] == cells[:, 1]
    return ClassCounts(
        cells=cells,
        hits=np.bincount(cells[right, 0], weights=weights[right], minlength=num_classes).astype(np.int64),
        support=np.bincount(cells[:, 0], weights=weights, minlength=num_classes).astype(np.int64),
        predicted=np.bincount(cells[:, 1], weights=weights, minlength=num_classes).astype(np.int64),
    )
