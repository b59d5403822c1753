"""The label-budget curve: accuracy on the new camera for so many labels, so that one knows how many to buy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from vision_ft.adaptation.linear_head import Fit, LabelledFeatures, domain_weights, fit_head
from vision_ft.evaluate.intervals import plain
from vision_ft.evaluate.scoring.base import MetricInfo

Score = Callable[[np.ndarray, np.ndarray], float]  # predictions and labels of the same images
BUDGETS = (10, 25, 50, 100, 250, 500, 1000)
DRAWS = 5
SMALL_GAIN = 0.01  # a point: what more labels have to gain to be worth naming
ACCURACY = MetricInfo("accuracy", "accuracy")
MAX_OLD = 500  # old images beside the labels; more slow each fit down and, weighted by camera, change little


def accuracy(predicted: np.ndarray, labels: np.ndarray) -> float:
    """Share of the predictions (N,) that are right."""
    return float(np.mean(predicted == labels))


def label_budget_curve(  # noqa: PLR0913 - what is fitted, on what, how it is scored
    new: LabelledFeatures,
    test: LabelledFeatures,
    *,
    old: LabelledFeatures | None = None,
    fit: Fit = fit_head,
    score: Score = accuracy,
    metric: MetricInfo = ACCURACY,
    budgets: Sequence[int] = BUDGETS,
    draws: int = DRAWS,
    source: float | None = None,
    seed: int = 0,
) -> dict[str, Any] | None:
    """The metric on the new camera's test images after fitting a head on so many of its labels, ready for JSON.

    Images are drawn at random, each round taking one of every group: this is what a person does who labels a few
    images of each day or sequence, and needs no label beforehand. Within a draw a larger budget holds the smaller
    ones. Nothing is chosen on these numbers, so test images can be used. The head sits on frozen features beside old
    images (at most MAX_OLD, at random): fine-tuning may get further, the shape of the curve is what counts.

    Args:
        new: labelled images of the new camera that may be trained on.
        test: labelled images of the new camera that may not.
        old: labelled images of the old camera, or None.
        fit: trains on images with weights and returns a predictor.
        score: predictions and labels of the test images -> the metric.
        metric: its name and how it is shown.
        budgets: numbers of labels; the size of `new` is always added as the last one.
        draws: random draws a budget; the last has one, since it takes all.
        source: what the source model scores on `test`, or None.
        seed: of the draws.

    Returns:
        {"metric", "points": [{"labels", "mean", "low", "high", "draws"}], "source", "test_pictures", "sentence"}, where
        low and high are the worst and best draw; None without images to train on or to test on.
    """
    if not (len(new) and len(test)):
        return None
    kept = None if old is None or not len(old) else _sample(old, MAX_OLD, np.random.default_rng([seed, 0]))
    sizes = [*sorted({size for size in budgets if 0 < size < len(new)}), len(new)]
    scores: dict[int, list[float]] = {size: [] for size in sizes}
    for draw in range(draws):
        order = draw_order(new, np.random.default_rng([seed, 1, draw]))
        for size in sizes:
            if size == len(new) and draw:
                continue  # all images are the same images in each draw
            predicted = _predict(new.take(order[:size]), test, old=kept, fit=fit)
            scores[size].append(score(predicted, test.labels))
    points = [_point(size, values) for size, values in scores.items()]
    curve: dict[str, Any] = plain(
        {
            "metric": metric.name,
            "points": points,
            "source": source,
            "test_pictures": len(test),
            "sentence": say_curve(points, source=source, metric=metric),
        }
    )
    return curve


def draw_order(pictures: LabelledFeatures, rng: np.random.Generator) -> np.ndarray:
    """Order (N,) in which images are labelled: random rounds that take one image of each group.

    An image without a group is a group of its own; without any groups this is a random order.
    """
    order = rng.permutation(len(pictures))
    if pictures.groups is None:
        return order
    names = [f"group {name}" if name is not None else f"row {row}" for row, name in enumerate(pictures.groups)]
    _, group = np.unique(names, return_inverse=True)
    seen = np.zeros(group.max(initial=0) + 1, np.int64)
    visit = np.empty(len(order), np.int64)
    for position, row in enumerate(order):
        visit[position] = seen[group[row]]
        seen[group[row]] += 1
    return order[np.argsort(visit, kind="stable")]


def say_curve(points: Sequence[dict[str, Any]], *, source: float | None, metric: MetricInfo = ACCURACY) -> str:
    """Say from how many labels on more of them gain less than a point, and what the source model scores.

    Args:
        points: with "labels" and "mean", by rising number of labels.
        source: what the source model scores, or None.
        metric: how the values are shown.
    """
    start = "" if source is None else _against_source(points, source, metric)
    if len(points) == 1:
        only = points[0]
        return f"{start}All {only['labels']} labels give {metric.show(only['mean'])}; a curve needs more labels."
    flat = _flat_from(points)
    small = "less than a point" if metric.scale == "share" else f"less than {SMALL_GAIN:g}"
    if flat is not None:
        gain = f"From {flat['labels']} labels on ({metric.show(flat['mean'])}), more labels gain {small}"
        return f"{start}{gain}, up to the {points[-1]['labels']} there are."
    before, last = points[-2:]
    return (
        f"{start}The curve still rises at its end: from {before['labels']} to {last['labels']} labels it goes from "
        f"{metric.show(before['mean'])} to {metric.show(last['mean'])}, so more labels are likely to help."
    )


def _against_source(points: Sequence[dict[str, Any]], source: float, metric: MetricInfo) -> str:
    better = next((point for point in points if point["mean"] > source), None)
    shown = metric.show(source)
    if metric.name == ACCURACY.name:
        start = f"The source model is right on {shown} of the new camera's test images; "
    else:
        start = f"The source model reaches {metric.title} {shown} on the new camera's test images; "
    if better is None:
        return f"{start}a head fitted on up to {points[-1]['labels']} labels does not beat it. "
    word = "on" if metric.name == ACCURACY.name else "reaches"
    return f"{start}a head fitted on {better['labels']} labels {word} {metric.show(better['mean'])}. "


def _flat_from(points: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    """Return the first point, not the last, that no later one beats by a point; None where the end still rises."""
    best_later = [max(later["mean"] for later in points[index + 1 :]) for index in range(len(points) - 1)]
    pairs = zip(points, best_later, strict=False)
    return next((point for point, best in pairs if best - point["mean"] < SMALL_GAIN), None)


def _point(size: int, scores: Sequence[float]) -> dict[str, Any]:
    return {
        "labels": size,
        "mean": float(np.mean(scores)),
        "low": min(scores),
        "high": max(scores),
        "draws": len(scores),
    }


def _sample(pictures: LabelledFeatures, most: int, rng: np.random.Generator) -> LabelledFeatures:
    if len(pictures) <= most:
        return pictures
    return pictures.take(np.sort(rng.choice(len(pictures), most, replace=False)))


def _predict(
    labelled: LabelledFeatures, test: LabelledFeatures, *, old: LabelledFeatures | None, fit: Fit
) -> np.ndarray:
    train = labelled
    if old is not None:
        both = (np.concatenate(pair) for pair in ((old.features, labelled.features), (old.labels, labelled.labels)))
        train = LabelledFeatures(*both)
    weights = domain_weights(np.arange(len(train)) >= len(train) - len(labelled))
    return fit(train, weights)(test.features)
