"""One run against another where an image is right or wrong: McNemar's test, and which images changed sides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from vision_ft.evaluate.classification.predictions import Predictions
from vision_ft.evaluate.comparing.by_score import MAX_LISTED, SIGNIFICANT
from vision_ft.evaluate.comparing.paired import adjust_holm, mcnemar, paired_bootstrap
from vision_ft.evaluate.intervals import count_classes
from vision_ft.evaluate.scoring import Scoring

MIN_IN_GROUP = 10  # an interval of fewer images says nothing


def pairs_by_answer(scoring: Scoring, runs: Sequence[Predictions], *, seed: int) -> list[dict[str, Any]]:
    """Compare the predictions of each run after the first with those of the first.

    The p value is that of the exact McNemar test.

    Returns:
        A dict a run: a difference for each of the first two metrics, "mcnemar", "p_value", "outcomes", "other_answers",
        "confusion" (changed cells), "per_class", "groups", and the images that changed sides in "lost" and "gained".
    """
    return [_pair(scoring, runs[0], one, seed=seed) for one in runs[1:]]


def _pair(scoring: Scoring, first: Predictions, second: Predictions, *, seed: int) -> dict[str, Any]:
    targets, guessed, guessed_after = first.targets, first.predicted, second.predicted
    right, right_after = guessed == targets, guessed_after == targets
    groups, test = first.groups, mcnemar(right, right_after)
    return {
        **{name: asdict(scoring.change(first, second, name, seed=seed)) for name in scoring.names[:2]},
        "mcnemar": test,
        "p_value": test["p_value"],
        "outcomes": {
            "both_right": int((right & right_after).sum()),
            "lost": int((right & ~right_after).sum()),
            "gained": int((~right & right_after).sum()),
            "both_wrong": int((~right & ~right_after).sum()),
        },
        "other_answers": int((~scoring.compared.equal(first, second)).sum()),
        "confusion": _changed_cells(targets, guessed, guessed_after, num_classes=len(first.classes)),
        "per_class": _class_changes(first, right, right_after),
        "groups": None if groups is None else _group_changes(groups, right, right_after, seed=seed),
        "lost": _listed(first, second, np.flatnonzero(right & ~right_after)),
        "gained": _listed(first, second, np.flatnonzero(~right & right_after)),
    }


def _changed_cells(targets: np.ndarray, first: np.ndarray, second: np.ndarray, *, num_classes: int) -> list[list[int]]:
    """Rows [true, predicted, images before, images after] of the confusion matrix where the two differ."""
    before, after = (
        {(int(true), int(guess)): int(count) for true, guess, count in count_classes(targets, made, num_classes).cells}
        for made in (first, second)
    )
    cells = sorted(before.keys() | after.keys())
    return [[*cell, before.get(cell, 0), after.get(cell, 0)] for cell in cells if before.get(cell) != after.get(cell)]


def _class_changes(predictions: Predictions, right: np.ndarray, right_after: np.ndarray) -> list[dict[str, Any]]:
    """Recall of each class that has an image, before and after."""
    members = [np.flatnonzero(predictions.targets == index) for index in range(len(predictions.classes))]
    return [
        {"class": name, **_part(right[rows], right_after[rows])}
        for name, rows in zip(predictions.classes, members, strict=True)
        if len(rows)
    ]


def _part(right: np.ndarray, right_after: np.ndarray) -> dict[str, Any]:
    test = mcnemar(right, right_after)
    return {
        "n": len(right),
        "before": float(right.mean()),
        "after": float(right_after.mean()),
        "value": float(right_after.mean() - right.mean()),
        "lost": test["b"],
        "gained": test["c"],
        "p_value": test["p_value"],
    }


def _group_changes(
    groups: np.ndarray, right: np.ndarray, right_after: np.ndarray, *, seed: int
) -> list[dict[str, Any]]:
    """Accuracy of each group before and after, largest loss first; "differs" after Holm over the groups."""
    names = [None if group is None else str(group) for group in groups]
    rows_by_name: dict[str | None, list[int]] = {}
    for row, name in enumerate(names):
        rows_by_name.setdefault(name, []).append(row)
    parts = []
    for name, rows in rows_by_name.items():
        part = {"group": name, **_part(right[rows], right_after[rows]), "low": None, "high": None}
        if len(rows) >= MIN_IN_GROUP:
            change = paired_bootstrap(right[rows], right_after[rows], seed=seed)
            part |= {"low": change.low, "high": change.high}
        parts.append(part)
    for part, adjusted in zip(parts, adjust_holm([part["p_value"] for part in parts]), strict=True):
        part["differs"] = adjusted < SIGNIFICANT
    return sorted(parts, key=lambda part: (part["value"], part["group"] is None, part["group"] or ""))


def _listed(first: Predictions, second: Predictions, rows: np.ndarray) -> list[dict[str, Any]]:
    """The first changed images, spread over the classes: path, true class and both predictions."""
    seen: dict[int, int] = {}
    turns = []
    for row in rows.tolist():  # one of each class in turn, so that a frequent class does not fill the list
        label = int(first.targets[row])
        turns.append((seen.get(label, 0), row))
        seen[label] = seen.get(label, 0) + 1
    names = first.classes
    return [
        {
            "path": first.paths[row],
            "true": names[first.targets[row]],
            "before": names[first.predicted[row]],
            "after": names[second.predicted[row]],
        }
        for _, row in sorted(turns)[:MAX_LISTED]
    ]
