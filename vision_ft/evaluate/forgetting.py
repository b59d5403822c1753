"""Compare a model before and after it was adapted on one camera's pictures: scores, change, what was forgotten."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from vision_ft.errors import DataError
from vision_ft.evaluate import calibration
from vision_ft.evaluate.classification.metrics import Answers, accuracy, macro_f1
from vision_ft.evaluate.comparing.paired import Difference, mcnemar, paired_bootstrap, paired_macro_f1
from vision_ft.evaluate.intervals import class_intervals, count_classes, plain
from vision_ft.evaluate.resampling import Groups

METRICS = ("accuracy", "macro_f1")


def summarise_camera(answers: Answers, *, groups: Groups = None, seed: int = 0) -> dict[str, Any] | None:
    """Scores of one model on the labelled pictures of one camera, ready for JSON; None without any.

    Keys: "n", "accuracy", "accuracy_interval" (whole groups drawn anew where they are eight or more, else
    Wilson's), "macro_f1", "macro_f1_interval", "loss" (mean log loss in nats, None without
    scores).

    Args:
        answers: targets may hold -1 for pictures without a label; scores may lack the last classes, those that were
            added after the model was trained.
        groups: (N,) camera, day, sequence, ... of each picture, None where it has none.
        seed: of the bootstrap.
    """
    answers, groups = _labelled(answers, groups)
    if not len(answers.targets):
        return None
    ends = class_intervals(answers.targets, answers.predicted, answers.num_classes, groups=groups, seed=seed)
    loss = None if answers.scores is None else calibration.log_loss(answers.targets, answers.scores)
    entry: dict[str, Any] = plain(
        {
            "n": len(answers.targets),
            "accuracy": accuracy(answers.targets, answers.predicted),
            "accuracy_interval": ends["accuracy"],
            "macro_f1": macro_f1(answers.targets, answers.predicted, answers.num_classes),
            "macro_f1_interval": ends["macro_f1"],
            "loss": loss,
        }
    )
    return entry


def summarise_pair(
    before: Answers, after: Answers, *, classes: Sequence[str], groups: Groups = None, seed: int = 0
) -> dict[str, Any] | None:
    """Compare two models on the same pictures of one camera, ready for JSON; None without labelled pictures.

    Keys: "before" and "after" as of `summarise_camera`; "change" with {"value", "low", "high"} for each of METRICS
    (after minus before, paired bootstrap); "forgotten" and "learned" (pictures that only the first or only the second
    has right) with "p_value" (exact McNemar); "per_class" with the recall before and after, most forgotten first.

    Args:
        before: answers of the source model; it may know fewer classes, those at the end are then unknown to it.
        after: answers of the adapted model.
        classes: names of all classes.
        groups: (N,) as in `summarise_camera`.
        seed: of the bootstrap.

    Raises:
        DataError: the two do not answer for the same pictures.
    """
    _refuse_different_pictures(before, after)
    before, _ = _labelled(_widened(before, len(classes)), None)
    after, groups = _labelled(_widened(after, len(classes)), groups)
    first = summarise_camera(before, groups=groups, seed=seed)
    if first is None:
        return None
    test = mcnemar(before.targets == before.predicted, after.targets == after.predicted)
    changes = {metric: change_of(before, after, metric=metric, groups=groups, seed=seed) for metric in METRICS}
    entry: dict[str, Any] = plain(
        {
            "before": first,
            "after": summarise_camera(after, groups=groups, seed=seed),
            "change": {metric: vars(change) for metric, change in changes.items()},
            "forgotten": test["b"],
            "learned": test["c"],
            "p_value": test["p_value"],
            "per_class": _per_class(before, after, classes),
        }
    )
    return entry


def change_of(before: Answers, after: Answers, *, metric: str, groups: Groups = None, seed: int = 0) -> Difference:
    """Return after minus before in "accuracy" or "macro_f1" over labelled pictures, with its 95% interval.

    Pictures without a label are left out; NaN where none has one.

    Raises:
        DataError: the two do not answer for the same pictures, or the metric has no paired interval.
    """
    if metric not in METRICS:
        raise DataError(f"change between two models: metric {metric!r} is unknown; use one of {', '.join(METRICS)}")
    _refuse_different_pictures(before, after)
    before, _ = _labelled(before, None)
    after, groups = _labelled(after, groups)
    if metric == "macro_f1":
        return paired_macro_f1(
            after.targets,
            before.predicted,
            after.predicted,
            num_classes=max(before.num_classes, after.num_classes),
            groups=groups,
            seed=seed,
        )
    right = [(answers.targets == answers.predicted).astype(np.float64) for answers in (before, after)]
    return paired_bootstrap(right[0], right[1], groups=groups, seed=seed)


def _refuse_different_pictures(before: Answers, after: Answers) -> None:
    if len(before.targets) != len(after.targets):
        raise DataError(
            f"before and after: {len(before.targets)} and {len(after.targets)} pictures; both models must answer for "
            "the same ones, in the same order"
        )
    differing = np.flatnonzero(np.asarray(before.targets) != np.asarray(after.targets))
    if len(differing):
        raise DataError(
            f"before and after: the labels of {len(differing)} of {len(before.targets)} pictures differ (the first at "
            f"row {differing[0]}); both models must answer for the same pictures, in the same order"
        )


def _labelled(answers: Answers, groups: Groups) -> tuple[Answers, np.ndarray | None]:
    """Keep the pictures with a label, and give scores a column of zeros for each class that they lack."""
    answers = _widened(answers, answers.num_classes)
    rows = np.flatnonzero(np.asarray(answers.targets) >= 0)
    scores = None if answers.scores is None else answers.scores[rows]
    kept = Answers(answers.targets[rows], answers.predicted[rows], answers.num_classes, scores)
    return kept, None if groups is None else np.asarray(groups, dtype=object)[rows]


def _widened(answers: Answers, num_classes: int) -> Answers:
    scores = answers.scores
    if scores is not None and scores.shape[1] < num_classes:
        scores = np.pad(scores, ((0, 0), (0, num_classes - scores.shape[1])))
    return Answers(np.asarray(answers.targets), np.asarray(answers.predicted), num_classes, scores)


def _per_class(before: Answers, after: Answers, classes: Sequence[str]) -> list[dict[str, Any]]:
    first = count_classes(before.targets, before.predicted, len(classes))
    second = count_classes(after.targets, after.predicted, len(classes))
    rows = [
        {
            "class": classes[int(label)],
            "n": first.support[label],
            "before": first.hits[label] / first.support[label],
            "after": second.hits[label] / second.support[label],
        }
        for label in np.flatnonzero(first.support)
    ]
    return sorted(rows, key=lambda row: float(row["after"] - row["before"]))
