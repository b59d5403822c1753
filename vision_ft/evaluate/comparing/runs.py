"""Compare finished runs on the same pictures: paired differences, a test, what changed where, and what it cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from vision_ft.evaluate.classification.metrics import accuracy, macro_f1
from vision_ft.evaluate.comparing.dense import compare_dense
from vision_ft.evaluate.comparing.facts import FORMAT_VERSION, SIGNIFICANT, facts_of, notes_of
from vision_ft.evaluate.comparing.facts import cost_of as cost_of
from vision_ft.evaluate.comparing.paired import adjust_holm, group_units, mcnemar, paired_bootstrap, paired_macro_f1
from vision_ft.evaluate.comparing.read import RunAnswers, SideBySide, put_side_by_side, read_runs
from vision_ft.evaluate.comparing.words import pair_sentence, ranking_sentence
from vision_ft.evaluate.dense_tasks import DENSE_TASKS
from vision_ft.evaluate.intervals import average_intervals, count_classes, plain, wilson

MAX_LISTED = 200  # changed pictures of a kind that are named; all are counted
MIN_IN_GROUP = 10  # an interval of fewer pictures says nothing


def compare_runs(folders: Sequence[str | Path], *, seed: int = 0) -> dict[str, Any]:
    """Compare runs, each against the first, on the test pictures that all of them answered.

    A run is called better or worse where the exact McNemar test, adjusted for the number of comparisons (Holm), is
    below 0.05 and the paired bootstrap interval of the accuracy lies on one side of zero. Runs of masks or boxes are
    compared in mIoU or mAP, see `compare_dense.compare_dense`.

    Args:
        folders: two or more run folders.
        seed: of the bootstrap.

    Returns:
        Numbers ready for JSON, fractions of 1; "runs" in the order given, "ranking" their positions by the first of
        "metrics",
        "pairs" one entry for each run after the first, "sentence" the verdict.

    Raises:
        DataError: fewer than two runs, one without predictions, or runs of other tasks or tested on other pictures.
    """
    split, runs = read_runs(folders)
    if runs[0].predictions.task in DENSE_TASKS:
        return compare_dense(split, runs, seed=seed)
    answers = put_side_by_side(runs)
    names = [run.name for run in runs]
    pairs = [_pair(answers, after=position, seed=seed) for position in range(1, len(runs))]
    for pair, adjusted in zip(pairs, adjust_holm([pair["mcnemar"]["p_value"] for pair in pairs]), strict=True):
        pair["p_adjusted"] = adjusted
        pair["verdict"] = _verdict(pair)
        pair["sentence"] = pair_sentence(pair, names[0], names[pair["after"]], comparisons=len(pairs))
    summaries = [_summary(run, predicted, answers) for run, predicted in zip(runs, answers.predicted, strict=True)]
    ranking = sorted(range(len(runs)), key=lambda position: (-summaries[position]["accuracy"], position))
    result = {
        "format_version": FORMAT_VERSION,
        "task": "classification",
        "metrics": ["accuracy", "macro_f1"],
        "split": split,
        "n": len(answers.targets),
        "unlabelled": answers.unlabelled,
        "classes": list(answers.classes),
        "by_group": group_units(answers.groups, len(answers.targets)) is not None,
        "runs": summaries,
        "ranking": ranking,
        "pairs": pairs,
        "sentence": pairs[0]["sentence"] if len(pairs) == 1 else ranking_sentence(summaries, ranking, pairs),
        "notes": [*notes_of(split, runs, answers.groups), *answers.notes],
    }
    plain_result: dict[str, Any] = plain(result)
    return plain_result


def _summary(run: RunAnswers, predicted: np.ndarray, answers: SideBySide) -> dict[str, Any]:
    counts = count_classes(answers.targets, predicted, len(answers.classes))
    low, high = wilson(counts.hits.sum(), len(predicted))
    return {
        **facts_of(run),
        "accuracy": accuracy(answers.targets, predicted),
        "accuracy_interval": (float(low), float(high)),
        "macro_f1": macro_f1(answers.targets, predicted, len(answers.classes)),
        "macro_f1_interval": average_intervals(counts)["macro_f1"],
    }


def _pair(answers: SideBySide, *, after: int, seed: int) -> dict[str, Any]:
    """Everything about run number `after` against the first."""
    targets, first, second = answers.targets, answers.predicted[0], answers.predicted[after]
    right, right_after = first == targets, second == targets
    num_classes, groups = len(answers.classes), answers.groups
    return {
        "before": 0,
        "after": after,
        "accuracy": asdict(paired_bootstrap(right, right_after, groups=groups, seed=seed)),
        "macro_f1": asdict(paired_macro_f1(targets, first, second, num_classes=num_classes, groups=groups, seed=seed)),
        "mcnemar": mcnemar(right, right_after),
        "outcomes": {
            "both_right": int((right & right_after).sum()),
            "lost": int((right & ~right_after).sum()),
            "gained": int((~right & right_after).sum()),
            "both_wrong": int((~right & ~right_after).sum()),
        },
        "other_answers": int((first != second).sum()),
        "confusion": _changed_cells(targets, first, second, num_classes=num_classes),
        "per_class": _class_changes(answers, right, right_after),
        "groups": None if groups is None else _group_changes(groups, right, right_after, seed=seed),
        "lost": _listed(answers, np.flatnonzero(right & ~right_after), after),
        "gained": _listed(answers, np.flatnonzero(~right & right_after), after),
    }


def _verdict(pair: Mapping[str, Any]) -> str:
    """Return "better", "worse" or "unclear"."""
    accuracy_change = pair["accuracy"]
    if pair["p_adjusted"] >= SIGNIFICANT or accuracy_change["low"] <= 0 <= accuracy_change["high"]:
        return "unclear"
    return "better" if accuracy_change["value"] > 0 else "worse"


def _changed_cells(targets: np.ndarray, first: np.ndarray, second: np.ndarray, *, num_classes: int) -> list[list[int]]:
    """Rows [true, predicted, pictures before, pictures after] of the confusion matrix where the two differ."""
    before, after = (
        {(int(true), int(guess)): int(count) for true, guess, count in count_classes(targets, made, num_classes).cells}
        for made in (first, second)
    )
    cells = sorted(before.keys() | after.keys())
    return [[*cell, before.get(cell, 0), after.get(cell, 0)] for cell in cells if before.get(cell) != after.get(cell)]


def _class_changes(answers: SideBySide, right: np.ndarray, right_after: np.ndarray) -> list[dict[str, Any]]:
    """Recall of each class that has a picture, before and after."""
    members = [np.flatnonzero(answers.targets == index) for index in range(len(answers.classes))]
    return [
        {"class": name, **_part(right[rows], right_after[rows])}
        for name, rows in zip(answers.classes, members, strict=True)
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


def _listed(answers: SideBySide, rows: np.ndarray, after: int) -> list[dict[str, Any]]:
    """The first changed pictures, spread over the classes: path, true class and both answers."""
    seen: dict[int, int] = {}
    turns = []
    for row in rows.tolist():  # one of each class in turn, so that a frequent class does not fill the list
        label = int(answers.targets[row])
        turns.append((seen.get(label, 0), row))
        seen[label] = seen.get(label, 0) + 1
    names = answers.classes
    return [
        {
            "path": answers.paths[row],
            "true": names[answers.targets[row]],
            "before": names[answers.predicted[0][row]],
            "after": names[answers.predicted[after][row]],
        }
        for _, row in sorted(turns)[:MAX_LISTED]
    ]
