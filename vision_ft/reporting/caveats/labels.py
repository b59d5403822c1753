"""What a reader must know before believing the numbers of several labels a picture."""

from __future__ import annotations

from collections.abc import Iterator

from vision_ft.reporting.caveats.base import (
    MAX_NAMED,
    about_findings,
    about_split,
    about_training,
    most_serious_first,
    say,
)
from vision_ft.reporting.collect.run import RunView, SplitView
from vision_ft.reporting.section import cut, percent


def label_warnings(run: RunView, split: SplitView) -> list[dict[str, str]]:
    """Warnings on a split, most serious first; see `caveats.warnings_of`."""
    return most_serious_first(
        [
            *about_split(run, split),
            *_about_labels(split),
            *about_findings(run),
            *about_training(run),
            *(say("warning", f"{problem}.", "lineage") for problem in run.problems),
        ]
    )


def _about_labels(split: SplitView) -> Iterator[dict[str, str]]:
    numbers = split.summary
    if split.name == "val" and split.predictions.task == "multilabel":
        yield say("info", "The thresholds were chosen on these pictures: on new ones expect a lower F1.", "per-class")
    never = [row["class"] for row in numbers["per_class"] if row["support"] and not row["predicted"]]
    if never:
        names = ", ".join(cut(name) for name in never[:MAX_NAMED]) + (", …" if len(never) > MAX_NAMED else "")
        yield say("warning", f"Never answered, though pictures have it: {names}.", "per-class")
    for column in numbers.get("columns") or []:
        low = column["accuracy_interval"][0]
        if column["n"] and low <= column["majority_accuracy"] < 1:
            yield say(
                "warning",
                f"{cut(column['name'])}: not shown to beat always answering its most frequent class, which is right in "
                f"{percent(column['majority_accuracy'])}.",
                "confusion",
            )
