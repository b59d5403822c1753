"""The tables of a regression run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from vision_ft.reporting.collect.values import ValueSplit
from vision_ft.reporting.tables.base import Table


def value_tables(split: ValueSplit) -> dict[str, Table]:
    """Return predictions (all of them), per_target and, where there are groups, by_group of a split."""
    numbers = split.summary
    tables = {"predictions": _predictions(split), "per_target": _spread(numbers["per_target"])}
    return tables | ({"by_group": _spread(numbers["by_group"])} if numbers["by_group"] else {})


def _predictions(split: ValueSplit) -> Table:
    """Return a row per image and target, images of the largest error first, those without a value last."""
    predictions = split.predictions
    judged = [row for row, _ in split.worst_first]
    rest = np.setdiff1d(np.arange(len(predictions)), judged).tolist()
    rows = []
    for row in [*judged, *rest]:
        group = "" if predictions.groups is None else predictions.groups[row]
        for k, name in enumerate(split.targets):
            values = (predictions.targets[row, k], predictions.predicted[row, k], predictions.errors[row, k])
            rows.append([predictions.paths[row], group, name, *map(_number, values)])
    return ("path", "group", "target", "true", "predicted", "error"), rows


def _spread(rows: Sequence[Mapping[str, Any]]) -> Table:
    """Table of equal mappings; an interval, which may be None, becomes two columns."""
    flat = []
    for row in rows:
        cells: dict[str, Any] = {}
        for name, value in row.items():
            if name.endswith("_interval"):
                stem = name.removesuffix("_interval")
                low, high = (None, None) if value is None else value
                cells |= {f"{stem}_low": _number(low), f"{stem}_high": _number(high)}
            else:
                cells[name] = _number(value) if isinstance(value, float) else value
        flat.append(cells)
    return list(flat[0]), [list(cells.values()) for cells in flat]


def _number(value: float | None) -> float | str:
    """Return a number with six significant digits; "" where it is not known."""
    return "" if value is None or np.isnan(value) else float(f"{value:.6g}")
