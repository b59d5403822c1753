"""Page one for several labels a picture: the result in a sentence, the headline numbers, what goes wrong most."""

from __future__ import annotations

from typing import Any

from vision_ft.reporting.caveats import warnings_of_labels
from vision_ft.reporting.collect import RunView, SplitView
from vision_ft.reporting.section import PictureIndex, Section, count, cut, percent, span
from vision_ft.reporting.sections.overview import lineage_of, make_card, phases_of, top_pairs


def headline(run: RunView, split: SplitView) -> str:
    """The result in two sentences a person would say."""
    numbers = split.summary
    if not numbers["n"]:
        return f"No picture of this split has a label that is known ({count(numbers['unlabelled'], 'picture')})."
    pictures = f"{numbers['n']:,} {split.label.lower()} pictures"
    if run.task == "multitask":
        share, ends = numbers["exact"], numbers["exact_interval"]
        first = f"All known labels are right in {percent(share)} of {pictures} ({span(ends)})."
    else:
        ends = numbers["macro_f1_interval"]
        first = f"On {pictures} the labels reach a mean F1 of {percent(numbers['macro_f1'])} ({span(ends)})."
    pairs = numbers["confused_pairs"]
    if not pairs:
        return f"{first} No mistake was seen."
    top = pairs[0]
    return (
        f"{first} Most errors: {cut(top['true'])} taken for {cut(top['predicted'])} "
        f"({top['count']:,} of {top['of']:,})."
    )


def _label_cards(numbers: Any) -> list[dict[str, Any]]:
    def card(name: str, title: str, meaning: str) -> dict[str, Any]:
        return make_card(title, numbers[name], numbers[f"{name}_interval"], meaning)

    return [
        card("macro_f1", "Macro-F1", "mean F1 of the labels: rare ones count as much as common"),
        card("micro_f1", "Micro-F1", "F1 of all labels of all pictures together"),
        card("map", "mAP", "mean average precision: how well scores rank, whatever the thresholds"),
        card("subset_accuracy", "All labels right", "share of the pictures without a single mistake"),
        card("hamming_loss", "Wrong labels", "share of all known labels that are answered wrongly"),
    ]


def _column_cards(numbers: Any) -> list[dict[str, Any]]:
    return [
        make_card("All right", numbers["exact"], numbers["exact_interval"], "share of pictures without a mistake"),
        make_card("Accuracy", numbers["accuracy"], numbers["accuracy_interval"], "mean over the label columns"),
        make_card("Macro-F1", numbers["macro_f1"], numbers["macro_f1_interval"], "mean over the label columns"),
    ]


def _build(run: RunView, split: SplitView, pictures: PictureIndex) -> dict[str, Any]:
    del pictures
    cards = _column_cards if run.task == "multitask" else _label_cards
    return {
        "headline": headline(run, split),
        "cards": cards(split.summary),
        "pairs": top_pairs(run, split),
        "warnings": warnings_of_labels(run, split),
        "majority": None,
        "phases": phases_of(run),
        "lineage": lineage_of(run),
    }


SECTION = Section("overview", "Overview", "overview.html.j2", build_split=_build)
