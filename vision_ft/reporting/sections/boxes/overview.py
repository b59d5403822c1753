"""Page one of a detection run: the result in a sentence, the headline numbers, what goes wrong most."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from vision_ft.evaluate.boxes.summary import BOX_METRICS
from vision_ft.reporting.caveats.dense import box_warnings
from vision_ft.reporting.collect.boxes import BoxSplit
from vision_ft.reporting.collect.run import RunView
from vision_ft.reporting.page_one import card, lineage_of, phases_of
from vision_ft.reporting.section import PictureIndex, Section, count, cut, percent, span

NUM_PAIRS = 6
TITLES = {"map50": "mAP50", "map": "mAP50:95", "map75": "mAP75", "mar100": "Mean recall"}


def headline(split: BoxSplit) -> str:
    """The result in the sentences a person would say."""
    numbers = split.summary
    where = f"{numbers['n']:,} {split.pictures if numbers['n'] != 1 else split.pictures.removesuffix('s')}"
    if not numbers["boxes"]:
        return f"No object is marked in {where}: nothing can be measured, but every box found is a ghost."
    interval = span(numbers["map50_interval"], 0)
    objects = count(numbers["boxes"], "object")
    result = f"mAP50 {percent(numbers['map50'])}{f' ({interval})' if interval else ''} on {where} with {objects}."
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


def _pairs(run: RunView, split: BoxSplit) -> list[dict[str, Any]]:
    """The cells of the confusion matrix outside the diagonal, largest first."""
    matrix = np.array(split.summary["confusion"])
    none = len(run.classes)
    cells = [(t, p, int(matrix[t, p])) for t, p in np.argwhere(matrix).tolist() if t != p]
    pairs = []
    for true, predicted, number in sorted(cells, key=lambda cell: -cell[2])[:NUM_PAIRS]:
        pair = {"true_index": true, "predicted_index": predicted, "verb": "taken for", "predicted": "", "true": ""}
        if predicted == none:
            pair |= {"true": run.classes[true], "verb": "missed"}
        elif true == none:
            pair |= {"true": run.classes[predicted], "verb": "seen where none is"}
        else:
            pair |= {"true": run.classes[true], "predicted": run.classes[predicted]}
        of = f" of {matrix[true].sum():,}" if true != none else ""
        pairs.append(pair | {"amount": f"{number:,}{of}"})
    return pairs


def _build(run: RunView, split: BoxSplit, pictures: PictureIndex) -> dict[str, Any]:
    del pictures
    numbers = split.summary
    return {
        "headline": headline(split),
        "cards": [
            card(title, numbers[name], numbers.get(f"{name}_interval"), BOX_METRICS[name].meaning)
            for name, title in TITLES.items()
        ],
        "pairs": _pairs(run, split),
        "pairs_title": "What goes wrong most",
        "warnings": box_warnings(run, split),
        "majority": None,
        "phases": phases_of(run),
        "lineage": lineage_of(run),
    }


SECTION = Section("overview", "Overview", "overview.html.j2", build_split=_build)
