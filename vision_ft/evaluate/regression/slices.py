"""Errors of predicted values in parts of a set: each group, each range of the true value, each image property."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from vision_ft.evaluate.regression.predictions import ValuePredictions
from vision_ft.evaluate.slices import describe_quarter, split_quarters

MIN_IN_GROUP = 5  # the interval of a mean over fewer says little
Ends = tuple[float, float]


def mean_ends(values: np.ndarray, *, parts: int = 1) -> Ends | None:
    """Return the 95% t interval of the mean of some values, None for fewer than two.

    Args:
        values: (N,), all known.
        parts: how many such intervals are read together; each is widened so that all hold at once (Bonferroni).
    """
    if len(values) < 2:
        return None
    from scipy.special import stdtrit  # here: training does not need it

    half = stdtrit(len(values) - 1, 1 - 0.025 / parts) * values.std(ddof=1) / np.sqrt(len(values))
    return float(values.mean() - half), float(values.mean() + half)


def group_biases(predictions: ValuePredictions) -> list[dict[str, Any]]:
    """Return the mean error of each group and target with at least five known values.

    Returns:
        Dicts with "target" (its index), "group", "n", "bias" and "bias_interval", which holds for all rows at once.
    """
    if predictions.groups is None:
        return []
    labels = np.array(["no group" if group is None else str(group) for group in predictions.groups], dtype=object)
    parts = [
        (k, {"group": group}, (labels == group) & known)
        for group in sorted(set(labels))
        for k, known in enumerate(~np.isnan(predictions.targets.T))
    ]
    return _biases(predictions, [part for part in parts if part[2].sum() >= MIN_IN_GROUP])


def range_biases(predictions: ValuePredictions) -> list[dict[str, Any]]:
    """Return the errors in each quarter of the true values of each target; see `slices.split_quarters` for too few.

    Returns:
        Dicts with "target" (its index), "from", "to", "n", "mae", "bias" and "bias_interval", as in `group_biases`.
    """
    parts = []
    for k, values in enumerate(predictions.targets.T):
        for quarter in split_quarters(values):
            inside = values[quarter.inside]
            ends = {"from": float(inside.min()), "to": float(inside.max())}
            parts.append((k, ends, quarter.inside))
    return _biases(predictions, parts)


def _biases(predictions: ValuePredictions, parts: list[tuple[int, dict[str, Any], np.ndarray]]) -> list[dict[str, Any]]:
    rows = []
    for k, about, chosen in parts:
        errors = predictions.errors[chosen, k]
        numbers = {"n": len(errors), "mae": float(np.abs(errors).mean()), "bias": float(errors.mean())}
        rows.append({"target": k, **about, **numbers, "bias_interval": mean_ends(errors, parts=len(parts))})
    return rows


def is_biased(row: Mapping[str, Any]) -> bool:
    """Whether the interval of a mean error lies on one side of zero."""
    ends = row["bias_interval"]
    return ends is not None and (ends[0] > 0 or ends[1] < 0)


def error_slices(errors: np.ndarray, properties: Mapping[str, np.ndarray]) -> list[dict[str, Any]]:
    """Mean absolute error in each quarter of each image property, against that elsewhere.

    Args:
        errors: (N,) absolute errors, NaN where the true value is not known.
        properties: name -> (N,) values; NaN where unknown.

    Returns:
        One dict a quarter, as `slices.slice_table`; "differs" is True only where the two intervals do not overlap.
    """
    known = ~np.isnan(errors)
    return list(_error_slices(errors[known], {name: values[known] for name, values in properties.items()}))


def _error_slices(errors: np.ndarray, properties: Mapping[str, np.ndarray]) -> Iterator[dict[str, Any]]:
    for name, values in properties.items():
        for quarter in split_quarters(values):
            inside, outside = errors[quarter.inside], errors[quarter.outside]
            ends, rest = mean_ends(inside), mean_ends(outside)
            yield {
                **describe_quarter(name, quarter),
                "mae": float(inside.mean()),
                "interval": ends,
                "rest_mae": float(outside.mean()),
                "differs": ends is not None and rest is not None and (ends[1] < rest[0] or ends[0] > rest[1]),
            }


def error_sentences(rows: list[dict[str, Any]]) -> list[str]:
    """A sentence for each slice that differs, largest gap first: what it is, its mean error and that elsewhere."""
    found = sorted((row for row in rows if row["differs"]), key=lambda row: -abs(row["mae"] - row["rest_mae"]))
    return [
        f"In the {row['slice']} ({row['n']} images) the mean absolute error is {row['mae']:.3g} "
        f"[{row['interval'][0]:.3g}-{row['interval'][1]:.3g}], against {row['rest_mae']:.3g} elsewhere."
        for row in found
    ]
