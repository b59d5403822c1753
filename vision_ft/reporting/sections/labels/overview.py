"""Page one for several labels per image: the result in a sentence, the headline numbers, what goes wrong most."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from vision_ft.reporting.caveats.labels import column_warnings, label_set_warnings
from vision_ft.reporting.collect.columns import ColumnSplit
from vision_ft.reporting.collect.label_sets import LabelSetSplit
from vision_ft.reporting.collect.split import Split
from vision_ft.reporting.collect.view import RunView
from vision_ft.reporting.page_one import Card, PageOne, card, class_pairs, images_of
from vision_ft.reporting.section import count, cut, percent, span

LABEL_CARDS = {
    "macro_f1": ("Macro-F1", "mean F1 of the labels: rare ones count as much as common"),
    "micro_f1": ("Micro-F1", "F1 of all labels of all images together"),
    "map": ("mAP", "mean average precision: how well scores rank, whatever the thresholds"),
    "subset_accuracy": ("All labels right", "share of the images without a single mistake"),
    "hamming_loss": ("Wrong labels", "share of all known labels that are predicted wrongly"),
}
COLUMN_CARDS = {
    "exact": ("All right", "share of the images without a mistake"),
    "accuracy": ("Accuracy", "mean over the label columns"),
    "macro_f1": ("Macro-F1", "mean over the label columns"),
}


def label_set_headline(run: RunView, split: LabelSetSplit) -> str:
    """The result of label sets in the sentences a person would say."""
    del run
    numbers = split.summary
    reached = f"{percent(numbers['macro_f1'])} ({span(numbers['macro_f1_interval'])})"
    return _headline(split, f"On {numbers['n']:,} {split.pictures} the labels reach a mean F1 of {reached}.")


def column_headline(run: RunView, split: ColumnSplit) -> str:
    """The result of label columns in the sentences a person would say."""
    del run
    numbers = split.summary
    of = f"{numbers['n']:,} {split.pictures} ({span(numbers['exact_interval'])})"
    return _headline(split, f"All known labels are right in {percent(numbers['exact'])} of {of}.")


def _headline(split: Split, first: str) -> str:
    numbers = split.summary
    if not numbers["n"]:
        return f"No image of this split has a label that is known ({count(numbers['unlabelled'], 'image')})."
    if not numbers["confused_pairs"]:
        return f"{first} No mistake was seen."
    top = numbers["confused_pairs"][0]
    return f"{first} Most errors: {cut(top['true'])} taken for {cut(top['predicted'])} ({images_of(top)})."


def _cards(shown: Mapping[str, tuple[str, str]]) -> Callable[[RunView, Split], list[Card]]:
    def build(run: RunView, split: Split) -> list[Card]:
        del run
        numbers = split.summary
        return [
            card(title, numbers[name], numbers[f"{name}_interval"], meaning) for name, (title, meaning) in shown.items()
        ]

    return build


LABEL_SETS = PageOne(
    headline=label_set_headline,
    cards=_cards(LABEL_CARDS),
    pairs=lambda run, split: class_pairs(run, split.summary["confused_pairs"], images_of),
    caveats=label_set_warnings,
)
COLUMNS = PageOne(
    headline=column_headline,
    cards=_cards(COLUMN_CARDS),
    pairs=lambda run, split: class_pairs(run, split.summary["confused_pairs"], images_of),
    caveats=column_warnings,
)
