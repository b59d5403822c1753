"""What page one says: the words that each task brings, and what is the same for all, plan and lineage."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NotRequired, TypedDict

from vision_ft.reporting.caveats.base import Caveat
from vision_ft.reporting.collect.view import RunView

NUM_PAIRS = 5
Interval = Sequence[float | None] | None


class Card(TypedDict):
    """A headline number, with its interval and what it means.

    "text" is what is shown of a value with a unit, "interval_text" of the interval of a value that is no fraction of 1.
    """

    label: str
    value: float | None
    interval: Interval
    meaning: str
    text: NotRequired[str]
    interval_text: NotRequired[str]


class NumberTable(TypedDict):
    """A small table of plain numbers as text; the first column is a name."""

    head: list[str]
    rows: list[list[str]]
    note: str


class Pair(TypedDict):
    """A confusion of two classes; the indices are those of its cell in the matrix.

    Where "section" is set there is no cell: "true" says what goes wrong, and leads to that section.
    """

    true: str
    predicted: str
    true_index: int
    predicted_index: int
    amount: str
    verb: NotRequired[str]
    section: NotRequired[str]


class PhaseRow(TypedDict):
    """A phase of the training in words."""

    name: str
    epochs: int | None
    solver: str
    groups: str
    parameters: int | None


@dataclass(frozen=True)
class PageOne:
    """What a task says on page one; each function gets the run and one of its splits.

    Attributes:
        headline: the result in the sentences a person would say.
        cards: the headline numbers.
        pairs: what goes wrong most.
        caveats: what a reader must know before believing the numbers, most serious first.
        pairs_title: heading of the pairs.
        chance: accuracy of always predicting the most frequent class, where that means something.
        nothing_wrong: what is said where there are no pairs.
        table: numbers that a card has no room for; None where there are none.
    """

    headline: Callable[[RunView, Any], str]
    cards: Callable[[RunView, Any], list[Card]]
    pairs: Callable[[RunView, Any], list[Pair]]
    caveats: Callable[[RunView, Any], list[Caveat]]
    pairs_title: str = "What it confuses most"
    chance: Callable[[Any], float | None] | None = None
    nothing_wrong: str = "Nothing: no mistake was seen."
    table: Callable[[RunView, Any], NumberTable | None] | None = None


def card(label: str, value: float | None, interval: Interval, meaning: str) -> Card:
    """A headline number with its interval, and what it means."""
    return {"label": label, "value": value, "interval": interval, "meaning": meaning}


def class_pairs(
    run: RunView, pairs: Sequence[Mapping[str, Any]], amount: Callable[[Mapping[str, Any]], str]
) -> list[Pair]:
    """The most confused pairs of a summary, with the indices of their classes.

    Args:
        run: whose classes they are.
        pairs: "confused_pairs" of the summary, most confused first.
        amount: says how often in words.
    """
    position = {name: index for index, name in enumerate(run.classes)}
    return [
        {
            "true": pair["true"],
            "predicted": pair["predicted"],
            "true_index": position[pair["true"]],
            "predicted_index": position[pair["predicted"]],
            "amount": amount(pair),
        }
        for pair in pairs[:NUM_PAIRS]
    ]


def images_of(pair: Mapping[str, Any]) -> str:
    """Say how often a pair of classes was confused: "4 of 12"."""
    return f"{pair['count']:,} of {pair['of']:,}"


def phases_of(run: RunView) -> list[PhaseRow]:
    """The phases that the run was trained by."""
    phases: list[PhaseRow] = []
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
    """(name, text) of what decided the run."""
    environment = run.environment
    facts = [
        ("Backbone", run.plan.get("backbone")),
        ("Head", run.plan.get("head")),
        ("Strategy", run.plan.get("strategy")),
        ("Images", ", ".join(f"{name} {number:,}" for name, number in run.counts.items() if number)),
        ("Outputs", run.outputs),
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
