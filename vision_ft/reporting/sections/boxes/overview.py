"""Page one of a detection run: the result in a sentence, the headline numbers, what goes wrong most."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from vision_ft.evaluate.boxes.summary import BOX_METRICS
from vision_ft.reporting.caveats.dense import box_warnings
from vision_ft.reporting.collect.boxes import BoxSplit
from vision_ft.reporting.collect.view import RunView
from vision_ft.reporting.metric_names import leading_metric, metric_title, metrics_of
from vision_ft.reporting.page_one import Card, PageOne, Pair, card
from vision_ft.reporting.section import count, cut, percent, span

NUM_PAIRS = 6
TITLES = {"map50": "mAP50", "map": "mAP50:95", "map75": "mAP75", "mar100": "Mean recall"}  # of the cards


def headline(run: RunView, split: BoxSplit) -> str:
    """The result in the sentences a person would say."""
    numbers, metric = split.summary, leading_metric(run.task)
    where = f"{numbers['n']:,} {split.pictures if numbers['n'] != 1 else split.pictures.removesuffix('s')}"
    if not numbers["boxes"]:
        return f"No object is marked in {where}: nothing can be measured, but every box found is a ghost."
    interval = span(numbers.get(f"{metric}_interval"), 0)
    objects = count(numbers["boxes"], "object")
    reached = f"{metric_title(metric)} {percent(numbers[metric])}{f' ({interval})' if interval else ''}"
    result = f"{reached} on {where} with {objects}."
    return " ".join([result, *_worst_class(numbers), _errors(numbers)])


def _worst_class(numbers: Mapping[str, Any]) -> Iterator[str]:
    known = [row for row in numbers["per_class"] if row["ap50"] is not None]
    worst = min(known, key=lambda row: row["ap50"], default=None)
    if worst is not None and len(known) > 1 and worst["ap50"] < 1:
        yield f"Worst class: {cut(worst['class'])} (AP50 {percent(worst['ap50'], 0)})."


def _errors(numbers: Mapping[str, Any]) -> str:
    errors = numbers["errors"]
    if not any(errors.values()):
        return "At the thresholds no box is wrong and none is missed."
    missed, ghosts = errors["missed"], errors["background"]
    rest = sum(errors.values()) - missed - ghosts
    others = count(rest, "box", "boxes")
    return f"At the thresholds: {missed:,} missed, {count(ghosts, 'ghost')}, {others} wrong otherwise."


def _pairs(run: RunView, split: BoxSplit) -> list[Pair]:
    """The cells of the confusion matrix outside the diagonal, largest first."""
    matrix = np.array(split.summary["confusion"])
    cells = [(t, p, int(matrix[t, p])) for t, p in np.argwhere(matrix).tolist() if t != p]
    return [
        _pair(run, matrix, true, predicted)
        for true, predicted, _ in sorted(cells, key=lambda cell: -cell[2])[:NUM_PAIRS]
    ]


def _pair(run: RunView, matrix: np.ndarray, true: int, predicted: int) -> Pair:
    none, number = len(run.classes), int(matrix[true, predicted])
    of = f" of {matrix[true].sum():,}" if true != none else ""
    names = [*run.classes, ""]
    if true == none:  # a ghost: its class stands where the true one would
        shown, taken, verb = names[predicted], "", "seen where none is"
    else:
        shown, taken, verb = names[true], names[predicted], "missed" if predicted == none else "taken for"
    return {
        "true": shown,
        "predicted": taken,
        "verb": verb,
        "true_index": true,
        "predicted_index": predicted,
        "amount": f"{number:,}{of}",
    }


def _cards(run: RunView, split: BoxSplit) -> list[Card]:
    numbers = split.summary
    names = dict.fromkeys((*metrics_of(run.task), *TITLES))
    return [
        card(
            TITLES.get(name, metric_title(name)),
            numbers[name],
            numbers.get(f"{name}_interval"),
            BOX_METRICS[name].meaning,
        )
        for name in names
    ]


PAGE_ONE = PageOne(
    headline=headline, cards=_cards, pairs=_pairs, caveats=box_warnings, pairs_title="What goes wrong most"
)
