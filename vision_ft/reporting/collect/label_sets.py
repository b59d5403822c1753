"""A multi-label split as the report shows it: one line per image and label, in one list of classes.

Sections, galleries and the page's script were made for one label per image. They serve a set of labels once each label
is a question of its own: "cat" against "no cat".
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from vision_ft.data.table import SampleTable
from vision_ft.evaluate.classification.confusion import confused_pairs
from vision_ft.evaluate.classification.predictions import Predictions
from vision_ft.evaluate.intervals import ClassCounts
from vision_ft.evaluate.labels.multilabel import summarise_labels
from vision_ft.evaluate.labels.predictions import LabelPredictions, read_label_predictions
from vision_ft.reporting.collect.classified import ClassSplit, image_properties
from vision_ft.reporting.collect.split import count_cameras


@dataclass(frozen=True, eq=False, kw_only=True)
class LabelSetSplit(ClassSplit):
    """One split of sets of labels; `predictions` has a line per image and label.

    Attributes:
        label_sets: the predictions as they were written, one row per image.
    """

    label_sets: LabelPredictions


def read_label_set_split(file: Path, table: SampleTable | None, *, seed: int = 0) -> LabelSetSplit:
    """Read predictions/<split>.parquet of a multi-label run; see `classified.read_class_split`."""
    label_sets = read_label_predictions(file)
    flat = flatten_label_sets(label_sets)
    return LabelSetSplit(
        name=file.stem,
        predictions=flat,
        summary=summarise_flat_label_sets(label_sets, seed=seed),
        confidence=flat.confidence(),
        properties=image_properties(flat.ids, table),
        cameras=count_cameras(label_sets.ids, table),
        label_sets=label_sets,
    )


def label_classes(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return two classes per label: index 2k says that label k does not apply, 2k + 1 that it does."""
    return tuple(text for name in names for text in (f"no {name}", name))


def flatten_label_sets(predictions: LabelPredictions) -> Predictions:
    """Return one line for each label that applies or was predicted; those of which neither is true would fill the page.

    The confidence is the probability of what was predicted.
    """
    predicted, targets = predictions.predicted, predictions.targets
    rows, labels = np.nonzero(((targets == 1) | predicted) & ~np.isnan(targets))
    applies = predicted[rows, labels]
    scores = predictions.scores[rows, labels].astype(np.float64)
    return Predictions(
        classes=label_classes(predictions.classes),
        paths=[predictions.paths[int(row)] for row in rows],
        targets=2 * labels + (targets[rows, labels] == 1),
        predicted=2 * labels + applies,
        groups=None if predictions.groups is None else predictions.groups[rows],
        ids=None if predictions.ids is None else predictions.ids[rows],
        confidences=np.where(applies, scores, 1 - scores),
        task=predictions.task,
    )


def summarise_flat_label_sets(predictions: LabelPredictions, *, seed: int = 0) -> dict[str, Any]:
    """Return the numbers of a multi-label split, and its counts as a confusion matrix over `label_classes`."""
    numbers = summarise_labels(predictions, seed=seed)
    cells = [
        (2 * label + true, 2 * label + applies, row["confusion"][true][applies])
        for label, row in enumerate(numbers["per_class"])
        for true in (0, 1)
        for applies in (0, 1)
        if row["confusion"][true][applies]
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


def _count_cells(cells: np.ndarray, num_classes: int) -> ClassCounts:
    weights = cells[:, 2]
    right = cells[:, 0] == cells[:, 1]
    return ClassCounts(
        cells=cells,
        hits=np.bincount(cells[right, 0], weights=weights[right], minlength=num_classes).astype(np.int64),
        support=np.bincount(cells[:, 0], weights=weights, minlength=num_classes).astype(np.int64),
        predicted=np.bincount(cells[:, 1], weights=weights, minlength=num_classes).astype(np.int64),
    )
