"""Page one of a segmentation run: the result in a sentence, the headline numbers, what is confused most."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vision_ft.evaluate.masks.metrics import MASK_METRICS
from vision_ft.reporting.caveats.dense import mask_warnings
from vision_ft.reporting.collect.masks import MaskSplit
from vision_ft.reporting.collect.view import RunView
from vision_ft.reporting.metric_names import leading_metric, metric_title, metrics_of
from vision_ft.reporting.page_one import Card, PageOne, card, class_pairs
from vision_ft.reporting.section import count, cut, percent, span


def headline(run: RunView, split: MaskSplit) -> str:
    """The result in the sentences a person would say."""
    numbers, metric = split.summary, leading_metric(run.task)
    if not numbers["n"]:
        return f"No image of this split has a mask ({count(numbers['unlabelled'], 'image')} without one)."
    interval = span(numbers[f"{metric}_interval"], 0)
    of = split.pictures if numbers["n"] != 1 else split.pictures.removesuffix("s")
    reached = f"{metric_title(metric)} {percent(numbers[metric])}{f' ({interval})' if interval else ''}"
    result = f"{reached} on {numbers['n']:,} {of}."
    return " ".join([result, *_worst_class(numbers), *_most_confused(numbers)])


def _worst_class(numbers: Mapping[str, Any]) -> list[str]:
    known = [row for row in numbers["per_class"] if row["iou"] is not None]
    worst = min(known, key=lambda row: row["iou"], default=None)
    if worst is None or len(known) < 2 or worst["iou"] == 1:
        return []
    return [f"Worst class: {cut(worst['class'])} (IoU {percent(worst['iou'], 0)})."]


def _most_confused(numbers: Mapping[str, Any]) -> list[str]:
    if not numbers["confused_pairs"]:
        return ["No pixel is wrong."]
    top = numbers["confused_pairs"][0]
    return [
        f"Most confused: pixels of {cut(top['true'])} taken for {cut(top['predicted'])} "
        f"({percent(top['share'])} of {cut(top['true'])})."
    ]


def _cards(run: RunView, split: MaskSplit) -> list[Card]:
    numbers = split.summary
    cards = [
        card(metric_title(name), numbers[name], numbers[f"{name}_interval"], MASK_METRICS[name].meaning)
        for name in metrics_of(run.task)
    ]
    meaning = "mean over the classes of how well the outlines agree, within a small distance"
    return [*cards, card("Boundary F", numbers["boundary_f"], numbers["boundary_f_interval"], meaning)]


PAGE_ONE = PageOne(
    headline=headline,
    cards=_cards,
    pairs=lambda run, split: class_pairs(
        run, split.summary["confused_pairs"], lambda pair: f"{percent(pair['share'])} of its pixels"
    ),
    caveats=mask_warnings,
)
