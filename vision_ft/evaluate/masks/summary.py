"""All numbers of one split of label maps, with intervals, ready for JSON; and the order "worst image first"."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from vision_ft.evaluate.classification.confusion import confused_pairs
from vision_ft.evaluate.intervals import ClassCounts, plain
from vision_ft.evaluate.masks.boundary import boundary_f
from vision_ft.evaluate.masks.metrics import MASK_METRICS, PRESENT_RULE, ClassAreas, mean_present
from vision_ft.evaluate.masks.predictions import MaskPredictions
from vision_ft.evaluate.resampling import MIN_IMAGES, draw_tallies, drawn_over
from vision_ft.evaluate.summaries import MaskSummary

DRAWS = 500
Numbers = dict[str, np.ndarray]


def summarise_masks(predictions: MaskPredictions, *, seed: int = 0, draws: int = DRAWS) -> MaskSummary:
    """All numbers of one split, ready for JSON (NaN is None), in fractions of 1 and in pixels.

    Pixels of all images are pooled before a metric is taken. Every interval is a 95% percentile bootstrap over whole
    images, because the pixels of one are alike; with eight groups or more over whole groups ("interval_over" says
    which). A class is left out of the draws that do not hold it. With fewer than five images intervals are None.

    Args:
        predictions: one split; images without a counted pixel are "unlabelled" and left out.
        seed: of the bootstrap.
        draws: bootstrap sets.

    Returns:
        "n", "unlabelled", "pixels"; "miou", "dice", "pixel_accuracy" and "boundary_f", each with "..._interval";
        "interval_over"; "per_class"; "confusion" (K x K pixels, row = true class); "confused_pairs"; "by_group";
        "per_picture" (N values each, None where unlabelled); "notes".
    """
    labelled = np.flatnonzero(predictions.counted)
    tallies = np.concatenate([predictions.areas, np.swapaxes(predictions.boundary, 1, 2)], axis=1)[labelled]
    groups = None if predictions.groups is None else predictions.groups[labelled]
    whole = tallies.sum(axis=0)
    sets = _draw_sets(tallies, groups, draws=draws, seed=seed)
    overall, overall_draws = _overall(whole), _overall(sets)
    confusion = predictions.confusion.sum(axis=0)
    result = {
        "n": len(labelled),
        "unlabelled": len(predictions) - len(labelled),
        "pixels": confusion.sum(),
        **overall,
        **{f"{name}_interval": _ends(values) for name, values in overall_draws.items()},
        "interval_over": drawn_over(groups, len(labelled)),
        "per_class": _per_class(predictions, whole, sets),
        "confusion": confusion,
        "confused_pairs": _pairs(confusion, predictions.classes),
        "by_group": _by_group(tallies, groups),
        "per_picture": _of_pictures(predictions.areas),
        "notes": [PRESENT_RULE] if len(labelled) and (whole[1] + whole[2] == 0).any() else [],
    }
    plain_result: MaskSummary = plain(result)
    return plain_result


def worst_first(predictions: MaskPredictions) -> np.ndarray:
    """Rows (N,) by the image's own mIoU, lowest first; images without a counted pixel come last.

    An image's mIoU takes the classes that are in its truth or its prediction. Ties go to the lower pixel accuracy,
    then to the earlier row.
    """
    numbers = _of_pictures(predictions.areas)
    return np.lexsort((numbers["pixel_accuracy"], numbers["miou"]))  # NaN sorts last, equal rows keep their order


def _draw_sets(tallies: np.ndarray, groups: np.ndarray | None, *, draws: int, seed: int) -> np.ndarray:
    """Tallies (R, 7, K) of R sets drawn anew from images, or from groups where there are enough."""
    if len(tallies) < MIN_IMAGES:
        return np.zeros((1, *tallies.shape[1:]))  # a set without pixels, in which no metric is defined
    return draw_tallies(tallies, groups=groups, replicates=draws, seed=seed)


def _areas(tallies: np.ndarray) -> ClassAreas:
    return ClassAreas(*np.moveaxis(tallies[..., :3, :], -2, 0))


def _boundary_f(tallies: np.ndarray) -> np.ndarray:
    return boundary_f(np.swapaxes(tallies[..., 3:, :], -1, -2))


def _overall(tallies: np.ndarray) -> Numbers:
    """Return each headline number (...) of tallies (..., 7, K)."""
    numbers = {name: metric.compute(_areas(tallies)) for name, metric in MASK_METRICS.items()}
    return numbers | {"boundary_f": mean_present(_boundary_f(tallies))}


def _of_classes(tallies: np.ndarray) -> Numbers:
    """Return each number with an interval (..., K) of tallies (..., 7, K)."""
    areas = _areas(tallies)
    return {"iou": areas.iou, "dice": areas.dice, "boundary_f": _boundary_f(tallies)}


def _of_pictures(areas: np.ndarray) -> Numbers:
    """Return mIoU and pixel accuracy (N,) of areas (N, 3, K)."""
    return {name: MASK_METRICS[name].compute(_areas(areas)) for name in ("miou", "pixel_accuracy")}


def _ends(draws: np.ndarray) -> np.ndarray:
    """Ends (2, ...) of the 95% interval of draws (R, ...), NaN where no draw is a number."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "All-NaN slice", RuntimeWarning)
        return np.asarray(np.nanpercentile(draws, [2.5, 97.5], axis=0))


def _per_class(predictions: MaskPredictions, whole: np.ndarray, sets: np.ndarray) -> list[dict[str, Any]]:
    areas, numbers = _areas(whole), _of_classes(whole)
    ends = {name: _ends(values) for name, values in _of_classes(sets).items()}
    numbers |= {"precision": areas.precision, "recall": areas.recall}
    pictures = (predictions.areas[:, 1] > 0).sum(axis=0)
    return [
        {
            "class": name,
            **{key: values[k] for key, values in numbers.items()},
            **{f"{key}_interval": values[:, k] for key, values in ends.items()},
            "true_pixels": int(areas.true[k]),
            "predicted_pixels": int(areas.predicted[k]),
            "pictures": pictures[k],
        }
        for k, name in enumerate(predictions.classes)
    ]


def _pairs(confusion: np.ndarray, classes: Sequence[str]) -> list[dict[str, Any]]:
    """The most confused pairs, in pixels; without the interval of a proportion, since pixels are not independent."""
    cells = np.argwhere(confusion)
    areas = ClassCounts(
        cells=np.column_stack([cells, confusion[tuple(cells.T)]]),
        hits=np.diagonal(confusion),
        support=confusion.sum(axis=1),
        predicted=confusion.sum(axis=0),
    )
    names = {"true": "true", "predicted": "predicted", "pixels": "count", "of": "of", "share": "share"}
    return [{ours: pair[theirs] for ours, theirs in names.items()} for pair in confused_pairs(areas, classes)]


def _by_group(tallies: np.ndarray, groups: np.ndarray | None) -> dict[str, dict[str, Any]]:
    """Images, mIoU and pixel accuracy of each named group."""
    named = [] if groups is None else [None if group is None else str(group) for group in groups]
    table = {}
    for name in sorted({group for group in named if group is not None}):
        rows = [row for row, group in enumerate(named) if group == name]
        numbers = _overall(tallies[rows].sum(axis=0))
        table[name] = {"n": len(rows), "miou": numbers["miou"], "pixel_accuracy": numbers["pixel_accuracy"]}
    return table
