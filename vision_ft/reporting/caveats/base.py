"""What a reader must know before believing the numbers of any task: the split, the audit, the training."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypedDict

from vision_ft.evaluate.curves import judge_curves
from vision_ft.reporting.collect.split import Split
from vision_ft.reporting.collect.view import RunView
from vision_ft.reporting.metric_names import leading_metric
from vision_ft.reporting.section import count, cut

FEW_IMAGES = 100  # the Wilson interval of 80% is then wider than +-8 points
MAX_NAMED = 5
LEVELS = ("error", "warning", "info")


class Caveat(TypedDict):
    """A warning: its level of `LEVELS`, a sentence, and the id of the section that tells more, or ""."""

    level: str
    text: str
    section: str


def most_serious_first(found: Iterable[Caveat]) -> list[Caveat]:
    """Sort warnings by level; those of a level keep their order."""
    return sorted(found, key=lambda item: LEVELS.index(item["level"]))


def say(level: str, text: str, section: str = "") -> Caveat:
    """A warning of a level of `LEVELS`, with the section that tells more."""
    return {"level": level, "text": text, "section": section}


def named(names: Sequence[str]) -> str:
    """List the first names, with an ellipsis for the others."""
    return ", ".join(cut(name) for name in names[:MAX_NAMED]) + (", …" if len(names) > MAX_NAMED else "")


def about_split(
    run: RunView, split: Split, *, few: int = FEW_IMAGES, without: str = "without a label"
) -> Iterator[Caveat]:
    """What the split itself warns of: what chose the model, how few images there are, both cameras in one.

    Args:
        run: the run.
        split: one of its splits.
        few: below so many images every number is rough.
        without: what an image that is left out of the numbers lacks.
    """
    if split.name == "val":
        why = "" if "test" in run.splits else " There is no test split: keep some images aside to know the truth."
        yield say("warning", f"Validation chose the model, so its numbers flatter.{why}")
    if split.name == "train":
        yield say("warning", "The model learned from these images: the numbers say nothing about new ones.")
    if len(split.cameras) > 1:
        both = " and ".join(f"{count(number, 'image')} of the {name}" for name, number in split.cameras.items())
        yield say(
            "info", f"Both cameras are counted together here ({both} one): the decision tells them apart.", "decision"
        )
    number, unlabelled = split.summary["n"], split.summary.get("unlabelled", 0)
    if 0 < number < few:
        yield say("warning", f"Only {count(number, 'image')}: every number here is rough; look at the intervals.")
    if unlabelled:
        yield say("info", f"{count(unlabelled, 'image')} {without} left out of all numbers.")


def about_absent(split: Split) -> Iterator[Caveat]:
    """Which classes no image of the split has, where classes are labels of images."""
    absent = split.summary["classes_without_pictures"]
    if absent and split.summary["n"]:
        has = "has" if len(absent) == 1 else "have"
        yield say(
            "warning",
            f"{count(len(absent), 'class', 'classes')} {has} no image in this split ({named(absent)}): "
            "not measured, and left out of the averages.",
            "per-class",
        )


def about_run(run: RunView) -> Iterator[Caveat]:
    """What the audit, the training and damaged files warn of."""
    yield from about_findings(run)
    yield from about_training(run)
    yield from (say("warning", f"{problem}.", "lineage") for problem in run.problems)


def about_findings(run: RunView) -> Iterator[Caveat]:
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
    chosen = str(run.selection.get("metric") or leading_metric(run.task))
    is_accuracy = leading_metric(run.task) == "accuracy"  # of few images it knows what that means for an accuracy
    return judge_curves(run.log, num_val=run.counts.get("val") if is_accuracy else None, metric=f"val_{chosen}")


def about_training(run: RunView) -> Iterator[Caveat]:
    """What the learning curves warn of."""
    for verdict in judge_run(run):
        if verdict["level"] == "warning":
            yield say("warning", verdict["sentence"], "curves")
