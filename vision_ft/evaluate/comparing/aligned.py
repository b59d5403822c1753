"""Put the predictions of several runs side by side: the same images, truth and classes, in one order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from vision_ft.errors import DataError
from vision_ft.evaluate.comparing.read import RunPredictions, order_alike
from vision_ft.evaluate.read import take_rows
from vision_ft.evaluate.scoring import SCORINGS, Scoring


@dataclass(frozen=True)
class SideBySide:
    """The predictions of several runs for the same N labelled images.

    Attributes:
        scoring: of their task.
        predictions: one a run, image by image, with the same classes and groups.
        unlabelled: images whose truth is not known, left out.
        notes: what a reader must know, in sentences.
    """

    scoring: Scoring
    predictions: tuple[Any, ...]
    unlabelled: int
    notes: tuple[str, ...]


def put_side_by_side(runs: Sequence[RunPredictions]) -> SideBySide:
    """Match images by path, or by content where the paths differ, and classes by name.

    Raises:
        DataError: images, contents, truth or classes differ between the first run and another; says how many and names
            one.
    """
    scoring = SCORINGS[runs[0].predictions.task]
    ordered, notes = order_alike(runs)
    classes = _common_classes(scoring, ordered, notes)
    found = [scoring.compared.with_classes(run.predictions, classes) for run in ordered]
    for run, predictions in zip(ordered[1:], found[1:], strict=True):
        _refuse_other_truth(scoring, (ordered[0], found[0]), (run, predictions))
    rows = np.flatnonzero(scoring.judged(found[0]))
    if not len(rows):
        raise DataError(f'compare: none of the {len(found[0])} images of "{runs[0].name}" has a label.')
    groups = next((one.groups for one in found if one.groups is not None), None)
    kept = tuple(take_rows(replace(one, groups=groups), rows) for one in found)
    return SideBySide(scoring, kept, len(found[0]) - len(rows), tuple(notes))


def _common_classes(scoring: Scoring, runs: Sequence[RunPredictions], notes: list[str]) -> tuple[str, ...]:
    """Return the classes of the first run, then those that only later runs know, where the task allows any.

    Raises:
        DataError: a run knows other classes, and averages over other classes do not compare.
    """
    first = runs[0]
    known = first.predictions.classes
    for run in runs[1:]:
        other = run.predictions.classes
        if set(known) != set(other) and not scoring.compared.new_classes:
            raise DataError(
                f'compare: "{first.name}" knows the classes {list(known)}, "{run.name}" {list(other)}. Averages over '
                "other classes do not compare: train the runs on the same classes."
            )
    classes = tuple(dict.fromkeys(name for run in runs for name in run.predictions.classes))
    for run in runs:
        lacking = [name for name in classes if name not in run.predictions.classes]
        if lacking:
            notes.append(f'"{run.name}" does not know {", ".join(lacking[:5])}{" ..." if len(lacking) > 5 else ""}.')
    return classes


def _refuse_other_truth(
    scoring: Scoring, first: tuple[RunPredictions, Any], second: tuple[RunPredictions, Any]
) -> None:
    """Refuse images whose truth differs between two runs.

    Raises:
        DataError: says how many, and names one.
    """
    (before, held), (after, other) = first, second
    changed = np.flatnonzero(~scoring.compared.same_truth(held, other))
    if not len(changed):
        return
    texts = [scoring.compared.truth_of(one) for one in (held, other)]
    row = int(changed[0])
    said = ""
    if any(any(text) for text in texts):
        said = f': {texts[0][row] or "no label"} in "{before.name}", {texts[1][row] or "no label"} in "{after.name}"'
    raise DataError(
        f'compare: {len(changed)} of {len(other)} images carry {scoring.compared.truth} in "{after.name}" than in '
        f'"{before.name}" (such as {other.paths[row]}{said}). Train one of the runs again.'
    )
