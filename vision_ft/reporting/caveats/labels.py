"""What a reader must know before believing the numbers of several labels per image."""

from __future__ import annotations

from collections.abc import Iterator

from vision_ft.reporting.caveats.base import (
    Caveat,
    about_absent,
    about_run,
    about_split,
    most_serious_first,
    named,
    say,
)
from vision_ft.reporting.collect.columns import ColumnSplit
from vision_ft.reporting.collect.label_sets import LabelSetSplit
from vision_ft.reporting.collect.split import Split
from vision_ft.reporting.collect.view import RunView
from vision_ft.reporting.section import cut, percent


def label_set_warnings(run: RunView, split: LabelSetSplit) -> list[Caveat]:
    """Warnings on a split of label sets, most serious first."""
    fitted = []
    if split.name == "val":
        text = "The thresholds were chosen on these images: on new ones expect a lower F1."
        fitted = [say("info", text, "per-class")]
    return most_serious_first(
        [*about_split(run, split), *about_absent(split), *fitted, *_about_never(split), *about_run(run)]
    )


def column_warnings(run: RunView, split: ColumnSplit) -> list[Caveat]:
    """Warnings on a split of label columns, most serious first."""
    found = [*about_split(run, split), *about_absent(split), *_about_never(split), *_about_columns(split)]
    return most_serious_first([*found, *about_run(run)])


def _about_never(split: Split) -> Iterator[Caveat]:
    never = [row["class"] for row in split.summary["per_class"] if row["support"] and not row["predicted"]]
    if never:
        yield say("warning", f"Never predicted, though images have it: {named(never)}.", "per-class")


def _about_columns(split: ColumnSplit) -> Iterator[Caveat]:
    for column in split.summary["columns"]:
        low = column["accuracy_interval"][0]
        if column["n"] and low <= column["majority_accuracy"] < 1:
            yield say(
                "warning",
                f"{cut(column['name'])}: not shown to beat always predicting its most frequent class, which is right "
                f"in {percent(column['majority_accuracy'])}.",
                "confusion",
            )
