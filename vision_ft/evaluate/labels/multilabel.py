"""All numbers of one split of a multilabel run, ready for JSON, with 95% intervals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from vision_ft.evaluate.intervals import f1_interval, plain, wilson
from vision_ft.evaluate.labels.metrics import (
    AVERAGES,
    LabelCounts,
    average_precision,
    count_labels,
    log_loss,
    subset_accuracy,
)
from vision_ft.evaluate.labels.predictions import LabelPredictions
from vision_ft.evaluate.resampling import Interval, draw_weights, drawn_over, interval
from vision_ft.evaluate.summaries import LabelSetSummary

BOOTSTRAP_CELLS = 30_000_000  # label cells that a bootstrap may weigh, about two seconds; fewer draws beyond it
FEWEST_DRAWS = 50
DRAWS = 500
NO_SAMPLE_RULE = (
    "Averages over labels take only those that apply to at least one image of the split; another one has no recall, "
    "no F1 and no average precision (null), and is never counted as 0."
)


@dataclass(frozen=True)
class _Known:
    """The images of which a label is known: targets, scores and predictions (N, K), groups (N,)."""

    targets: np.ndarray
    scores: np.ndarray
    predicted: np.ndarray
    groups: np.ndarray | None


def _known(predictions: LabelPredictions) -> _Known:
    rows = np.flatnonzero(~np.isnan(predictions.targets).all(axis=1))
    return _Known(
        predictions.targets[rows],
        predictions.scores[rows].astype(np.float64),
        predictions.predicted[rows],
        None if predictions.groups is None else predictions.groups[rows],
    )


def num_draws(predictions: LabelPredictions, most: int = DRAWS) -> int:
    """Return how many sets are drawn: fewer for large sets."""
    return int(np.clip(BOOTSTRAP_CELLS // max(predictions.targets.size, 1), FEWEST_DRAWS, most))


def bootstrap_averages(predictions: LabelPredictions, *, seed: int = 0) -> dict[str, Interval]:
    """Return the interval of each of `AVERAGES`, over whole groups where there are eight, else over images."""
    return _bootstrap(_known(predictions), draws=num_draws(predictions), seed=seed)[0]


def _bootstrap(known: _Known, *, draws: int, seed: int) -> tuple[dict[str, Interval], np.ndarray]:
    """Intervals of the averages, and the average precision (R, K) of the drawn sets."""
    weights = np.concatenate([*draw_weights(len(known.targets), groups=known.groups, replicates=draws, seed=seed)])
    counts = count_labels(known.targets, known.predicted, weights=weights)
    precision = average_precision(known.targets, known.scores, weights=weights)
    once = count_labels(known.targets, known.predicted)
    flawless = not (once.ghosts + once.misses).any()
    ends = {
        name: _widened(
            interval(average(counts, precision)), len(known.targets), perfect=flawless and name != "hamming_loss"
        )
        for name, average in AVERAGES.items()
    }
    return ends, precision


def summarise_labels(predictions: LabelPredictions, *, seed: int = 0, draws: int = DRAWS) -> LabelSetSummary:
    """Return the numbers of a split (NaN is None); intervals come from a bootstrap over images or whole groups.

    Args:
        predictions: of one split; images of which no label is known are counted and left out.
        seed: of the bootstrap.
        draws: of the bootstrap, fewer for large sets.
    """
    known = _known(predictions)
    targets, predicted, number = known.targets, known.predicted, len(known.targets)
    counts, precision = count_labels(targets, predicted), average_precision(targets, known.scores)
    ends, drawn_precision = _bootstrap(known, draws=num_draws(predictions, draws), seed=seed)
    complete = int((~np.isnan(targets).any(axis=1)).sum())
    exact = subset_accuracy(targets, predicted)
    result: dict[str, Any] = {
        "n": number,
        "unlabelled": len(predictions) - number,
        "known": int((~np.isnan(targets)).sum()),
        "num_classes": len(predictions.classes),
        "classes_without_pictures": _names(predictions, counts.hits + counts.misses == 0),
        "log_loss": log_loss(targets, known.scores),
        "subset_accuracy": exact,
        "subset_accuracy_interval": _ends(wilson(round(exact * complete) if complete else 0, complete)),
        "complete": complete,
    }
    for name, average in AVERAGES.items():
        result |= {name: float(average(counts, precision)), f"{name}_interval": ends[name]}
    result["interval_over"] = drawn_over(known.groups, number)
    result["per_class"] = _per_class(predictions, counts, precision, drawn_precision)
    result["taken_for"] = taken_for(targets, predicted)
    result["by_group"] = _by_group(targets, predicted, known.groups)
    result["notes"] = [NO_SAMPLE_RULE] if result["classes_without_pictures"] and number else []
    plain_result: LabelSetSummary = plain(result)
    return plain_result


def taken_for(targets: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Return (K, K): in how many images label i was missed while label j was predicted without applying.

    The diagonal holds the images where label i was found. What stands beside the diagonal is as near as several
    labels come to "i taken for j"; an image with several such mistakes is counted in each pair.
    """
    missed = ((targets == 1) & ~predicted).astype(np.int64)
    ghosts = ((targets == 0) & predicted).astype(np.int64)
    pairs: np.ndarray = missed.T @ ghosts
    np.fill_diagonal(pairs, ((targets == 1) & predicted).sum(axis=0))
    return pairs


def _per_class(
    predictions: LabelPredictions, counts: LabelCounts, precision: np.ndarray, drawn: np.ndarray
) -> list[dict[str, Any]]:
    support, flagged = counts.hits + counts.misses, counts.hits + counts.ghosts
    known = support + counts.ghosts + counts.rests
    recall_ends, precision_ends = wilson(counts.hits, support), wilson(counts.hits, flagged)
    f1_ends = f1_interval(counts.hits, np.where(support > 0, counts.ghosts + counts.misses, 0))
    return [
        {
            "class": name,
            "support": support[k],
            "predicted": flagged[k],
            "correct": counts.hits[k],
            "known": known[k],
            "threshold": predictions.thresholds[k],
            "confusion": [[counts.rests[k], counts.ghosts[k]], [counts.misses[k], counts.hits[k]]],
            "precision": counts.precision[k],
            "precision_interval": (precision_ends[0][k], precision_ends[1][k]),
            "recall": counts.recall[k],
            "recall_interval": (recall_ends[0][k], recall_ends[1][k]),
            "f1": counts.f1[k],
            "f1_interval": (f1_ends[0][k], f1_ends[1][k]),
            "ap": precision[k],
            "ap_interval": interval(drawn[:, k]),
        }
        for k, name in enumerate(predictions.classes)
    ]


def _by_group(targets: np.ndarray, predicted: np.ndarray, groups: np.ndarray | None) -> dict[str, Any] | None:
    if groups is None:
        return None
    names = np.array(["no group" if group is None else str(group) for group in groups], dtype=object)
    found = {}
    for name in sorted(set(names)):
        rows = names == name
        counts = count_labels(targets[rows], predicted[rows])
        averages = {key: AVERAGES[key](counts, np.empty(0)) for key in ("macro_f1", "micro_f1", "hamming_loss")}
        found[name] = {"n": int(rows.sum()), **{key: float(value) for key, value in averages.items()}}
    return found


def _names(predictions: LabelPredictions, which: np.ndarray) -> list[str]:
    return [name for name, chosen in zip(predictions.classes, which, strict=True) if chosen]


def _ends(ends: tuple[Any, Any]) -> tuple[float, float]:
    return float(ends[0]), float(ends[1])


def _widened(ends: tuple[float, float], count: int, *, perfect: bool) -> tuple[float, float]:
    """Where no mistake was seen every draw is perfect too; the lower end is then that of N hits in N images."""
    return (float(wilson(count, count)[0]), 1.0) if perfect and count else ends
