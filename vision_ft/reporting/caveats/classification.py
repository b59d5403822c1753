"""What a reader must know before believing the numbers of a classification run."""

from __future__ import annotations

from collections.abc import Iterator

from vision_ft.evaluate.slices import slice_sentences, slice_table
from vision_ft.reporting.caveats.base import Caveat, about_absent, about_run, about_split, most_serious_first, say
from vision_ft.reporting.collect.classified import ClassSplit
from vision_ft.reporting.collect.view import RunView
from vision_ft.reporting.section import cut, percent, span

WIDE_GAP = 0.03  # calibration error below three points changes few decisions


def class_warnings(run: RunView, split: ClassSplit) -> list[Caveat]:
    """Warnings on a split, most serious first."""
    found = [
        *about_split(run, split),
        *about_absent(split),
        *_about_numbers(split),
        *_about_parts(split),
        *about_run(run),
    ]
    return most_serious_first(found)


def _about_numbers(split: ClassSplit) -> Iterator[Caveat]:
    numbers = split.summary
    if not numbers["n"]:
        return
    low = numbers["accuracy_interval"][0]
    if len(split.predictions.classes) > 1 and low <= numbers["majority_accuracy"] < 1:
        yield say(
            "error",
            f"The model is not shown to beat the simplest rule: always predicting the most frequent class is right in "
            f"{percent(numbers['majority_accuracy'])}.",
        )
    error, chance = numbers.get("ece_calibrated"), numbers.get("ece_by_chance")
    if error is not None and chance is not None and error > WIDE_GAP and error > 2 * chance:
        gap = numbers["mean_confidence"] - numbers["accuracy"]
        yield say(
            "warning",
            f"{'Overconfident' if gap > 0 else 'Underconfident'}: it says {percent(numbers['mean_confidence'], 0)} on "
            f"average and is right in {percent(numbers['accuracy'], 0)}.",
            "calibration",
        )
    if numbers.get("accuracy_interval_by_group"):
        yield say(
            "info",
            "Images of one group are alike. For a new group like these, expect an accuracy of "
            f"{span(numbers['accuracy_interval_by_group'], 0)}.",
            "groups",
        )


def _about_parts(split: ClassSplit) -> Iterator[Caveat]:
    rows = split.summary["groups"] or []
    if len(rows) > 1:
        worst, best = min(rows, key=lambda r: r["accuracy"]), max(rows, key=lambda r: r["accuracy"])
        if worst["interval"][1] < best["interval"][0]:
            yield say(
                "warning",
                f"Groups differ: {percent(worst['accuracy'], 0)} [{span(worst['interval'], 0)}] in "
                f"{cut(worst['group'] or 'no group')}, {percent(best['accuracy'], 0)} [{span(best['interval'], 0)}] in "
                f"{cut(best['group'] or 'no group')}.",
                "groups",
            )
    labelled = split.predictions.targets >= 0
    correct = (split.predictions.targets == split.predictions.predicted)[labelled]
    table = slice_table(correct, {name: values[labelled] for name, values in split.properties.items()})
    for sentence in slice_sentences(table)[:2]:
        yield say("warning", sentence, "slices")
