"""Which images of the new camera to label next."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vision_ft.reporting.collect.adapted import mapping, number, records
from vision_ft.reporting.collect.view import RunView
from vision_ft.reporting.section import Section, View

MAX_SHOWN = 48
REASONS = {
    "uncertain": "the model is unsure",
    "unlike": "unlike the labelled ones",
    "uncertain and unlike": "unsure, and unlike the labelled ones",
}


def _rows(run: RunView) -> list[Mapping[str, Any]]:
    rows = records(mapping(run.adaptation.get("next_labels")).get("rows"))
    return sorted(rows, key=lambda row: number(row.get("rank")) or 0.0)


def _pictures(run: RunView) -> list[str]:
    return [str(row.get("path", "")) for row in _rows(run)[:MAX_SHOWN]]


def _build(run: RunView) -> View | None:
    rows = _rows(run)
    if not rows:
        return None
    suggestion = mapping(run.adaptation.get("next_labels"))
    total = number(suggestion.get("count"))
    return {
        "file": str(suggestion.get("file") or "to_label.csv"),
        "total": len(rows) if total is None else int(total),
        "rows": [
            {
                "path": str(row.get("path", "")),
                "predicted": str(row.get("predicted") or ""),
                "score": number(row.get("score")),
                "rank": int(number(row.get("rank")) or place),
                "reason": REASONS.get(str(row.get("reason")), str(row.get("reason") or "")),
            }
            for place, row in enumerate(rows[:MAX_SHOWN], 1)
        ],
    }


SECTION = Section("next-labels", "Which to label next", "next_labels.html.j2", build=_build, pictures=_pictures)
