"""What a reader must know before believing the numbers of masks and boxes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from vision_ft.reporting.caveats.base import Caveat, about_run, about_split, most_serious_first, named, say
from vision_ft.reporting.collect.boxes import BoxSplit
from vision_ft.reporting.collect.masks import MaskSplit
from vision_ft.reporting.collect.split import Split
from vision_ft.reporting.collect.view import RunView
from vision_ft.reporting.metric_names import leading_metric, metric_name
from vision_ft.reporting.section import count, cut, percent

FEW_IMAGES = 30  # the interval of a mean over images is then several points wide
FEW_VAL_PICTURES = 20
FEW_OBJECTS = 20  # the recall of a class is then known to +-15 points at best
GROUPS_DIFFER = 0.10
NO_PIXEL = "without a pixel that counts"


def mask_warnings(run: RunView, split: MaskSplit) -> list[Caveat]:
    """Warnings on a split of label maps, most serious first."""
    rows = split.summary["per_class"]
    absent = [row["class"] for row in rows if not row["true_pixels"]]
    alone = [row["class"] for row in rows if row["pictures"] == 1]
    return most_serious_first(
        [
            *about_split(run, split, few=FEW_IMAGES, without=NO_PIXEL),
            *_about_absent(absent, "pixel", split),
            *_about_alone(alone, split),
            *_about_never(row["class"] for row in rows if row["true_pixels"] and not row["predicted_pixels"]),
            *_about_groups(run, split),
            *_about_maps(split),
            *_about_training(run),
        ]
    )


def box_warnings(run: RunView, split: BoxSplit) -> list[Caveat]:
    """Warnings on a split of boxes, most serious first."""
    rows = split.summary["per_class"]
    few = [f"{cut(row['class'])} {row['true']}" for row in rows if 0 < row["true"] < FEW_OBJECTS]
    absent = [row["class"] for row in rows if not row["true"]]
    warnings = [*about_split(run, split, few=FEW_IMAGES), *_about_absent(absent, "object", split)]
    if few and split.summary["n"]:
        warnings.append(
            say("warning", f"Few objects of some classes: {named(few)}. Their numbers are rough.", "per-class")
        )
    if split.name == "val":
        warnings.append(
            say("info", "The thresholds were chosen on these images: on new ones expect a lower F1.", "per-class")
        )
    if split.summary["ignored"]:
        ignored = count(split.summary["ignored"], "crowd or difficult object")
        warnings.append(say("info", f"{ignored} neither asked for nor held against the model."))
    warnings += _about_never(row["class"] for row in rows if row["true"] and not row["predicted"])
    return most_serious_first([*warnings, *_about_groups(run, split), *_about_training(run)])


def _about_absent(names: Sequence[str], thing: str, split: Split) -> Iterator[Caveat]:
    if names and split.summary["n"]:
        has = "has" if len(names) == 1 else "have"
        yield say(
            "warning",
            f"{count(len(names), 'class', 'classes')} {has} no {thing} in this split ({named(names)}): how well it is "
            "found is not measured.",
            "per-class",
        )


def _about_alone(names: Sequence[str], split: MaskSplit) -> Iterator[Caveat]:
    if names and split.summary["n"] > 1:
        yield say("warning", f"In one image only: {named(names)}. One image tells little of a class.", "per-class")


def _about_never(names: Iterator[str]) -> Iterator[Caveat]:
    never = list(names)
    if never:
        yield say("error", f"Never predicted by the model: {named(never)}.", "per-class")


def _about_groups(run: RunView, split: Split) -> Iterator[Caveat]:
    metric = leading_metric(run.task)
    known = {group: row[metric] for group, row in split.summary["by_group"].items() if row.get(metric) is not None}
    if len(known) < 2:
        return
    worst, best = min(known, key=lambda group: known[group]), max(known, key=lambda group: known[group])
    if known[best] - known[worst] > GROUPS_DIFFER:
        yield say(
            "warning",
            f"Groups differ: {metric_name(metric)} {percent(known[worst], 0)} in {cut(worst)}, "
            f"{percent(known[best], 0)} in {cut(best)}.",
            "groups",
        )


def _about_maps(split: MaskSplit) -> Iterator[Caveat]:
    rows = split.worst_first
    if rows and split.read_truth(rows[0]) is None:
        where = "" if split.table is None else f" below {split.table.root}"
        yield say(
            "warning",
            f"The true masks are not found{where}: the data moved. The numbers stand; the images show predictions "
            "only. Say where the data lies now with 'vision-ft report RUN --data-root FOLDER'.",
            "gallery",
        )


def _about_training(run: RunView) -> Iterator[Caveat]:
    number = run.counts.get("val")
    if number is not None and 0 < number < FEW_VAL_PICTURES:
        yield say(
            "warning",
            f"Only {count(number, 'validation image')} chose the weights: the choice is partly chance.",
            "curves",
        )
    yield from about_run(run)
