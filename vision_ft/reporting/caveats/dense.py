"""What a reader must know before believing the numbers of masks and boxes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from vision_ft.reporting.caveats.base import about_findings, about_training, most_serious_first, say
from vision_ft.reporting.collect.boxes import BoxSplit
from vision_ft.reporting.collect.masks import MaskSplit
from vision_ft.reporting.collect.run import RunView
from vision_ft.reporting.section import count, cut, percent

FEW_PICTURES = 30  # the interval of a mean over pictures is then several points wide
FEW_VAL_PICTURES = 20
FEW_OBJECTS = 20  # the recall of a class is then known to +-15 points at best
MAX_NAMED = 5
GROUPS_DIFFER = 0.10


def mask_warnings(run: RunView, split: MaskSplit) -> list[dict[str, str]]:
    """Warnings on a split of label maps, most serious first; see `caveats.warnings_of`."""
    rows = split.summary["per_class"]
    absent = [row["class"] for row in rows if not row["true_pixels"]]
    alone = [row["class"] for row in rows if row["pictures"] == 1]
    return most_serious_first(
        [
            *_about_split(run, split),
            *_about_absent(absent, "pixel", split),
            *_about_alone(alone, split),
            *_about_never(row["class"] for row in rows if row["true_pixels"] and not row["predicted_pixels"]),
            *_about_groups(split, "miou", "mIoU"),
            *_about_maps(split),
            *_about_run(run),
        ]
    )


def box_warnings(run: RunView, split: BoxSplit) -> list[dict[str, str]]:
    """Warnings on a split of boxes, most serious first; see `caveats.warnings_of`."""
    rows = split.summary["per_class"]
    few = [f"{cut(row['class'])} {row['true']}" for row in rows if 0 < row["true"] < FEW_OBJECTS]
    warnings = [*_about_split(run, split), *_about_absent([r["class"] for r in rows if not r["true"]], "object", split)]
    if few and split.summary["n"]:
        warnings.append(
            say("warning", f"Few objects of some classes: {_named(few)}. Their numbers are rough.", "per-class")
        )
    if split.name == "val":
        warnings.append(
            say("info", "The thresholds were chosen on these pictures: on new ones expect a lower F1.", "per-class")
        )
    if split.summary["ignored"]:
        ignored = count(split.summary["ignored"], "crowd or difficult object")
        warnings.append(say("info", f"{ignored} neither asked for nor held against the model."))
    warnings += _about_never(row["class"] for row in rows if row["true"] and not row["predicted"])
    return most_serious_first([*warnings, *_about_groups(split, "map50", "mAP50"), *_about_run(run)])


def _about_split(run: RunView, split: MaskSplit | BoxSplit) -> Iterator[dict[str, str]]:
    if split.name == "val":
        why = "" if "test" in run.splits else " There is no test split: keep some pictures aside to know the truth."
        yield say("warning", f"Validation chose the model, so its numbers flatter.{why}")
    if split.name == "train":
        yield say("warning", "The model learned from these pictures: the numbers say nothing about new ones.")
    number, unlabelled = split.summary["n"], split.summary.get("unlabelled", 0)
    if 0 < number < FEW_PICTURES:
        yield say("warning", f"Only {count(number, 'picture')}: every number here is rough; look at the intervals.")
    if unlabelled:
        yield say("info", f"{count(unlabelled, 'picture')} without a pixel that counts left out of all numbers.")


def _about_absent(names: Sequence[str], thing: str, split: MaskSplit | BoxSplit) -> Iterator[dict[str, str]]:
    if names and split.summary["n"]:
        has = "has" if len(names) == 1 else "have"
        yield say(
            "warning",
            f"{count(len(names), 'class', 'classes')} {has} no {thing} in this split ({_named(names)}): how well it is "
            "found is not measured.",
            "per-class",
        )


def _about_alone(names: Sequence[str], split: MaskSplit) -> Iterator[dict[str, str]]:
    if names and split.summary["n"] > 1:
        yield say("warning", f"In one picture only: {_named(names)}. One picture tells little of a class.", "per-class")


def _about_never(names: Iterator[str]) -> Iterator[dict[str, str]]:
    never = list(names)
    if never:
        yield say("error", f"Never answered by the model: {_named(never)}.", "per-class")


def _about_groups(split: MaskSplit | BoxSplit, metric: str, name: str) -> Iterator[dict[str, str]]:
    known = {group: row[metric] for group, row in split.summary["by_group"].items() if row[metric] is not None}
    if len(known) < 2:
        return
    worst, best = min(known, key=lambda group: known[group]), max(known, key=lambda group: known[group])
    if known[best] - known[worst] > GROUPS_DIFFER:
        yield say(
            "warning",
            f"Groups differ: {name} {percent(known[worst], 0)} in {cut(worst)}, {percent(known[best], 0)} in "
            f"{cut(best)}.",
            "groups",
        )


def _about_maps(split: MaskSplit) -> Iterator[dict[str, str]]:
    rows = split.worst_first
    if rows and split.read_truth(rows[0]) is None:
        where = "" if split.table is None else f" below {split.table.root}"
        yield say(
            "warning",
            f"The true masks are not found{where}: the data moved. The numbers stand; the pictures show predictions "
            "only. Say where the data lies now with 'vision-ft report RUN --data-root FOLDER'.",
            "gallery",
        )


def _about_run(run: RunView) -> Iterator[dict[str, str]]:
    number = run.counts.get("val")
    if number is not None and 0 < number < FEW_VAL_PICTURES:
        yield say(
            "warning",
            f"Only {count(number, 'validation picture')} chose the weights: the choice is partly chance.",
            "curves",
        )
    yield from about_findings(run)
    yield from about_training(run)
    yield from (say("warning", f"{problem}.", "lineage") for problem in run.problems)


def _named(names: Sequence[str]) -> str:
    return ", ".join(cut(name) for name in names[:MAX_NAMED]) + (", …" if len(names) > MAX_NAMED else "")
