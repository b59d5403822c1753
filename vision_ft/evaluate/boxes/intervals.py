"""The parts of a detection summary: intervals by bootstrap, and rows by class, by group and by picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from vision_ft.evaluate.boxes.curves import (
    RECALLS,
    Hits,
    average_precision,
    hits_at,
    mean_defined,
    precision_at_recall,
)
from vision_ft.evaluate.boxes.errors import ERROR_KINDS, FALSE_ALARMS, Explained, error_counts
from vision_ft.evaluate.boxes.predictions import BoxPredictions
from vision_ft.evaluate.intervals import wilson
from vision_ft.evaluate.resampling import MIN_IMAGES, Interval, Over, draw_weights, drawn_over

ALIKE = 1e-9  # draws that differ by less are the same but for rounding
FINITE = 1e-4  # keeps the log odds of 0 and 1 finite
SIZES = ("small", "medium", "large")


@dataclass(frozen=True)
class Intervals:
    """95% intervals, NaN where too little is known.

    Attributes:
        map: of the mean average precision.
        map50: of that at IoU 0.5.
        ap: of each of the K classes.
        ap50: of each of the K classes at IoU 0.5.
        over: what was drawn anew, "pictures" or "groups".
    """

    map: Interval
    map50: Interval
    ap: list[Interval]
    ap50: list[Interval]
    over: Over


def bootstrap_intervals(predictions: BoxPredictions, *, draws: int, seed: int) -> Intervals:
    """Bootstrap intervals over pictures, over groups where there are at least eight of them.

    Average precision of few pictures is too high, because the best precision beyond each recall is taken, and that of
    their draws more so. Hence the percentiles are turned about the value, on the scale of log odds (the basic bootstrap
    of Davison & Hinkley 1997, sec. 5.2): on drawn sets of 20 to 200 pictures this covered the truth in 87% to 95% of
    the cases, the plain percentiles in 79% to 93%.

    A class that a draw leaves without a true box is left out of it. Where all draws agree, as without a mistake, the
    interval is Wilson's for as many trials as there are pictures with such a box. Under five of those: NaN.
    """
    matches = predictions.matches()
    sets = draw_weights(len(predictions), groups=predictions.groups, replicates=draws, seed=seed)
    drawn = np.stack([average_precision(matches, weight) for part in sets for weight in part])  # (R, K, I)
    value = average_precision(matches, np.ones(len(predictions)))
    holding = np.stack([one.truths > 0 for one in matches])  # (K, N)

    def of_classes(at: slice) -> list[Interval]:
        return [
            _interval(float(value[label, at].mean()), drawn[:, label, at].mean(axis=1), int(holding[label].sum()))
            for label in range(len(matches))
        ]

    def of_average(at: slice) -> Interval:
        averages = np.array([mean_defined(one[:, at]) for one in drawn])
        return _interval(mean_defined(value[:, at]), averages, int(holding.any(axis=0).sum()))

    every, first = slice(None), slice(1)
    return Intervals(
        map=of_average(every),
        map50=of_average(first),
        ap=of_classes(every),
        ap50=of_classes(first),
        over=drawn_over(predictions.groups, len(predictions)),
    )


def _interval(value: float, drawn: np.ndarray, trials: int) -> Interval:
    from scipy.special import expit  # here: only boxes need it

    defined = drawn[~np.isnan(drawn)]
    if not defined.size or trials < MIN_IMAGES:
        return float("nan"), float("nan")
    if np.ptp(defined) < ALIKE:
        low, high = wilson(value * trials, trials)
    else:
        high, low = expit(2 * _log_odds(value) - _log_odds(np.percentile(defined, [2.5, 97.5])))
    return min(float(low), value), max(float(high), value)


def _log_odds(share: Any) -> Any:
    from scipy.special import logit  # here: only boxes need it

    return logit(np.clip(share, FINITE, 1 - FINITE))


def class_rows(predictions: BoxPredictions, intervals: Intervals) -> list[dict[str, Any]]:
    """A row for each class: average precision, and precision, recall and F1 at its threshold and IoU 0.5."""
    once = np.ones(len(predictions))
    precision = average_precision(predictions.matches(), once)
    by_size = {f"ap_{size}": average_precision(predictions.matches(size), once).mean(axis=1) for size in SIZES}
    rows = []
    for label, name in enumerate(predictions.classes):
        threshold = float(predictions.cutoffs[label])
        hits: Hits = hits_at(predictions.matches()[label], threshold)
        rows.append(
            {
                "class": name,
                "ap": precision[label].mean(),
                "ap_interval": intervals.ap[label],
                "ap50": precision[label, 0],
                "ap50_interval": intervals.ap50[label],
                "threshold": threshold,
                "precision": hits.precision,
                "recall": hits.recall,
                "f1": hits.f1,
                "true": hits.true,
                "predicted": hits.predicted,
                **{key: values[label] for key, values in by_size.items()},
            }
        )
    return rows


def curve_rows(predictions: BoxPredictions) -> list[dict[str, Any]]:
    """Interpolated precision at 101 recalls and IoU 0.5 of each class that has a true box."""
    once = np.ones(len(predictions))
    return [
        {"class": name, "recall": RECALLS, "precision": precision_at_recall(matches, once)[0]}
        for name, matches in zip(predictions.classes, predictions.matches(), strict=True)
        if matches.truths.any()
    ]


def group_rows(predictions: BoxPredictions) -> dict[str, dict[str, float]]:
    """Pictures, true boxes and headline of each named group."""
    named = [
        None if group is None else str(group) for group in ([] if predictions.groups is None else predictions.groups)
    ]
    truths = np.sum([matches.truths for matches in predictions.matches()], axis=0)
    table = {}
    for name in sorted({name for name in named if name is not None}):
        members = np.array([name == other for other in named])
        table[name] = {"n": int(members.sum()), "boxes": int(truths[members].sum()), **predictions.headline(members)}
    return table


def picture_f1(predictions: BoxPredictions, explained: Explained) -> np.ndarray:
    """F1 (N,) of each picture at the thresholds and IoU 0.5; NaN where there is no box, neither true nor found."""
    count = len(predictions)
    hits = np.bincount(predictions.found.pictures[explained.kinds == "hit"], minlength=count)
    shown = np.isin(explained.kinds, ("hit", *FALSE_ALARMS))
    boxes = np.bincount(predictions.found.pictures[shown], minlength=count)
    boxes += np.bincount(predictions.truth.pictures[~predictions.truth.ignored], minlength=count)
    found: np.ndarray = np.divide(2 * hits, boxes, out=np.full(count, np.nan), where=boxes > 0)
    return found


def picture_errors(predictions: BoxPredictions, explained: Explained) -> list[dict[str, int]]:
    """How often each kind of error happened, for each picture."""
    counts = error_counts(predictions, explained)
    return [{kind: int(counts[kind][picture]) for kind in ERROR_KINDS} for picture in range(len(predictions))]
