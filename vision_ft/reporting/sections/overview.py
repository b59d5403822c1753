"""Page one of every task: the result in a sentence, the headline numbers, what goes wrong most, what to be wary of."""

from __future__ import annotations

from typing import Any, TypedDict

from vision_ft.reporting.caveats.base import Caveat
from vision_ft.reporting.collect.view import RunView
from vision_ft.reporting.page_one import Card, NumberTable, PageOne, Pair, PhaseRow, lineage_of, phases_of
from vision_ft.reporting.section import ImageIndex, Section


class OverviewView(TypedDict):
    """What the template shows."""

    headline: str
    cards: list[Card]
    pairs: list[Pair]
    pairs_title: str
    nothing_wrong: str
    table: NumberTable | None
    warnings: list[Caveat]
    majority: float | None
    phases: list[PhaseRow]
    lineage: list[tuple[str, str]]


def overview(words: PageOne) -> Section:
    """Return the section that opens the page of a task."""

    def build(run: RunView, split: Any, pictures: ImageIndex) -> OverviewView:
        del pictures
        return {
            "headline": words.headline(run, split),
            "cards": words.cards(run, split),
            "pairs": words.pairs(run, split),
            "pairs_title": words.pairs_title,
            "nothing_wrong": words.nothing_wrong,
            "table": words.table(run, split) if words.table else None,
            "warnings": words.caveats(run, split),
            "majority": words.chance(split) if words.chance else None,
            "phases": phases_of(run),
            "lineage": lineage_of(run),
        }

    return Section("overview", "Overview", "overview.html.j2", build_split=build)
