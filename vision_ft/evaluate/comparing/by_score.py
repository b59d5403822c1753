"""One run against another by the score of each image: masks, boxes, sets of labels, label columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from vision_ft.evaluate.comparing.paired import adjust_holm
from vision_ft.evaluate.drawn import Drawn, chance_of, change_between, difference_of
from vision_ft.evaluate.read import take_rows
from vision_ft.evaluate.scoring import Scoring

SIGNIFICANT = 0.05
MAX_LISTED = 200  # changed images of a kind that are named; all are counted


def pairs_by_score(scoring: Scoring, runs: Sequence[Any], *, seed: int) -> list[dict[str, Any]]:
    """Compare the predictions of each run after the first with those of the first.

    The p value is that of the paired bootstrap of the task's first metric.

    Returns:
        A dict a run: a difference for each of the first two metrics, "p_value", "outcomes" (images whose own score
        rose, fell or stayed), "other_answers", "per_class", "groups", and the images that changed most in "lost" and
        "gained".
    """
    drawn = [scoring.draw(one, seed=seed) for one in runs]
    return [_pair(scoring, (runs[0], runs[after]), (drawn[0], drawn[after])) for after in range(1, len(runs))]


def _pair(scoring: Scoring, runs: tuple[Any, Any], drawn: tuple[Drawn, Drawn]) -> dict[str, Any]:
    compared, metric = scoring.compared, scoring.names[0]
    before, now = (compared.per_image(one) for one in runs)
    gain = np.nan_to_num(now - before)
    lost, gained = int((gain < 0).sum()), int((gain > 0).sum())
    paths = runs[0].paths
    return {
        **{name: asdict(change_between(*drawn, name)) for name in scoring.names[:2]},
        "p_value": chance_of(drawn[1].sets.scores[metric] - drawn[0].sets.scores[metric]),
        "outcomes": {"gained": gained, "lost": lost, "equal": len(gain) - gained - lost},
        "other_answers": int((~compared.equal(*runs)).sum()),
        "per_class": _class_changes(scoring, runs[0], drawn),
        "groups": _group_changes(scoring, runs, metric),
        "lost": _listed(paths, before, now, np.argsort(gain, kind="stable")[:lost]),
        "gained": _listed(paths, before, now, np.argsort(-gain, kind="stable")[:gained]),
    }


def _class_changes(scoring: Scoring, predictions: Any, drawn: tuple[Drawn, Drawn]) -> list[dict[str, Any]]:
    """What is measured of each class that the truth holds, before and after; "differs" after Holm over the classes."""
    images = scoring.compared.holding(predictions).sum(axis=0)
    parts = []
    for label in np.flatnonzero(images):
        before, after = (float(one.whole.classes[0, label]) for one in drawn)
        changes = drawn[1].sets.classes[:, label] - drawn[0].sets.classes[:, label]
        change = asdict(difference_of(after - before, changes))
        about = {"class": predictions.classes[label], "n": int(images[label]), "before": before, "after": after}
        parts.append({**about, **change, "p_value": chance_of(changes)})
    for part, adjusted in zip(parts, adjust_holm([part["p_value"] for part in parts]), strict=True):
        part["differs"] = adjusted < SIGNIFICANT
    return parts


def _group_changes(scoring: Scoring, runs: tuple[Any, Any], metric: str) -> list[dict[str, Any]] | None:
    """The metric of each named group before and after, largest loss first; None without groups."""
    groups = runs[0].groups
    if groups is None:
        return None
    parts = []
    for name in sorted({str(group) for group in groups if group is not None}):
        members = np.array([str(group) == name for group in groups])
        before, after = (scoring.headline(take_rows(one, members))[metric] for one in runs)
        if not np.isnan(after - before):
            about = {"group": name, "n": int(members.sum()), "before": before, "after": after}
            parts.append({**about, "value": after - before})
    return sorted(parts, key=lambda part: part["value"])


def _listed(paths: Sequence[str], before: np.ndarray, after: np.ndarray, rows: np.ndarray) -> list[dict[str, Any]]:
    """The images that changed most: path, and their own score with either run."""
    return [{"path": paths[row], "before": before[row], "after": after[row]} for row in rows[:MAX_LISTED]]
