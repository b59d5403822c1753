"""Where the numbers come from: audit findings, recipe, environment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from vision_ft.reporting.collect.view import RunView
from vision_ft.reporting.section import Section, View

MAX_FINDINGS = 300
MAX_RECIPE = 100_000


def _build(run: RunView) -> View | None:
    facts = list(_flatten(run.environment))
    if not (facts or run.findings or run.recipe or run.problems):
        return None
    return {
        "findings": run.findings[:MAX_FINDINGS],
        "num_findings": len(run.findings),
        "facts": facts,
        "recipe": run.recipe[:MAX_RECIPE],
        "problems": run.problems,
    }


def _flatten(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """(name, text) of each leaf, nested names joined with a dot."""
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _flatten(value, f"{prefix}{key}.")
        elif isinstance(value, list):
            yield f"{prefix}{key}", " ".join(str(item) for item in value)
        elif isinstance(value, float):
            yield f"{prefix}{key}", f"{value:.4g}"
        else:
            yield f"{prefix}{key}", str(value)


SECTION = Section("lineage", "Audit and lineage", "lineage.html.j2", build=_build)
