"""Accuracy of parts of a set: per group (camera, site, ...) and per image property such as brightness."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from vision_ft.evaluate.intervals import count_classes, wilson

MIN_IMAGES_IN_SLICE = 10
NUM_SLICES = 4


@dataclass(frozen=True)
class Property:
    """How an image property is named in sentences: the words for its lowest and highest quarter."""

    label: str
    lowest: str
    highest: str
    unit: str = ""


PROPERTIES: dict[str, Property] = {
    "brightness": Property("Brightness", "darkest", "brightest"),
    "sharpness": Property("Sharpness", "least sharp", "sharpest"),
    "size": Property("Size (shorter side)", "smallest", "largest", " px"),
    "aspect": Property("Aspect ratio (width / height)", "most upright", "widest"),
}


def group_table(
    targets: np.ndarray, predicted: np.ndarray, groups: np.ndarray, *, num_classes: int
) -> list[dict[str, Any]]:
    """Accuracy with its Wilson interval and macro-F1 of each group, by name; no group (None) is listed last."""
    names = sorted({str(group) for group in groups if group is not None})
    position = {name: index for index, name in enumerate(names)}
    member = np.array([len(names) if group is None else position[str(group)] for group in groups], np.int64)
    by_group = np.split(
        np.argsort(member, kind="stable"), np.cumsum(np.bincount(member, minlength=len(names) + 1))[:-1]
    )
    rows = []
    for name, members in zip([*names, None], by_group, strict=True):
        if not len(members):
            continue
        counts = count_classes(targets[members], predicted[members], num_classes)
        present = counts.support > 0
        low, high = wilson(counts.hits.sum(), len(members))
        f1 = 2 * counts.hits[present] / (counts.support + counts.predicted)[present]
        rows.append(
            {
                "group": name,
                "n": len(members),
                "correct": int(counts.hits.sum()),
                "accuracy": float(counts.hits.sum() / len(members)),
                "interval": (float(low), float(high)),
                "macro_f1": float(f1.mean()),
                "num_classes": int(present.sum()),
            }
        )
    return rows


def slice_table(correct: np.ndarray, properties: Mapping[str, np.ndarray]) -> list[dict[str, Any]]:
    """Accuracy in each quarter of each image property, against the accuracy elsewhere.

    Args:
        correct: (N,) whether the prediction was right.
        properties: name -> (N,) values; NaN where unknown. Names outside `PROPERTIES` are shown as they are.

    Returns:
        One dict a quarter; "differs" is True only where its interval and that of the other images do not overlap.
        Properties with a single value, or with quarters under ten images, are left out.
    """
    return [_slice(name, quarter, correct) for name, values in properties.items() for quarter in split_quarters(values)]


@dataclass(frozen=True)
class Quarter:
    """A quarter of a set by a value, such as the darkest.

    Attributes:
        index: 0 is the lowest.
        of: how many there are; equal quartiles merge.
        low: of the values that it spans.
        high: likewise.
        inside: (N,) which images are in it.
        outside: (N,) the others whose value is known.
    """

    index: int
    of: int
    low: float
    high: float
    inside: np.ndarray
    outside: np.ndarray


def split_quarters(values: np.ndarray) -> Iterator[Quarter]:
    """Yield the quarters of a set by its values (N,), NaN where unknown; none of too few or nearly equal ones."""
    values = np.asarray(values, np.float64)
    known = np.isfinite(values)
    if known.sum() < NUM_SLICES * MIN_IMAGES_IN_SLICE:
        return
    edges = np.unique(np.quantile(values[known], np.linspace(0, 1, NUM_SLICES + 1)))
    if len(edges) < 3:  # equal quartiles merge; two edges left means that (nearly) all images are alike
        return
    part = np.searchsorted(edges[1:-1], values, side="right")
    for index in range(len(edges) - 1):
        inside = known & (part == index)
        if inside.sum() >= MIN_IMAGES_IN_SLICE and (known & ~inside).any():
            low, high = float(edges[index]), float(edges[index + 1])
            yield Quarter(index, len(edges) - 1, low, high, inside, known & ~inside)


def describe_quarter(name: str, quarter: Quarter) -> dict[str, Any]:
    """Return what a row says of a quarter of an image property: its names, range and size."""
    return {
        "property": name,
        "label": PROPERTIES[name].label if name in PROPERTIES else name,
        "unit": PROPERTIES[name].unit if name in PROPERTIES else "",
        "index": quarter.index,
        "slice": _slice_name(name, quarter.index, quarter.of),
        "from": quarter.low,
        "to": quarter.high,
        "n": int(quarter.inside.sum()),
    }


def _slice(name: str, quarter: Quarter, correct: np.ndarray) -> dict[str, Any]:
    inside, outside = quarter.inside, quarter.outside
    low, high = wilson(correct[inside].sum(), inside.sum())
    rest_low, rest_high = wilson(correct[outside].sum(), outside.sum())
    return {
        **describe_quarter(name, quarter),
        "accuracy": float(correct[inside].mean()),
        "interval": (float(low), float(high)),
        "rest_accuracy": float(correct[outside].mean()),
        "rest_interval": (float(rest_low), float(rest_high)),
        "differs": bool(high < rest_low or low > rest_high),
    }


def _slice_name(name: str, index: int, count: int) -> str:
    words = PROPERTIES.get(name, Property(name, f"lowest {name}", f"highest {name}"))
    part = "quarter" if count == NUM_SLICES else "part"
    if index == 0:
        return f"{words.lowest} {part}"
    if index == count - 1:
        return f"{words.highest} {part}"
    return f"{part} {index + 1} of {count} by {words.label.split(' (')[0].lower()}"


def slice_sentences(rows: list[dict[str, Any]]) -> list[str]:
    """A sentence for each slice that differs, largest gap first: what it is, its accuracy and that elsewhere."""
    found = sorted(
        (row for row in rows if row["differs"]), key=lambda row: -abs(row["accuracy"] - row["rest_accuracy"])
    )
    return [
        f"In the {row['slice']} ({row['n']} images) accuracy is {row['accuracy']:.0%} "
        f"[{row['interval'][0]:.0%}-{row['interval'][1]:.0%}], against {row['rest_accuracy']:.0%} elsewhere."
        for row in found
    ]
