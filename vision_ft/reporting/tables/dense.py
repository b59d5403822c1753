"""The tables of masks and of boxes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from vision_ft.reporting.collect.boxes import NO_OBJECT, BoxSplit
from vision_ft.reporting.collect.masks import MaskSplit
from vision_ft.reporting.tables.base import Table


def mask_tables(split: MaskSplit) -> dict[str, Table]:
    """Return per_class, confusion (pixels), confused_pairs, images (all of them) and groups."""
    numbers = split.summary
    tables = {
        "per_class": _spread(numbers["per_class"]),
        "confusion": _matrix(numbers["confusion"], split.predictions.classes),
        "confused_pairs": _spread(numbers["confused_pairs"]),
        "pictures": _mask_pictures(split),
        "groups": _groups(numbers["by_group"]),
    }
    return {name: table for name, table in tables.items() if table is not None}


def box_tables(split: BoxSplit) -> dict[str, Table]:
    """Return per_class, confusion (boxes), errors (all of them), error_kinds, curves, images and groups."""
    numbers = split.summary
    curves = [
        {"class": curve["class"], "recall": recall, "precision": precision}
        for curve in numbers["curves"]
        for recall, precision in zip(curve["recall"], curve["precision"], strict=True)
    ]
    kinds = [
        {"kind": kind, "boxes": number, "ap50_gain": numbers["errors_ap50"][kind]}
        for kind, number in numbers["errors"].items()
    ]
    tables = {
        "per_class": _spread(numbers["per_class"]),
        "confusion": _matrix(numbers["confusion"], (*split.predictions.classes, NO_OBJECT)),
        "errors": _errors(split),
        "error_kinds": _spread(kinds),
        "curves": _spread(curves),
        "pictures": _box_pictures(split),
        "groups": _groups(numbers["by_group"]),
    }
    return {name: table for name, table in tables.items() if table is not None}


def _spread(rows: Sequence[Mapping[str, Any]]) -> Table | None:
    """Table of equal mappings; an interval becomes two columns. None without a row."""
    if not rows:
        return None
    flat = []
    for row in rows:
        cells: dict[str, Any] = {}
        for name, value in row.items():
            if name.endswith("_interval"):
                stem = name.removesuffix("_interval")
                cells |= dict(zip((f"{stem}_low", f"{stem}_high"), value, strict=True))
            else:
                cells[name] = round(value, 6) if isinstance(value, float) else value
        flat.append(cells)
    return list(flat[0]), [list(cells.values()) for cells in flat]


def _matrix(matrix: Sequence[Sequence[int]], names: Sequence[str]) -> Table:
    return ("true \\ predicted", *names), [[name, *row] for name, row in zip(names, matrix, strict=True)]


def _groups(groups: Mapping[str, Mapping[str, Any]]) -> Table | None:
    return _spread([{"group": name, **numbers} for name, numbers in groups.items()])


def _mask_pictures(split: MaskSplit) -> Table | None:
    predictions, numbers = split.predictions, split.summary["per_picture"]
    return _spread(
        [
            {
                "path": predictions.paths[row],
                "group": None if predictions.groups is None else predictions.groups[row],
                "miou": numbers["miou"][row],
                "pixel_accuracy": numbers["pixel_accuracy"][row],
                "confidence": float(predictions.confidence[row]),
                "pixels": int(predictions.counted[row]),
                "ignored": int(predictions.ignored[row]),
            }
            for row in split.worst_first
        ]
    )


def _box_pictures(split: BoxSplit) -> Table | None:
    predictions, numbers = split.predictions, split.summary["per_picture"]
    return _spread(
        [
            {
                "path": predictions.paths[row],
                "group": None if predictions.groups is None else predictions.groups[row],
                "f1": numbers["f1"][row],
                **numbers["errors"][row],
            }
            for row in split.worst_first
        ]
    )


def _errors(split: BoxSplit) -> Table:
    """Every wrong box and every missed one, image by image."""
    predictions, explained = split.predictions, split.explained
    found, truth, names = predictions.found, predictions.truth, predictions.classes
    rows: list[list[Any]] = []
    for at in np.flatnonzero(~np.isin(explained.kinds, ("hit", "ignored", "below"))):
        about = int(explained.about[at])
        true = "" if about < 0 else names[truth.labels[about]]
        path = predictions.paths[found.pictures[at]]
        score = round(float(found.scores[at]), 6)
        rows.append([path, explained.kinds[at], true, names[found.labels[at]], score, *_corners(found.boxes[at])])
    for at in np.flatnonzero(explained.missed):
        path, true = predictions.paths[truth.pictures[at]], names[truth.labels[at]]
        rows.append([path, "missed", true, "", "", *_corners(truth.boxes[at])])
    rows.sort(key=lambda row: row[0])
    return ("path", "kind", "true", "predicted", "score", "x1", "y1", "x2", "y2"), rows


def _corners(box: np.ndarray) -> list[float]:
    return [round(float(value), 2) for value in box]
