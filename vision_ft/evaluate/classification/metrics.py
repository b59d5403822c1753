"""Classification metrics as a registry, cheap functions, and one JSON-able summary with intervals."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from vision_ft.errors import DataError
from vision_ft.evaluate import calibration
from vision_ft.evaluate.classification.confusion import confused_pairs
from vision_ft.evaluate.classification.own_metrics import own_numbers
from vision_ft.evaluate.intervals import ClassCounts, class_intervals, count_classes, f1_interval, plain, wilson
from vision_ft.evaluate.resampling import Interval, drawn_over
from vision_ft.evaluate.slices import group_table
from vision_ft.evaluate.summaries import ClassSummary
from vision_ft.plugins.registry import Registry

MAX_TOP_K = 5

NO_SAMPLE_RULE = (
    "Averages over classes (macro-F1, balanced accuracy) take only classes with at least one image in the split; "
    "a class without one has no recall and no F1 (null), and is never counted as 0."
)


@dataclass(frozen=True)
class MetricInputs:
    """What every metric reads.

    Attributes:
        targets: (N,) class indices, all >= 0.
        predicted: (N,) class indices.
        num_classes: K.
        scores: (N, K) probabilities, or None when the model gave none.
    """

    targets: np.ndarray
    predicted: np.ndarray
    num_classes: int
    scores: np.ndarray | None = None


@dataclass(frozen=True)
class Metric:
    """A metric as the registry holds it.

    Attributes:
        compute: gives the number, NaN where it is not defined.
        higher_is_better: False for losses and errors.
        needs_scores: whether it reads probabilities.
        meaning: a sentence for people.
        is_share: whether it lies in [0, 1] and is shown in percent.
    """

    compute: Callable[[MetricInputs], float]
    higher_is_better: bool
    needs_scores: bool
    meaning: str
    is_share: bool = True


def accuracy(targets: np.ndarray, predicted: np.ndarray) -> float:
    """Share of the images that are right; NaN without an image."""
    return float(np.mean(targets == predicted)) if len(targets) else float("nan")


def balanced_accuracy(targets: np.ndarray, predicted: np.ndarray, num_classes: int) -> float:
    """Mean recall over the classes that have an image; NaN without one."""
    return _mean_present(count_classes(targets, predicted, num_classes), _recall)


def macro_f1(targets: np.ndarray, predicted: np.ndarray, num_classes: int) -> float:
    """Mean F1 over the classes that have an image; NaN without one."""
    return _mean_present(count_classes(targets, predicted, num_classes), _f1)


def top_k_accuracy(targets: np.ndarray, scores: np.ndarray, k: int) -> float:
    """Share of the images whose class is among the `k` most probable; ties go to the lower class index."""
    if len(targets) == 0:
        return float("nan")
    return float(np.mean(_rank_of_target(targets, scores) < k))


def top_k_for(num_classes: int) -> int | None:
    """The k that is reported: 5, less for few classes; None for two classes, where it says nothing."""
    return min(MAX_TOP_K, num_classes - 1) if num_classes > 2 else None


def _rank_of_target(targets: np.ndarray, scores: np.ndarray) -> np.ndarray:
    ranks = np.empty(len(targets), np.int64)
    classes = np.arange(scores.shape[1])
    for start in range(0, len(targets), calibration.CHUNK):
        part, labels = scores[start : start + calibration.CHUNK], targets[start : start + calibration.CHUNK]
        own = part[np.arange(len(part)), labels][:, None]
        ahead = (part > own) | ((part == own) & (classes < labels[:, None]))
        ranks[start : start + calibration.CHUNK] = ahead.sum(axis=1)
    return ranks


def _recall(counts: ClassCounts) -> np.ndarray:
    return _ratio(counts.hits, counts.support)


def _f1(counts: ClassCounts) -> np.ndarray:
    f1 = _ratio(2 * counts.hits, counts.support + counts.predicted)
    return np.where(counts.support > 0, f1, np.nan)


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    found: np.ndarray = np.divide(part, whole, out=np.full(len(whole), np.nan), where=whole > 0)
    return found


def _mean_present(counts: ClassCounts, values: Callable[[ClassCounts], np.ndarray]) -> float:
    present = counts.support > 0
    return float(values(counts)[present].mean()) if present.any() else float("nan")


def _log_loss(inputs: MetricInputs) -> float:
    return float("nan") if inputs.scores is None else calibration.log_loss(inputs.targets, inputs.scores)


def _top_k(inputs: MetricInputs) -> float:
    k = top_k_for(inputs.num_classes)
    return float("nan") if inputs.scores is None or k is None else top_k_accuracy(inputs.targets, inputs.scores, k)


def _ece(inputs: MetricInputs) -> float:
    if inputs.scores is None:
        return float("nan")
    confidence = calibration.score_of(inputs.scores, inputs.predicted)
    return calibration.calibration_error(confidence, inputs.targets == inputs.predicted)


BUILT_IN: dict[str, Metric] = {
    "accuracy": Metric(lambda a: accuracy(a.targets, a.predicted), True, False, "share of the images that are right"),
    "balanced_accuracy": Metric(
        lambda a: balanced_accuracy(a.targets, a.predicted, a.num_classes), True, False, "mean recall of the classes"
    ),
    "macro_f1": Metric(
        lambda a: macro_f1(a.targets, a.predicted, a.num_classes),
        True,
        False,
        "mean F1 of the classes, so that rare ones count as much as common ones",
    ),
    "top_k_accuracy": Metric(_top_k, True, True, "share whose class is among the k most probable"),
    "log_loss": Metric(_log_loss, False, True, "mean negative log likelihood of the true class"),
    "ece": Metric(_ece, False, True, "mean gap between confidence and accuracy"),
}
METRICS: Registry[Metric] = Registry("metric", built_in=BUILT_IN)  # add one with `register_metric`


def summarise(
    targets: np.ndarray,
    scores: np.ndarray | None,
    predicted: np.ndarray,
    *,
    classes: Sequence[str],
    groups: Sequence[str | None] | np.ndarray | None = None,
    temperature: float = 1.0,
    seed: int = 0,
) -> ClassSummary:
    """All numbers of one split, ready for JSON (NaN is None); every interval is a 95% interval.

    Those of accuracy, macro-F1 and balanced accuracy are over whole groups where there are eight ("interval_over").

    Args:
        targets: (N,) class indices; images without a label (-1) are counted and left out.
        scores: (N, K) probabilities before calibration, or None.
        predicted: (N,) class indices.
        classes: K names.
        groups: (N,) name of the camera, site, ... of each image, or None.
        temperature: fitted on val; "calibrated" numbers use it.
        seed: of the bootstrap.

    Raises:
        DataError: the arrays disagree in length, or hold a class or a score that cannot be.
    """
    targets, predicted, scores = _checked(targets, predicted, scores, len(classes))
    labelled = np.flatnonzero(targets >= 0)
    inputs = MetricInputs(
        targets[labelled], predicted[labelled], len(classes), None if scores is None else scores[labelled]
    )
    counts = count_classes(inputs.targets, inputs.predicted, len(classes))
    names = None if groups is None else np.asarray(groups, dtype=object)[labelled]
    ends, over = _intervals(inputs, names, seed=seed), drawn_over(names, len(labelled))
    numbers = {name: metric.compute(inputs) for name, metric in BUILT_IN.items()}
    result = {
        "n": len(labelled),
        "unlabelled": len(targets) - len(labelled),
        "num_classes": len(classes),
        "classes_without_pictures": [name for name, held in zip(classes, counts.support, strict=True) if held == 0],
        **numbers,
        **own_numbers(METRICS, inputs, groups=names, seed=seed),
        **{f"{name}_interval": ends for name, ends in ends.items()},
        "interval_over": over,
        "majority_accuracy": float(counts.support.max() / len(labelled)) if len(labelled) else None,
        **_score_numbers(inputs, numbers, temperature=temperature, seed=seed),
        "per_class": _per_class(counts, classes),
        "confusion": counts.cells,
        "confused_pairs": confused_pairs(counts, classes),
        "groups": None,
        "notes": [NO_SAMPLE_RULE] if len(labelled) and (counts.support == 0).any() else [],
    }
    if names is not None:
        result["groups"] = group_table(inputs.targets, inputs.predicted, names, num_classes=len(classes))
        result["accuracy_interval_by_group"] = ends["accuracy"] if over == "groups" else None
    plain_result: ClassSummary = plain(result)
    return plain_result


def _intervals(inputs: MetricInputs, groups: np.ndarray | None, *, seed: int) -> dict[str, Interval]:
    return class_intervals(inputs.targets, inputs.predicted, inputs.num_classes, groups=groups, seed=seed)


def _score_numbers(
    inputs: MetricInputs, numbers: Mapping[str, float], *, temperature: float, seed: int
) -> dict[str, Any]:
    k = top_k_for(inputs.num_classes)
    result: dict[str, Any] = {"top_k": k, "temperature": temperature}
    if inputs.scores is None:
        return result
    correct = inputs.targets == inputs.predicted
    calibrated = calibration.score_of(inputs.scores, inputs.predicted, temperature=temperature)
    if k is not None and len(correct):
        hits = round(numbers["top_k_accuracy"] * len(correct))
        result["top_k_accuracy_interval"] = _pair(wilson(hits, len(correct)))
    return result | {
        "log_loss_calibrated": calibration.log_loss(inputs.targets, inputs.scores, temperature=temperature),
        "ece_calibrated": calibration.calibration_error(calibrated, correct),
        "ece_by_chance": calibration.calibration_noise(calibrated, seed=seed),
        "mean_confidence": float(calibrated.mean()) if len(calibrated) else None,
    }


def _per_class(counts: ClassCounts, classes: Sequence[str]) -> list[dict[str, Any]]:
    wrong = counts.support + counts.predicted - 2 * counts.hits
    recall_low, recall_high = wilson(counts.hits, counts.support)
    precision_low, precision_high = wilson(counts.hits, counts.predicted)
    f1_low, f1_high = f1_interval(counts.hits, np.where(counts.support > 0, wrong, 0))
    precision, recall, f1 = _ratio(counts.hits, counts.predicted), _recall(counts), _f1(counts)
    return [
        {
            "class": name,
            "support": counts.support[k],
            "predicted": counts.predicted[k],
            "correct": counts.hits[k],
            "precision": precision[k],
            "precision_interval": (precision_low[k], precision_high[k]),
            "recall": recall[k],
            "recall_interval": (recall_low[k], recall_high[k]),
            "f1": f1[k],
            "f1_interval": (f1_low[k], f1_high[k]),
        }
        for k, name in enumerate(classes)
    ]


def _pair(ends: tuple[Any, Any]) -> tuple[float, float]:
    return float(ends[0]), float(ends[1])


def _checked(
    targets: np.ndarray, predicted: np.ndarray, scores: np.ndarray | None, num_classes: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    targets, predicted = np.asarray(targets, np.int64), np.asarray(predicted, np.int64)
    if len(targets) != len(predicted):
        raise DataError(f"lengths differ: {len(targets)} targets, {len(predicted)} predictions")
    for what, values, least in (("target", targets, -1), ("prediction", predicted, 0)):
        outside = np.flatnonzero((values < least) | (values >= num_classes))
        if outside.size:
            raise DataError(
                f"predictions row {outside[0]}: {what} {values[outside[0]]} is not one of the {num_classes} classes "
                f"({least}..{num_classes - 1})"
            )
    if scores is None:
        return targets, predicted, None
    scores = np.asarray(scores)
    if scores.shape != (len(targets), num_classes):
        raise DataError(f"predictions: scores have shape {scores.shape}, expected {(len(targets), num_classes)}")
    broken = np.flatnonzero(~np.isfinite(scores).all(axis=1) | (scores < 0).any(axis=1))
    if broken.size:
        raise DataError(f"predictions row {broken[0]}: scores must be probabilities, but one is negative or not finite")
    return targets, predicted, scores
