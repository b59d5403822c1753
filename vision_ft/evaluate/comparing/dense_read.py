"""Put the masks or boxes of several runs side by side: the same pictures, annotations and classes, in one order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from vision_ft.errors import DataError
from vision_ft.evaluate.boxes.predictions import BoxPredictions
from vision_ft.evaluate.comparing.read import RunAnswers, order_alike
from vision_ft.evaluate.masks.predictions import MaskPredictions

ROUNDING_PX = 0.01  # boxes nearer than this are the same box


def put_dense_side_by_side(runs: Sequence[RunAnswers]) -> tuple[list[Any], list[str]]:
    """Match pictures by path, or by content where the paths differ, and classes by name.

    Returns:
        the predictions of each run, picture by picture, with the classes of the first; and notes for the reader.

    Raises:
        DataError: pictures, contents, annotations or classes differ between the first run and another; says how.
    """
    ordered, notes = order_alike(runs)
    first = ordered[0]
    answers = [first.predictions]
    for run in ordered[1:]:
        _refuse_other_classes(first, run)
        answers.append(_with_classes(run.predictions, first.predictions.classes))
        _refuse_other_truth(first, run, answers[-1])
    groups = next((one.groups for one in answers if one.groups is not None), None)
    return [replace(one, groups=groups) for one in answers], notes


def have_equal_answers(first: Any, second: Any) -> np.ndarray:
    """Return (N,) whether two runs answered a picture alike."""
    if isinstance(first, MaskPredictions):
        counts = [np.column_stack([_flat(one.confusion), _flat(one.boundary)]) for one in (first, second)]
        return np.asarray((counts[0] == counts[1]).all(axis=1))
    parts = ("boxes", "scores", "labels")
    return np.array(
        [
            all(np.array_equal(getattr(first, part)[row], getattr(second, part)[row]) for part in parts)
            for row in range(len(first))
        ]
    )


def _flat(counts: np.ndarray) -> np.ndarray:
    return counts.reshape(len(counts), -1)


def _refuse_other_classes(first: RunAnswers, run: RunAnswers) -> None:
    known, other = first.predictions.classes, run.predictions.classes
    if set(known) != set(other):
        raise DataError(
            f'compare: "{first.name}" knows the classes {list(known)}, "{run.name}" {list(other)}. Averages over '
            "other classes do not compare: train the runs on the same classes."
        )


def _with_classes(predictions: Any, classes: tuple[str, ...]) -> Any:
    """Return predictions whose indices are positions in `classes`, a permutation of their own."""
    if predictions.classes == classes:
        return predictions
    order = np.array([predictions.classes.index(name) for name in classes])
    if isinstance(predictions, MaskPredictions):
        confusion = predictions.confusion[:, order][:, :, order]
        return replace(predictions, classes=classes, confusion=confusion, boundary=predictions.boundary[:, order])
    position = np.argsort(order)
    return replace(
        predictions,
        classes=classes,
        labels=[position[labels] for labels in predictions.labels],
        target_labels=[position[labels] for labels in predictions.target_labels],
        thresholds=predictions.cutoffs[order],
    )


def _refuse_other_truth(first: RunAnswers, run: RunAnswers, answers: Any) -> None:
    same = _same_masks if isinstance(answers, MaskPredictions) else _same_boxes
    changed = [row for row in range(len(answers)) if not same(first.predictions, answers, row)]
    if changed:
        what = "another mask" if isinstance(answers, MaskPredictions) else "other true boxes"
        raise DataError(
            f'compare: {len(changed)} of {len(answers)} pictures carry {what} in "{run.name}" than in "{first.name}" '
            f"(such as {answers.paths[changed[0]]}). Train one of the runs again."
        )


def _same_masks(first: MaskPredictions, second: MaskPredictions, row: int) -> bool:
    """Whether as many pixels of each class, and as many ignored ones, lie in the true masks of a picture."""
    counts = [one.confusion[row].sum(axis=1) for one in (first, second)]
    return np.array_equal(*counts) and bool(first.ignored[row] == second.ignored[row])


def _same_boxes(first: BoxPredictions, second: BoxPredictions, row: int) -> bool:
    held, other = _sorted_truth(first, row), _sorted_truth(second, row)
    return held.shape == other.shape and bool(np.allclose(held, other, rtol=0, atol=ROUNDING_PX))


def _sorted_truth(predictions: BoxPredictions, row: int) -> np.ndarray:
    """True boxes (T, 6) with class and whether they are ignored, in an order that does not depend on the file's."""
    ignored = np.zeros(len(predictions.target_labels[row])) if predictions.ignored is None else predictions.ignored[row]
    held = np.column_stack([predictions.target_labels[row], ignored, predictions.target_boxes[row]])
    return held[np.lexsort(held.T[::-1])]
