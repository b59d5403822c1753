"""Page one: the result in a sentence, the headline numbers, what is confused most, and what to be wary of."""

from __future__ import annotations

from typing import Any

from vision_ft.reporting.caveats.base import warnings_of
from vision_ft.reporting.collect.run import RunView, SplitView
from vision_ft.reporting.own_cards import own_cards
from vision_ft.reporting.page_one import card, lineage_of, phases_of
from vision_ft.reporting.section import PictureIndex, Section, count, cut, percent, span

NUM_PAIRS = 5


def headline(split: SplitView) -> str:
    """The result in two sentences a person would say."""
    numbers = split.summary
    if not numbers["n"]:
        return f"No picture of this split has a label ({count(numbers['unlabelled'], 'picture')} without one)."
    of = "pictures" if split.name == "all" else f"{split.label.lower()} pictures"
    first = f"{percent(numbers['accuracy'])} of {numbers['n']:,} {of} are right ({span(numbers['accuracy_interval'])})."
    pairs = numbers["confused_pairs"]
    if not pairs:
        return f"{first} No mistake was seen."
    top = pairs[0]
    if top["count"] < 2:
        return f"{first} The {count(len(split.mistakes), 'mistake')} {_fall(split)} no pair of classes more than once."
    return (
        f"{first} Most errors: {cut(top['true'])} taken for {cut(top['predicted'])} "
        f"({top['count']:,} of {top['of']:,})."
    )


def _fall(split: SplitView) -> str:
    return "hits" if len(split.mistakes) == 1 else "hit"


def _cards(split: SplitView) -> list[dict[str, Any]]:
    numbers = split.summary
    cards = [
        card("Accuracy", numbers["accuracy"], numbers["accuracy_interval"], "share of the pictures that are right"),
        card(
            "Macro-F1",
            numbers["macro_f1"],
            numbers["macro_f1_interval"],
            "mean F1: rare classes count as much as common",
        ),
        card(
            "Balanced accuracy",
            numbers["balanced_accuracy"],
            numbers["balanced_accuracy_interval"],
            "mean recall of the classes",
        ),
    ]
    if numbers.get("top_k_accuracy") is not None:
        cards.append(
            card(
                f"Top-{numbers['top_k']}",
                numbers["top_k_accuracy"],
                numbers["top_k_accuracy_interval"],
                f"true class among the {numbers['top_k']} most probable",
            )
        )
    if numbers.get("ece_calibrated") is not None:
        cards.append(
            card(
                "Calibration error",
                numbers["ece_calibrated"],
                None,
                f"gap of confidence and accuracy; {percent(numbers['ece_by_chance'])} would be chance",
            )
        )
    return [*cards, *own_cards(numbers)]


def _build(run: RunView, split: SplitView, pictures: PictureIndex) -> dict[str, Any]:
    del pictures
    position = {name: index for index, name in enumerate(run.classes)}
    pairs = [
        pair
        | {
            "true_index": position[pair["true"]],
            "predicted_index": position[pair["predicted"]],
            "amount": f"{pair['count']:,} of {pair['of']:,}",
        }
        for pair in split.summary["confused_pairs"][:NUM_PAIRS]
    ]
    return {
        "headline": headline(split),
        "cards": _cards(split),
        "pairs": pairs,
        "warnings": warnings_of(run, split),
        "majority": split.summary["majority_accuracy"],
        "phases": phases_of(run),
        "lineage": lineage_of(run),
    }


SECTION = Section("overview", "Overview", "overview.html.j2", build_split=_build)
