"""The number that a random split of frames would have given, next to the honest one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vision_ft.reporting.collect.adapted import ends, mapping, metric_in, number
from vision_ft.reporting.collect.view import RunView
from vision_ft.reporting.metric_names import metric_title
from vision_ft.reporting.section import Section, View


def _build(run: RunView) -> View | None:
    split = mapping(run.adaptation.get("honest_split"))
    metric = metric_in(split)
    rows = [
        _row("Honest: whole groups are held out", mapping(split.get("honest")), metric),
        _row("Random: frames are held out", mapping(split.get("random")), metric),
    ]
    if all(row["value"] is None for row in rows):
        return None
    return {"sentence": split.get("sentence") or "", "rows": rows, "metric": metric_title(metric)}


def _row(label: str, numbers: Mapping[str, Any], metric: str) -> dict[str, Any]:
    size = number(numbers.get("n"))
    return {
        "label": label,
        "value": number(numbers.get(metric)),
        "ends": ends(numbers.get("low"), numbers.get("high")),
        "n": None if size is None else int(size),
    }


SECTION = Section("honest-split", "Honest or random split", "honest_split.html.j2", build=_build)
