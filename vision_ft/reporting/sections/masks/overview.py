"""Page one of a segmentation run: the result in a sentence, the headline numbers, what is confused most."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vision_ft.evaluate.masks.metrics import MASK_METRICS
from vision_ft.reporting.caveats.dense import mask_warnings
from vision_ft.reporting.collect.masks import MaskSplit
from vision_ft.reporting.collect.run import RunView
from vision_ft.reporting.page_one import card, lineage_of, phases_of
from vision_ft.reporting.section import PictureIndex, Section, count, cut, percent, span

NUM_PAIRS = 5
TITLES = {"miou": "mIoU", "dice": "Dice", "pixel_accuracy": "Pixel accuracy"}


def headline(split: MaskSplit) -> str:
    """The result in the sentences a person would say."""
    numbers = split.summary
    if not numbers["n"]:
        return f"No picture of this split has a mask ({count(numbers['unlabelled'], 'picture')} without one)."
    interval = span(numbers["miou_interval"], 0)
    of = split.pictures if numbers["n"] != 1 else split.pictures.removesuffix("s")
    result = f"mIoU {percent(numbers['miou'])}{f' ({interval})' if interval else ''} on {numbers['n']:,} {of}."
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


def _cards(numbers: Mapping[str, Any]) -> list[dict[str, Any]]:
    cards = [
        card(TITLES[name], numbers[name], numbers[f"{name}_interval"], MASK_METRICS[name].meaning) for name in TITLES
    ]
    meaning = "mean over the classes of how well the outlines agree, within a small distance"
    return [*cards, card("Boundary F", numbers["boundary_f"], numbers["boundary_f_interval"], meaning)]


def _build(run: RunView, split: MaskSplit, pictures: PictureIndex) -> dict[str, Any]:
    del pictures
    position = {name: index for index, name in enumerate(run.classes)}
    pairs = [
        {
            "true": pair["true"],
            "predicted": pair["predicted"],
            "true_index": position[pair["true"]],
            "predicted_index": position[pair["predicted"]],
            "amount": f"{percent(pair['share'])} of its pixels",
        }
        for pair in split.summary["confused_pairs"][:NUM_PAIRS]
    ]
    return {
        "headline": headline(split),
        "cards": _cards(split.summary),
        "pairs": pairs,
        "warnings": mask_warnings(run, split),
        "majority": None,
        "phases": phases_of(run),
        "lineage": lineage_of(run),
    }


SECTION = Section("overview", "Overview", "overview.html.j2", build_split=_build)
