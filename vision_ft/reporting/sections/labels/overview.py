"""Page one for several labels a picture: the result in a sentence, the headline numbers, what goes wrong most."""

from __future__ import annotations

from typing import Any

from vision_ft.reporting.caveats.labels import label_warnings
from vision_ft.reporting.collect.run import RunView, SplitView
from vision_ft.reporting.page_one import card, lineage_of, phases_of
from vision_ft.reporting.section import PictureIndex, Section, count, cut, percent, span

NUM_PAIRS = 5


def headline(run: RunView, split: SplitView) -> str:
    """The result in two sentences a person would say."""
    numbers = split.summary
    if not numbers["n"]:
        return f"No picture of this split has a label that is known ({count(numbers['unlabelled'], 'picture')})."
    pictures = f"{numbers['n']:,} {split.pictures}"
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


LABEL_CARDS = (
    ("macro_f1", "Macro-F1", "mean F1 of the labels: rare ones count as much as common"),
    ("micro_f1", "Micro-F1", "F1 of all labels of all pictures together"),
    ("map", "mAP", "mean average precision: how well scores rank, whatever the thresholds"),
    ("subset_accuracy", "All labels right", "share of the pictures without a single mistake"),
    ("hamming_loss", "Wrong labels", "share of all known labels that are answered wrongly"),
)
COLUMN_CARDS = (
    ("exact", "All right", "share of the pictures without a mistake"),
    ("accuracy", "Accuracy", "mean over the label columns"),
    ("macro_f1", "Macro-F1", "mean over the label columns"),
)


def _build(run: RunView, split: SplitView, pictures: PictureIndex) -> dict[str, Any]:
    del pictures
    numbers = split.summary
    cards = COLUMN_CARDS if run.task == "multitask" else LABEL_CARDS
    position = {name: index for index, name in enumerate(run.classes)}
    pairs = [
        pair
        | {
            "true_index": position[pair["true"]],
            "predicted_index": position[pair["predicted"]],
            "amount": f"{pair['count']:,} of {pair['of']:,}",
        }
        for pair in numbers["confused_pairs"][:NUM_PAIRS]
    ]
    return {
        "headline": headline(run, split),
        "cards": [card(title, numbers[name], numbers[f"{name}_interval"], meaning) for name, title, meaning in cards],
        "pairs": pairs,
        "warnings": label_warnings(run, split),
        "majority": None,
        "phases": phases_of(run),
        "lineage": lineage_of(run),
    }


SECTION = Section("overview", "Overview", "overview.html.j2", build_split=_build)
