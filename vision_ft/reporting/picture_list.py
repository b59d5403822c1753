"""The images that a page of class labels lists for its script: which rows, in which order, with which facts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import numpy as np

from vision_ft.evaluate.calibration import score_of
from vision_ft.reporting.collect.classified import ClassSplit
from vision_ft.reporting.section import MAX_TITLE, cut

WORST_FIRST = 60  # the images of the "worst mistakes" section
PER_CELL = 24
PER_DIAGONAL = 4
MAX_ITEMS = 12_000  # images listed (with or without thumbnail) per split; mistakes.csv holds all mistakes


def choose_rows(split: ClassSplit, *, limit: int = MAX_ITEMS) -> list[int]:
    """Rows of a split in the order in which they deserve an image.

    The most confident mistakes come first, then the mistakes of each cell of the confusion matrix in turn (first
    one of every cell, then a second, ...), then a few right ones of each class: the least and the most confident.
    """
    cells = _rows_by_cell(split)
    wrong = [rows for (true, predicted), rows in cells.items() if true != predicted]
    right = [_ends(rows) for (true, predicted), rows in cells.items() if true == predicted]
    wrong.sort(key=len, reverse=True)
    order = [int(row) for row in split.mistakes[:WORST_FIRST]]
    order += [*_in_turn(wrong, 0, 2), *_in_turn(right, 0, PER_DIAGONAL), *_in_turn(wrong, 2, PER_CELL)]
    order += _in_turn(wrong, PER_CELL, None)
    return list(islice(dict.fromkeys(order), limit))


def _rows_by_cell(split: ClassSplit) -> dict[tuple[int, int], list[int]]:
    """Rows of each cell that is not empty, most confident first."""
    targets, predicted = split.predictions.targets, split.predictions.predicted
    rows = np.flatnonzero(targets >= 0)
    if split.confidence is not None:
        rows = rows[np.argsort(-split.confidence[rows], kind="stable")]
    cells: dict[tuple[int, int], list[int]] = {}
    for row in rows.tolist():
        cells.setdefault((int(targets[row]), int(predicted[row])), []).append(row)
    return cells


def _ends(rows: Sequence[int]) -> list[int]:
    """Least and most confident of the right ones, taking turns."""
    pairs = zip(reversed(rows), rows, strict=True)
    return list(dict.fromkeys(row for pair in pairs for row in pair))[:PER_DIAGONAL]


def _in_turn(lists: Sequence[Sequence[int]], start: int, stop: int | None) -> Iterator[int]:
    longest = max((len(rows) for rows in lists), default=0)
    for rank in range(start, longest if stop is None else min(stop, longest)):
        for rows in lists:
            if rank < len(rows):
                yield rows[rank]


def picture_items(split: ClassSplit, rows: Sequence[int], position_by_path: Mapping[str, int]) -> list[list[Any]]:
    """[path, true, predicted, confidence, score of the true class, thumbnail or -1, group] of each image."""
    predictions = split.predictions
    true_scores = None
    if predictions.scores is not None and len(rows):
        true_scores = score_of(predictions.scores[rows], predictions.targets[rows], temperature=predictions.temperature)
    return [
        [
            cut(predictions.paths[row], MAX_TITLE),
            int(predictions.targets[row]),
            int(predictions.predicted[row]),
            None if split.confidence is None else round(float(split.confidence[row]), 4),
            None if true_scores is None else round(float(true_scores[place]), 4),
            position_by_path.get(predictions.paths[row], -1),
            None if predictions.groups is None else predictions.groups[row],
        ]
        for place, row in enumerate(rows)
    ]
