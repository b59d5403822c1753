"""Page one: the result in a sentence, the headline numbers, what is confused most, and what to be wary of."""

from __future__ import annotations

from typing import Any

from vision_ft.reporting.caveats import warnings_of
from vision_ft.reporting.collect import RunView, SplitView
from vision_ft.reporting.section import PictureIndex, Section, count, cut, percent, span

NUM_PAIRS = 5


def headline(split: SplitView) -> str:
    """The result in two sentences a person would say."""
    numbers = split.summary
    if not numbers["n"]:
        return f"No picture of this split has a label ({count(numbers['unlabelled'], 'picture')} without one)."
    of = "pictures" if split.name == "all" else f"{split.label.lower()} pictures"
    first = f"{percent(numbers['accuracy'])} of {numbers['n']:,} {of} are right ({span(numbers['accuracy_interval'])})."
    pairs = numbers["confused_pairs"]
    if not pairs:
        return f"{first} No mistake was seen."
    top = pairs[0]
    if top["count"] < 2:
        return f"{first} The {count(len(split.mistakes), 'mistake')} {_fall(split)} no pair of classes more than once."
    return (
        f"{first} Most errors: {cut(top['true'])} taken for {cut(top['predicted'])} "
        f"({top['count']:,} of {top['of']:,})."
    )


def _fall(split: SplitView) -> str:
    return "hits" if len(split.mistakes) == 1 else "hit"


def _cards(split: SplitView) -> list[dict[str, Any]]:
    numbers = split.summary
    cards = [
        make_card(
            "Accuracy", numbers["accuracy"], numbers["accuracy_interval"], "share of the pictures that are right"
        ),
        make_card(
            "Macro-F1",
            numbers["macro_f1"],
            numbers["macro_f1_interval"],
            "mean F1: rare classes count as much as common",
        ),
        make_card(
            "Balanced accuracy",
            numbers["balanced_accuracy"],
            numbers["balanced_accuracy_interval"],
            "mean recall of the classes",
        ),
    ]
    if numbers.get("top_k_accuracy") is not None:
        cards.append(
            make_card(
                f"Top-{numbers['top_k']}",
                numbers["top_k_accuracy"],
                numbers["top_k_accuracy_interval"],
                f"true class among the {numbers['top_k']} most probable",
            )
        )
    if numbers.get("ece_calibrated") is not None:
        cards.append(
            make_card(
                "Calibration error",
                numbers["ece_calibrated"],
                None,
                f"gap of confidence and accuracy; {percent(numbers['ece_by_chance'])} would be chance",
            )
        )
    return cards


def make_card(label: str, value: float | None, interval: Any, meaning: str) -> dict[str, Any]:
    """Return a headline number as the template shows it."""
    return {"label": label, "value": value, "interval": interval, "meaning": meaning}


def _build(run: RunView, split: SplitView, pictures: PictureIndex) -> dict[str, Any]:
    del pictures
    return {
        "headline": headline(split),
        "cards": _cards(split),
        "pairs": top_pairs(run, split),
        "warnings": warnings_of(run, split),
        "majority": split.summary["majority_accuracy"],
        "phases": phases_of(run),
        "lineage": lineage_of(run),
    }


def top_pairs(run: RunView, split: SplitView) -> list[dict[str, Any]]:
    """Return the pairs of classes that are confused most, with their positions in the page's list of classes."""
    position = {name: index for index, name in enumerate(run.classes)}
    return [
        pair | {"true_index": position[pair["true"]], "predicted_index": position[pair["predicted"]]}
        for pair in split.summary["confused_pairs"][:NUM_PAIRS]
    ]


def phases_of(run: RunView) -> list[dict[str, Any]]:
    """Return the phases of the plan as the template shows them."""
    phases = []
    for phase in run.plan.get("phases") or []:
        rates = phase.get("groups") or {}
        phases.append(
            {
                "name": phase.get("name", ""),
                "epochs": phase.get("epochs"),
                "solver": phase.get("solver", ""),
                "groups": ", ".join(
                    name if phase.get("solver") == "convex" else f"{name} {rate:.3g}" for name, rate in rates.items()
                ),
                "parameters": phase.get("trainable_parameters"),
            }
        )
    return phases


def lineage_of(run: RunView) -> list[tuple[str, str]]:
    """Return where the run came from, as (what, value)."""
    environment = run.environment
    facts = [
        ("Backbone", run.plan.get("backbone")),
        ("Head", run.plan.get("head")),
        ("Strategy", run.plan.get("strategy")),
        ("Pictures", ", ".join(f"{name} {number:,}" for name, number in run.counts.items() if number)),
        ("Answers", run.answers),
        ("Seed", environment.get("seed")),
        ("Command", environment.get("command")),
        ("Data fingerprint", environment.get("fingerprint") or environment.get("data")),
        *(
            (f"Chosen on validation: {key}", value)
            for key, value in run.selection.items()
            if not isinstance(value, dict)
        ),
    ]
    return [(label, _text(value)) for label, value in facts if value not in (None, "", [], {})]


def _text(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, list):
        return " ".join(map(str, value))
    return str(value)


SECTION = Section("overview", "Overview", "overview.html.j2", build_split=_build)
