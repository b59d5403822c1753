"""What a reader must know before believing the numbers, each as a sentence with its level."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from vision_ft.evaluate.curves import judge_curves
from vision_ft.evaluate.names import HEADLINES
from vision_ft.evaluate.slices import slice_sentences, slice_table
from vision_ft.reporting.collect.run import RunView, SplitView
from vision_ft.reporting.section import count, cut, percent, span

FEW_PICTURES = 100  # the Wilson interval of 80% is then wider than +-8 points
WIDE_GAP = 0.03  # calibration error below three points changes few decisions
MAX_NAMED = 5
LEVELS = ("error", "warning", "info")


def warnings_of(run: RunView, split: SplitView) -> list[dict[str, str]]:
    """Warnings on a split, most serious first: dicts with level, text and the section that tells more."""
    found = [
        *about_split(run, split),
        *_about_numbers(split),
        *_about_parts(split),
        *about_findings(run),
        *about_training(run),
        *(say("warning", f"{problem}.", "lineage") for problem in run.problems),
    ]
    return most_serious_first(found)


def most_serious_first(found: Iterable[dict[str, str]]) -> list[dict[str, str]]:
    """Sort warnings by level; those of a level keep their order."""
    return sorted(found, key=lambda item: LEVELS.index(item["level"]))


def say(level: str, text: str, section: str = "") -> dict[str, str]:
    """A warning of a level of `LEVELS`, with the section that tells more."""
    return {"level": level, "text": text, "section": section}


def about_split(run: RunView, split: SplitView) -> Iterator[dict[str, str]]:
    """What the split itself warns of: what chose the model, how few pictures there are, which classes are missing."""
    if split.name == "val":
        why = "" if "test" in run.splits else " There is no test split: keep some pictures aside to know the truth."
        yield say("warning", f"Validation chose the model, so its numbers flatter.{why}")
    if split.name == "train":
        yield say("warning", "The model learned from these pictures: the numbers say nothing about new ones.")
    if len(split.cameras) > 1:
        both = " and ".join(f"{count(number, 'picture')} of the {name}" for name, number in split.cameras.items())
        yield say(
            "info", f"Both cameras are counted together here ({both} one): the decision tells them apart.", "decision"
        )
    number = split.summary["n"]
    if 0 < number < FEW_PICTURES:
        yield say("warning", f"Only {count(number, 'picture')}: every number here is rough; look at the intervals.")
    if split.summary["unlabelled"]:
        yield say("info", f"{count(split.summary['unlabelled'], 'picture')} without a label left out of all numbers.")
    absent = split.summary["classes_without_pictures"]
    if absent and number:
        names = ", ".join(cut(name) for name in absent[:MAX_NAMED]) + (", …" if len(absent) > MAX_NAMED else "")
        has = "has" if len(absent) == 1 else "have"
        yield say(
            "warning",
            f"{count(len(absent), 'class', 'classes')} {has} no picture in this split ({names}): "
            "not measured, and left out of the averages.",
            "per-class",
        )


def _about_numbers(split: SplitView) -> Iterator[dict[str, str]]:
    numbers = split.summary
    if not numbers["n"]:
        return
    low = numbers["accuracy_interval"][0]
    if len(split.predictions.classes) > 1 and low <= numbers["majority_accuracy"] < 1:
        yield say(
            "error",
            f"The model is not shown to beat the simplest rule: always answering the most frequent class is right in "
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
            "Pictures of one group are alike. For a new group like these, expect an accuracy of "
            f"{span(numbers['accuracy_interval_by_group'], 0)}.",
            "groups",
        )


def _about_parts(split: SplitView) -> Iterator[dict[str, str]]:
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


def about_findings(run: RunView) -> Iterator[dict[str, str]]:
    """What the audit saw, a warning for each kind of finding."""
    by_kind: dict[tuple[str, str], list[Any]] = {}
    for finding in run.findings:
        by_kind.setdefault((finding.get("level", "info"), finding.get("kind", "")), []).append(finding)
    for (level, kind), findings in by_kind.items():
        first = findings[0]
        about = f"{cut(first['path'], 60)}: " if first.get("path") else ""
        example = f"{about}{cut(first.get('detail', ''), 200)}"
        many = f"{len(findings):,} × {kind}" if len(findings) > 1 else kind
        shown = level if level in LEVELS else "info"
        yield say(shown, f"Audit, {many}{', for example ' if len(findings) > 1 else ': '}{example}", "lineage")


def judge_run(run: RunView) -> list[dict[str, Any]]:
    """What the learning curves say, by the metric that the run was chosen by."""
    if run.task == "classification":
        return judge_curves(run.log, num_val=run.counts.get("val"))
    chosen = str(run.selection.get("metric") or HEADLINES[run.task][0])
    return judge_curves(run.log, metric=f"val_{chosen}")  # of few pictures it knows what that means for an accuracy


def about_training(run: RunView) -> Iterator[dict[str, str]]:
    """What the learning curves warn of."""
    for verdict in judge_run(run):
        if verdict["level"] == "warning":
            yield say("warning", verdict["sentence"], "curves")
