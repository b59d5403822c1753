"""All numbers of one split of a regression run, ready for JSON, with 95% intervals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypedDict

import numpy as np

from vision_ft.evaluate.intervals import plain
from vision_ft.evaluate.regression.metrics import UNITLESS, VALUE_METRICS
from vision_ft.evaluate.regression.predictions import ValuePredictions
from vision_ft.evaluate.resampling import MIN_IMAGES, draw_weights, drawn_over
from vision_ft.evaluate.summaries import Summary

DRAWS = 1000
Ends = tuple[float, float]


class TargetSummary(TypedDict):
    """The numbers of one target; values and errors are in its units."""

    name: str
    n: int
    missing: int
    mean: float | None
    std: float | None
    low: float | None
    high: float | None
    bias: float | None
    bias_interval: Ends | None
    mae_of_median: float | None
    r2: float | None
    r2_interval: Ends | None
    mae: float | None
    mae_interval: Ends | None
    rmse: float | None
    rmse_interval: Ends | None
    spearman: float | None
    spearman_interval: Ends | None


class ValueSummary(Summary):
    """The numbers of a split; of several targets r2 and spearman are means, mae and rmse are given per target only."""

    unlabelled: int
    classes_without_pictures: list[str]
    r2: float | None
    r2_interval: Ends | None
    mae: float | None
    mae_interval: Ends | None
    rmse: float | None
    rmse_interval: Ends | None
    spearman: float | None
    spearman_interval: Ends | None
    per_target: list[TargetSummary]
    by_group: list[dict[str, Any]] | None
    notes: list[str]


def summarise_values(predictions: ValuePredictions, *, seed: int = 0, draws: int = DRAWS) -> ValueSummary:
    """Return the numbers of a split (NaN is None); intervals come from a bootstrap over images or whole groups.

    Args:
        predictions: of one split; images without any known value are counted and left out.
        seed: of the bootstrap.
        draws: of the bootstrap.
    """
    known = np.flatnonzero(~np.isnan(predictions.targets).all(axis=1))
    groups = None if predictions.groups is None else predictions.groups[known]
    targets, predicted = predictions.targets[known], predictions.predicted[known]
    weights = np.zeros((0, len(known)))
    if len(known) >= MIN_IMAGES:
        weights = np.concatenate(list(draw_weights(len(known), groups=groups, replicates=draws, seed=seed)))
    whole, drawn = measure(targets, predicted, np.ones((1, len(known)))), measure(targets, predicted, weights)
    averages = {name: (mean_over_targets(whole[name], name), mean_over_targets(drawn[name], name)) for name in whole}
    names = predictions.classes
    result = {
        "n": len(known),
        "unlabelled": len(predictions) - len(known),
        "classes_without_pictures": [name for k, name in enumerate(names) if np.isnan(targets[:, k]).all()],
        **_with_intervals(
            {name: value for name, (value, _) in averages.items()}, {n: v for n, (_, v) in averages.items()}
        ),
        "per_target": [
            {
                "name": name,
                **_about_target(targets[:, k], predicted[:, k], weights),
                **_with_intervals({m: v[:, k] for m, v in whole.items()}, {m: v[:, k] for m, v in drawn.items()}),
            }
            for k, name in enumerate(names)
        ],
        "by_group": _by_group(targets, predicted, groups, names),
        "interval_over": drawn_over(groups, len(known)),
        "notes": _notes(len(names)),
    }
    summary: ValueSummary = plain(result)
    return summary


def measure(targets: np.ndarray, predicted: np.ndarray, weights: np.ndarray) -> dict[str, np.ndarray]:
    """Return metric -> (R, T) of weighted sets (R, N); images without a value of a target are left out of it."""
    found = {name: np.full((len(weights), targets.shape[1]), np.nan) for name in VALUE_METRICS}
    for k in range(targets.shape[1]):
        known = ~np.isnan(targets[:, k])
        for name, compute in VALUE_METRICS.items():
            found[name][:, k] = compute(targets[known, k], predicted[known, k], weights[:, known])
    return found


def mean_over_targets(values: np.ndarray, metric: str) -> np.ndarray:
    """Return the mean (R,) over targets of values (R, T); NaN for several targets where their units differ."""
    if values.shape[1] == 1:
        return values[:, 0]
    if metric not in UNITLESS:
        return np.full(len(values), np.nan)
    known = ~np.isnan(values)
    count = known.sum(axis=1)
    found: np.ndarray = np.divide(
        np.where(known, values, 0).sum(axis=1), count, out=np.full(len(values), np.nan), where=count > 0
    )
    return found


def _with_intervals(whole: Mapping[str, np.ndarray], drawn: Mapping[str, np.ndarray]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in whole.items():
        found[name] = float(value[0])
        found[f"{name}_interval"] = _interval(drawn[name]) if np.isfinite(value[0]) else None
    return found


def _interval(values: np.ndarray) -> Ends | None:
    defined = values[np.isfinite(values)]
    if not len(defined):
        return None
    low, high = np.percentile(defined, [2.5, 97.5])
    return float(low), float(high)


def _about_target(targets: np.ndarray, predicted: np.ndarray, weights: np.ndarray) -> dict[str, Any]:
    known = ~np.isnan(targets)
    values, errors = targets[known], (predicted - targets)[known]
    nothing = float("nan")
    total = weights[:, known].sum(axis=1)
    bias = np.divide(weights[:, known] @ errors, total, out=np.full(len(weights), np.nan), where=total > 0)
    return {
        "n": int(known.sum()),
        "missing": int((~known).sum()),
        "mean": float(values.mean()) if len(values) else nothing,
        "std": float(values.std()) if len(values) else nothing,
        "low": float(values.min()) if len(values) else nothing,
        "high": float(values.max()) if len(values) else nothing,
        "bias": float(errors.mean()) if len(values) else nothing,
        "bias_interval": _interval(bias),
        "mae_of_median": float(np.abs(values - np.median(values)).mean()) if len(values) else nothing,
    }


def _by_group(
    targets: np.ndarray, predicted: np.ndarray, groups: np.ndarray | None, names: tuple[str, ...]
) -> list[dict[str, Any]] | None:
    if groups is None:
        return None
    labels = np.array(["no group" if group is None else str(group) for group in groups], dtype=object)
    rows = []
    for group in sorted(set(labels)):
        chosen = labels == group
        found = measure(targets[chosen], predicted[chosen], np.ones((1, int(chosen.sum()))))
        for k, name in enumerate(names):
            errors = (predicted - targets)[chosen, k]
            errors = errors[~np.isnan(errors)]
            if len(errors):
                numbers = {metric: float(values[0, k]) for metric, values in found.items()}
                rows.append({"group": group, "target": name, "n": len(errors), "bias": float(errors.mean()), **numbers})
    return rows


def _notes(num_targets: int) -> list[str]:
    if num_targets == 1:
        return []
    return ["R2 and Spearman are means over the targets; MAE and RMSE are given per target, since their units differ."]
