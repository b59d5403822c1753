"""The decision of an adaptation: which model to use on both cameras, what it gains and what it forgets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vision_ft.reporting.charts.adaptation import changes_chart
from vision_ft.reporting.collect.adapted import (
    SOURCE,
    Candidate,
    has_old,
    limit_of,
    mapping,
    metric_of,
    read_candidates,
    recommended_of,
    records,
    texts,
    validation_score,
)
from vision_ft.reporting.collect.view import RunView
from vision_ft.reporting.metric_names import metric_title
from vision_ft.reporting.section import Section, View, count, cut, percent, points, points_span, span

MAX_CLASSES = 12
IMAGE_COLUMNS = ("pictures", "labelled", "train", "val", "test", "unused", "groups")


def _build(run: RunView) -> View | None:
    adaptation = run.adaptation
    if not adaptation:
        return None
    candidates = read_candidates(adaptation)
    decision = mapping(adaptation.get("decision"))
    by_name = {candidate.name: candidate for candidate in candidates}
    chosen = by_name.get(recommended_of(adaptation))
    limit = limit_of(adaptation)
    return {
        "passed": bool(decision.get("passed")),
        "exit_code": decision.get("exit_code"),
        "headline": _headline(chosen, recommended_of(adaptation)),
        "sentence": decision.get("sentence") or "",
        "reasons": texts(decision.get("reasons")),
        "cards": _cards(adaptation, chosen, by_name.get(SOURCE)),
        "rows": [candidate for candidate in candidates if candidate.is_done],
        "cameras": _measured_cameras(candidates),
        "num_skipped": sum(not candidate.is_done for candidate in candidates),
        "recommended": recommended_of(adaptation),
        "metric": metric_title(metric_of(adaptation)),
        "limit": limit,
        "has_old": has_old(adaptation),
        "old_missing": adaptation.get("old_missing") or "",
        "chart": changes_chart(candidates, limit=limit, recommended=recommended_of(adaptation)),
        "pictures": _pictures(adaptation),
        "classes": _class_sentences(mapping(adaptation.get("classes"))),
        "chain": _chain(adaptation, run.name, by_name),
    }


def _measured_cameras(candidates: list[Candidate]) -> list[str]:
    """The cameras that have labelled test images."""
    return [camera for camera in ("new", "old") if any(getattr(item, camera).value is not None for item in candidates)]


def _headline(chosen: Candidate | None, name: str) -> str:
    if name == SOURCE:
        return "Keep the source model"
    return f"Use “{cut(chosen.title if chosen else name)}”"


def _cards(
    adaptation: Mapping[str, Any], chosen: Candidate | None, source: Candidate | None
) -> list[dict[str, str | None]]:
    if chosen is None:
        return []
    limit, metric = limit_of(adaptation), metric_of(adaptation)
    before = source if source is not chosen else None
    cards = [_camera_card("new", chosen, before, metric=metric)]
    if has_old(adaptation):
        allowed = f"; a loss of {points(limit, sign=False)} is allowed" if limit is not None else ""
        cards.append(_camera_card("old", chosen, before, metric=metric, allowed=allowed))
    labels = mapping(adaptation.get("labels"))
    train, val = labels.get("train") or 0, labels.get("val") or 0
    budget = labels.get("budget")
    cards.append(
        {
            "label": "Labels of the new camera",
            "before": None,
            "big": f"{train + val:,}",
            "interval": f"{train:,} to learn from, {val:,} to choose by",
            "meaning": f"of {budget:,} allowed" if isinstance(budget, int) else "no limit was set",
        }
    )
    return cards


def _camera_card(
    camera: str, chosen: Candidate, before: Candidate | None, *, metric: str, allowed: str = ""
) -> dict[str, str | None]:
    """Before and after on test images; on validation images, and said so, where no test image has a label."""
    after, kind = getattr(chosen, camera), "test"
    first = getattr(before, camera).value if before else None
    if after.value is None:
        after, kind = validation_score(chosen, camera, metric), "validation"
        first = validation_score(before, camera, metric).value if before else None
    interval = f" ({points_span(after.change_ends)})" if after.change_ends else ""
    change = f"{points(after.change)}{interval}" if first is not None and after.change is not None else ""
    of = f"on {count(after.n, f'{kind} image')}" if after.value is not None else "no labelled image to measure on"
    return {
        "label": f"{camera.capitalize()} camera",
        "before": None if first is None else percent(first),
        "big": percent(after.value),
        "interval": change or span(after.ends),
        "meaning": f"{of}{allowed}",
    }


def _pictures(adaptation: Mapping[str, Any]) -> list[tuple[str, str, list[Any]]]:
    """(camera, path, numbers in the order of IMAGE_COLUMNS) of each camera."""
    rows = []
    for label, key in (("New camera", "new"), ("Old camera", "old")):
        facts = mapping(adaptation.get(key))
        if facts:
            rows.append((label, str(facts.get("path") or ""), [facts.get(column) for column in IMAGE_COLUMNS]))
    return rows


def _class_sentences(classes: Mapping[str, Any]) -> list[str]:
    sentences = []
    added, absent = texts(classes.get("added")), texts(classes.get("absent_on_new"))
    if added:
        sentences.append(f"New on the new camera, and added to the head: {_names(added)}.")
    if absent:
        sentences.append(f"Not seen on the new camera, and kept in the head: {_names(absent)}.")
    return sentences


def _names(names: list[str]) -> str:
    shown = ", ".join(cut(name) for name in names[:MAX_CLASSES])
    left = len(names) - MAX_CLASSES
    return f"{shown} and {left} more" if left > 0 else shown


def _chain(adaptation: Mapping[str, Any], run_name: str, by_name: Mapping[str, Candidate]) -> list[dict[str, Any]]:
    """The runs that led here, oldest first; the last one is this run, whatever its folder is called now."""
    links = records(adaptation.get("lineage"))
    chain = []
    for place, link in enumerate(links):
        is_this = place == len(links) - 1
        folder = str(link.get("run") or "").rstrip("/\\")
        decision = str(link.get("decision") or "")
        title = by_name[decision].title if decision in by_name else decision
        chain.append(
            {
                "name": run_name if is_this else folder.replace("\\", "/").rsplit("/", 1)[-1] or "?",
                "path": folder,
                "is_this": is_this,
                "decision": "kept the source model" if decision == SOURCE else title,
                "facts": [
                    (name, str(value)[:12])
                    for name, value in (("data", link.get("data")), ("model", link.get("model_hash")))
                    if value
                ],
            }
        )
    return chain


SECTION = Section("decision", "Decision", "decision.html.j2", build=_build)
