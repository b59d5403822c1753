"""Compare finished runs of masks or boxes: paired differences of mIoU or mAP, by class, by group and by picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from vision_ft.evaluate.comparing.dense_read import have_equal_answers, put_dense_side_by_side
from vision_ft.evaluate.comparing.facts import FORMAT_VERSION, SIGNIFICANT, facts_of, notes_of
from vision_ft.evaluate.comparing.paired import adjust_holm, group_units
from vision_ft.evaluate.comparing.paired_dense import Drawn, chance_of, change_between, difference_of, draw_metrics
from vision_ft.evaluate.comparing.read import RunAnswers
from vision_ft.evaluate.comparing.words import pair_sentence, ranking_sentence
from vision_ft.evaluate.dense_tasks import DENSE_TASKS
from vision_ft.evaluate.intervals import plain

MAX_LISTED = 200  # changed pictures of a kind that are named; all are counted


def compare_dense(split: str, runs: Sequence[RunAnswers], *, seed: int = 0) -> dict[str, Any]:
    """Compare runs of masks or boxes, each against the first; see `compare.compare_runs`.

    A run is called better or worse where the two-sided p of the paired bootstrap, adjusted for the number of
    comparisons (Holm), is below 0.05 and its interval lies on one side of zero.

    Args:
        split: what was read.
        runs: of one task, as `read_runs` returns them.
        seed: of the bootstrap.

    Returns:
        As `compare_runs` does, with "of_class" and "of_picture" in words. An entry of "pairs" has a difference for each
        of "metrics", "p_value", "outcomes" (pictures whose own score rose, fell or stayed), "per_class", "groups", and
        the pictures that changed most in "lost" and "gained".

    Raises:
        DataError: the runs were tested on different pictures, annotations or classes.
    """
    answers, notes = put_dense_side_by_side(runs)
    kind, names, groups = DENSE_TASKS[answers[0].task], [run.name for run in runs], answers[0].groups
    drawn = [draw_metrics(one, groups=groups, seed=seed) for one in answers]
    pairs = [_pair(answers, drawn, after=position) for position in range(1, len(runs))]
    _conclude(pairs, names, kind.metrics[0])
    summaries = [_summary(*parts, seed=seed) for parts in zip(runs, answers, drawn, strict=True)]
    ranking = _rank(summaries, kind.metrics[0])
    result = {
        "format_version": FORMAT_VERSION,
        "task": answers[0].task,
        "metrics": kind.metrics,
        "of_class": kind.of_class,
        "of_picture": kind.of_picture,
        "split": split,
        "n": len(answers[0]),
        "unlabelled": 0,
        "classes": answers[0].classes,
        "by_group": group_units(groups, len(answers[0])) is not None,
        "runs": summaries,
        "ranking": ranking,
        "pairs": pairs,
        "sentence": pairs[0]["sentence"]
        if len(pairs) == 1
        else ranking_sentence(summaries, ranking, pairs, metric=kind.metrics[0]),
        "notes": [*notes_of(split, runs, groups), *notes],
    }
    plain_result: dict[str, Any] = plain(result)
    return plain_result


def _conclude(pairs: Sequence[dict[str, Any]], names: Sequence[str], metric: str) -> None:
    """Add p adjusted for several comparisons, the verdict and its sentence to each pair."""
    for pair, adjusted in zip(pairs, adjust_holm([pair["p_value"] for pair in pairs]), strict=True):
        pair["p_adjusted"] = adjusted
        pair["verdict"] = _verdict(pair, metric)
        pair["sentence"] = pair_sentence(pair, names[0], names[pair["after"]], comparisons=len(pairs), metric=metric)


def _verdict(pair: Mapping[str, Any], metric: str) -> str:
    """Return "better", "worse" or "unclear"; an interval that could not be drawn decides nothing."""
    change = pair[metric]
    if pair["p_adjusted"] >= SIGNIFICANT or not (change["low"] > 0 or change["high"] < 0):
        return "unclear"
    return "better" if change["value"] > 0 else "worse"


def _rank(summaries: Sequence[Mapping[str, Any]], metric: str) -> list[int]:
    """Positions of the runs, best first; a run without a number comes last."""
    worth = np.nan_to_num([summary[metric] for summary in summaries], nan=-1.0)
    return [int(position) for position in np.argsort(-worth, kind="stable")]


def _summary(run: RunAnswers, predictions: Any, drawn: Drawn, *, seed: int) -> dict[str, Any]:
    kind = DENSE_TASKS[predictions.task]
    intervals = kind.intervals(predictions, seed)
    values = {name: float(drawn.whole.scores[name][0]) for name in kind.metrics}
    return {**facts_of(run), **values, **{f"{name}_interval": intervals[name] for name in kind.metrics}}


def _pair(answers: Sequence[Any], drawn: Sequence[Drawn], *, after: int) -> dict[str, Any]:
    """Everything about run number `after` against the first."""
    kind, first, second = DENSE_TASKS[answers[0].task], answers[0], answers[after]
    metric = kind.metrics[0]
    before, now = kind.score_pictures(first), kind.score_pictures(second)
    gain = np.nan_to_num(now - before)
    lost, gained = int((gain < 0).sum()), int((gain > 0).sum())
    return {
        "before": 0,
        "after": after,
        **{name: asdict(change_between(drawn[0], drawn[after], name)) for name in kind.metrics},
        "p_value": chance_of(drawn[after].sets.scores[metric] - drawn[0].sets.scores[metric]),
        "outcomes": {"gained": gained, "lost": lost, "equal": len(gain) - gained - lost},
        "other_answers": int((~have_equal_answers(first, second)).sum()),
        "per_class": _class_changes(first, drawn[0], drawn[after]),
        "groups": _group_changes(first, second, metric),
        "lost": _listed(first.paths, before, now, np.argsort(gain, kind="stable")[:lost]),
        "gained": _listed(first.paths, before, now, np.argsort(-gain, kind="stable")[:gained]),
    }


def _class_changes(predictions: Any, first: Drawn, second: Drawn) -> list[dict[str, Any]]:
    """IoU or AP of each class that the truth holds, before and after; "differs" after Holm over the classes."""
    pictures = DENSE_TASKS[predictions.task].holding(predictions).sum(axis=0)
    parts = []
    for label in np.flatnonzero(pictures):
        before, after = (float(one.whole.classes[0, label]) for one in (first, second))
        changes = second.sets.classes[:, label] - first.sets.classes[:, label]
        change = asdict(difference_of(after - before, changes))
        about = {"class": predictions.classes[label], "n": int(pictures[label]), "before": before, "after": after}
        parts.append({**about, **change, "p_value": chance_of(changes)})
    for part, adjusted in zip(parts, adjust_holm([part["p_value"] for part in parts]), strict=True):
        part["differs"] = adjusted < SIGNIFICANT
    return parts


def _group_changes(first: Any, second: Any, metric: str) -> list[dict[str, Any]] | None:
    """The metric of each named group before and after, largest loss first; None without groups."""
    if first.groups is None:
        return None
    parts = []
    for name in sorted({str(group) for group in first.groups if group is not None}):
        members = np.array([str(group) == name for group in first.groups])
        before, after = (one.headline(members.astype(np.float64))[metric] for one in (first, second))
        if not np.isnan(after - before):
            about = {"group": name, "n": int(members.sum()), "before": before, "after": after}
            parts.append({**about, "value": after - before})
    return sorted(parts, key=lambda part: part["value"])


def _listed(paths: Sequence[str], before: np.ndarray, after: np.ndarray, rows: np.ndarray) -> list[dict[str, Any]]:
    """The pictures that changed most: path, and their own score with either run."""
    return [{"path": paths[row], "before": before[row], "after": after[row]} for row in rows[:MAX_LISTED]]
