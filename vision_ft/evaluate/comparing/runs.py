"""Compare finished runs on the same images: paired differences, a test, what changed where, and what it cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from vision_ft.evaluate.comparing.aligned import SideBySide, put_side_by_side
from vision_ft.evaluate.comparing.by_label import pairs_by_answer
from vision_ft.evaluate.comparing.by_score import SIGNIFICANT, pairs_by_score
from vision_ft.evaluate.comparing.facts import FORMAT_VERSION, facts_of, notes_of
from vision_ft.evaluate.comparing.facts import cost_of as cost_of
from vision_ft.evaluate.comparing.paired import adjust_holm
from vision_ft.evaluate.comparing.read import RunPredictions, read_runs
from vision_ft.evaluate.comparing.words import pair_sentence, ranking_sentence
from vision_ft.evaluate.intervals import plain
from vision_ft.evaluate.resampling import group_units
from vision_ft.evaluate.scoring import MetricInfo


def compare_runs(folders: Sequence[str | Path], *, seed: int = 0) -> dict[str, Any]:
    """Compare runs of one task, each against the first, on the test images that all of them predicted.

    A run is called better or worse where the p value, adjusted for the number of comparisons (Holm), is below 0.05 and
    the paired bootstrap interval of the task's first metric lies on one side of zero. Where an image is right or wrong,
    p is that of the exact McNemar test, else the two-sided one of the paired bootstrap.

    Args:
        folders: two or more run folders.
        seed: of the bootstrap.

    Returns:
        Numbers ready for JSON, fractions of 1; "runs" in the order given, "ranking" their positions by the first of
        "metrics", "pairs" one entry for each run after the first, "sentence" the verdict. Where images have scores of
        their own, "of_class" and "of_picture" say in words what is measured.

    Raises:
        DataError: fewer than two runs, one without predictions, or runs of other tasks or tested on other images,
            truth or classes.
    """
    split, runs = read_runs(folders)
    side = put_side_by_side(runs)
    pairs = _pairs(side, [run.name for run in runs], seed=seed)
    first, metric = side.predictions[0], side.scoring.metrics[0]
    summaries = [_summary(*parts, side, seed=seed) for parts in zip(runs, side.predictions, strict=True)]
    ranking = _rank(summaries, metric)
    result = {
        "format_version": FORMAT_VERSION,
        "task": first.task,
        "metrics": side.scoring.names[:2],
        **_words(side),
        "split": split,
        "n": len(first),
        "unlabelled": side.unlabelled,
        "classes": first.classes,
        "by_group": group_units(first.groups, len(first)) is not None,
        "runs": summaries,
        "ranking": ranking,
        "pairs": pairs,
        "sentence": pairs[0]["sentence"]
        if len(pairs) == 1
        else ranking_sentence(summaries, ranking, pairs, metric=metric),
        "notes": [*notes_of(split, runs, first.groups), *side.notes],
    }
    plain_result: dict[str, Any] = plain(result)
    return plain_result


def _words(side: SideBySide) -> dict[str, str]:
    compared = side.scoring.compared
    return {} if compared.right is not None else {"of_class": compared.of_class, "of_picture": compared.of_image}


def _pairs(side: SideBySide, names: Sequence[str], *, seed: int) -> list[dict[str, Any]]:
    """Everything about each run against the first: differences, p adjusted for several, the verdict, its sentence."""
    make = pairs_by_score if side.scoring.compared.right is None else pairs_by_answer
    metric = side.scoring.metrics[0]
    found = make(side.scoring, side.predictions, seed=seed)
    pairs = [{"before": 0, "after": after, **pair} for after, pair in enumerate(found, 1)]
    for pair, adjusted in zip(pairs, adjust_holm([pair["p_value"] for pair in pairs]), strict=True):
        pair["p_adjusted"] = adjusted
        pair["verdict"] = _verdict(pair, metric)
        pair["sentence"] = pair_sentence(pair, names[0], names[pair["after"]], comparisons=len(pairs), metric=metric)
    return pairs


def _verdict(pair: Mapping[str, Any], metric: MetricInfo) -> str:
    """Return "better", "worse" or "unclear"; an interval that could not be drawn decides nothing."""
    change = pair[metric.name]
    if pair["p_adjusted"] >= SIGNIFICANT or not (change["low"] > 0 or change["high"] < 0):
        return "unclear"
    return "better" if (change["value"] > 0) == metric.higher_is_better else "worse"


def _rank(summaries: Sequence[Mapping[str, Any]], metric: MetricInfo) -> list[int]:
    """Positions of the runs, best first; a run without a number comes last."""
    values = np.array([summary[metric.name] for summary in summaries], np.float64)
    worth = values if metric.higher_is_better else -values
    return [int(position) for position in np.argsort(-np.nan_to_num(worth, nan=-np.inf), kind="stable")]


def _summary(run: RunPredictions, predictions: Any, side: SideBySide, *, seed: int) -> dict[str, Any]:
    names = side.scoring.names[:2]
    values, ends = side.scoring.headline(predictions), side.scoring.intervals(predictions, seed=seed)
    numbers = {name: values[name] for name in names} | {f"{name}_interval": ends[name] for name in names}
    return {**facts_of(run), **numbers}
