"""Each candidate in full: what validation said, the weights between source and tuned, cost, and why it was skipped."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vision_ft.reporting.charts.adaptation import alpha_paths, alphas_chart
from vision_ft.reporting.collect.adapted import (
    Candidate,
    limit_of,
    mapping,
    metric_of,
    number,
    read_candidates,
    recommended_of,
    records,
    texts,
    validation_score,
)
from vision_ft.reporting.collect.view import RunView
from vision_ft.reporting.metric_names import metric_title
from vision_ft.reporting.section import Section, View


def _build(run: RunView) -> View | None:
    candidates = read_candidates(run.adaptation)
    if not candidates:
        return None
    metric, paths = metric_of(run.adaptation), alpha_paths(candidates)
    rows = [_row(candidate, metric) for candidate in candidates if candidate.is_done]
    return {
        "metric": metric_title(metric),
        "has_loss": any(row["new_loss"] or row["old_loss"] for row in rows),
        "recommended": recommended_of(run.adaptation),
        "limit": limit_of(run.adaptation),
        "rows": rows,
        "skipped": [
            (candidate.title, candidate.record.get("reason") or "") for candidate in candidates if not candidate.is_done
        ],
        "notes": [(item.title, notes) for item in candidates if (notes := texts(item.record.get("notes")))],
        "chart": alphas_chart(paths, limit=limit_of(run.adaptation)),
        "legend": [path.title for path in paths],
        "sweeps": [sweep for candidate in candidates if (sweep := _sweep(candidate))],
    }


def _row(candidate: Candidate, metric: str) -> dict[str, Any]:
    record = candidate.record
    old, new = (validation_score(candidate, camera, metric) for camera in ("old", "new"))
    scores = mapping(record.get("val"))
    seconds, parameters = number(record.get("seconds")), number(record.get("trained_parameters"))
    return {
        "name": candidate.name,
        "title": candidate.title,
        "labels": "yes" if record.get("needs_labels") else "no",
        "new": new.value,
        "new_change": new.change,
        "new_loss": _loss(mapping(scores.get("new"))),
        "old": old.value,
        "old_change": old.change,
        "old_loss": _loss(mapping(scores.get("old"))),
        "alpha": number(record.get("alpha")),
        "parameters": "" if parameters is None else f"{int(parameters):,}",
        "seconds": "" if seconds is None else f"{seconds:,.0f}" if seconds >= 10 else f"{seconds:.1f}",
        "allowed": record.get("allowed"),
    }


def _loss(scores: Mapping[str, Any]) -> str:
    loss = number(scores.get("loss"))
    return "" if loss is None else f"{loss:.3f}"


def _sweep(candidate: Candidate) -> dict[str, Any] | None:
    rows = [
        {
            "alpha": number(point.get("alpha")),
            "old": number(point.get("old")),
            "new": number(point.get("new")),
            "allowed": point.get("allowed"),
        }
        for point in records(candidate.record.get("alphas"))
    ]
    return {"title": candidate.title, "rows": rows, "chosen": number(candidate.record.get("alpha"))} if rows else None


SECTION = Section("candidates", "Candidates in full", "candidates.html.j2", build=_build)
