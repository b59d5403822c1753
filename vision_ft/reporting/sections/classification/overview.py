"""Page one: the result in a sentence, the headline numbers, what is confused most, and what to be wary of."""

from __future__ import annotations

from vision_ft.reporting.caveats.classification import class_warnings
from vision_ft.reporting.collect.classified import ClassSplit
from vision_ft.reporting.collect.view import RunView
from vision_ft.reporting.own_cards import own_cards
from vision_ft.reporting.page_one import Card, PageOne, card, class_pairs, images_of
from vision_ft.reporting.section import count, cut, percent, span


def headline(run: RunView, split: ClassSplit) -> str:
    """The result in two sentences a person would say."""
    del run
    numbers = split.summary
    if not numbers["n"]:
        return f"No image of this split has a label ({count(numbers['unlabelled'], 'image')} without one)."
    share, ends = percent(numbers["accuracy"]), span(numbers["accuracy_interval"])
    first = f"{share} of {numbers['n']:,} {split.pictures} are right ({ends})."
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


def _fall(split: ClassSplit) -> str:
    return "hits" if len(split.mistakes) == 1 else "hit"


def _cards(run: RunView, split: ClassSplit) -> list[Card]:
    del run
    numbers = split.summary
    cards = [
        card("Accuracy", numbers["accuracy"], numbers["accuracy_interval"], "share of the images that are right"),
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


PAGE_ONE = PageOne(
    headline=headline,
    cards=_cards,
    pairs=lambda run, split: class_pairs(run, split.summary["confused_pairs"], images_of),
    caveats=class_warnings,
    chance=lambda split: split.summary["majority_accuracy"],
)
