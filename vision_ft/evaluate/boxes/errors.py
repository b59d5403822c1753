"""What went wrong with each box: error kinds, what mending each kind would gain, and the confusion with background."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vision_ft.evaluate.boxes.curves import interpolate, mean_defined
from vision_ft.evaluate.boxes.matching import FoundBoxes, TrueBoxes, overlaps
from vision_ft.evaluate.boxes.predictions import BoxPredictions

IOU_HIT = 0.5  # t_f of Bolya 2020
IOU_NEAR = 0.1  # t_b of Bolya 2020; below it a detection has nothing to do with the true box
ERROR_KINDS: dict[str, str] = {
    "localisation": "right class, but the box fits the object too loosely (IoU 0.1 to 0.5)",
    "class": "the box fits an object of another class",
    "both": "near an object of another class, and fits it too loosely",
    "duplicate": "the object is found already, by a more certain box",
    "background": "a ghost: no object is there",
    "missed": "a true box that no detection explains",
}
FALSE_ALARMS = tuple(kind for kind in ERROR_KINDS if kind != "missed")
MENDED_INTO_HITS = ("localisation", "class")  # a better box or class would make a hit of them


@dataclass(frozen=True)
class Explained:
    """What became of every box of a split, in the order of `BoxPredictions.found` and `.truth`.

    Attributes:
        kinds: (M,) "hit", a kind of `FALSE_ALARMS`, "ignored" (on a crowd or a difficult box), or "below" (under the
            threshold of its class, or not among those asked for).
        about: (M,) position of the true box that a hit or an error is about, or -1.
        missed: (T,) whether the true box is missed.
    """

    kinds: np.ndarray
    about: np.ndarray
    missed: np.ndarray


def explain_boxes(
    predictions: BoxPredictions, *, thresholds: np.ndarray | None = None, only_first: bool = False
) -> Explained:
    """Explain every box at the thresholds (K,), by default the predictions' own; or only those that AP takes.

    The kinds are those of TIDE (Bolya 2020, arXiv:2008.08115, sec. 2.2), its hits COCO's matches at IoU 0.5. A false
    alarm is of the first kind that fits, in the order class, duplicate, localisation, both, background. The authors'
    code asks for localisation first; here a box that fits an object of another class is a class error even where a
    neighbour of its own class is within reach, as in rows of parked cars. A true box is missed when no hit, class error
    or localisation error is about it.
    """
    found, truth = predictions.found, predictions.truth
    lowest = predictions.cutoffs if thresholds is None else thresholds
    kinds, about = _hits(predictions, lowest, only_first=only_first)
    for shown, counted in _pictures(predictions, kinds != "below"):
        if not len(shown):
            continue
        shares = overlaps(found.boxes[shown], truth.boxes[counted])
        same = found.labels[shown][:, None] == truth.labels[counted]
        why, column = explain_picture(shares, same)
        wrong = kinds[shown] == "wrong"
        kinds[shown[wrong]] = why[wrong]
        about[shown[wrong]] = np.append(counted, -1)[column[wrong]]
    explained = np.isin(kinds, ("hit", *MENDED_INTO_HITS))
    missed = ~truth.ignored & ~np.isin(np.arange(len(truth.labels)), about[explained])
    return Explained(kinds, about, missed)


def explain_picture(shares: np.ndarray, same: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The kind of error that each detection of an image is, if it is no hit.

    Args:
        shares: (M, T) IoU of the detections with the counted true boxes.
        same: (M, T) whether both are of one class.

    Returns:
        Kinds (M,), and the column (M,) of the true box it is about, -1 for background.
    """
    if not shares.shape[1]:
        return np.full(len(shares), "background", dtype=object), np.full(len(shares), -1)
    of_class, of_others = np.where(same, shares, 0.0), np.where(same, 0.0, shares)
    own, other = of_class.max(axis=1), of_others.max(axis=1)
    tests = {
        "class": other >= IOU_HIT,
        "duplicate": own >= IOU_HIT,
        "localisation": own >= IOU_NEAR,
        "both": other >= IOU_NEAR,
    }
    kinds = np.select(list(tests.values()), list(tests), default="background").astype(object)
    nearest = np.where(np.isin(kinds, ("class", "both")), of_others.argmax(axis=1), of_class.argmax(axis=1))
    return kinds, np.where(kinds == "background", -1, nearest)


def _hits(predictions: BoxPredictions, thresholds: np.ndarray, *, only_first: bool) -> tuple[np.ndarray, np.ndarray]:
    """Kinds (M,) as far as the matches tell them ("wrong" for any false alarm), and the true box (M,) of each hit."""
    kinds = np.full(len(predictions.found.labels), "below", dtype=object)
    about = np.full(len(kinds), -1)
    for matches, threshold in zip(predictions.matches(), thresholds, strict=True):
        kept = (matches.scores >= threshold) & (matches.first | (not only_first))
        told = np.select([matches.hit[0], matches.counted[0]], ["hit", "wrong"], default="ignored")
        kinds[matches.rows[kept]] = told[kept]
        about[matches.rows[kept]] = matches.truth[kept]
    return kinds, about


def _pictures(predictions: BoxPredictions, shown: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Positions of the shown detections and of the counted true boxes, image by image."""
    found, truth = np.flatnonzero(shown), np.flatnonzero(~predictions.truth.ignored)
    borders = np.arange(1, len(predictions))
    parts = (
        np.split(rows, np.searchsorted(pictures[rows], borders))
        for rows, pictures in ((found, predictions.found.pictures), (truth, predictions.truth.pictures))
    )
    return list(zip(*parts, strict=True))


def box_kinds(predictions: BoxPredictions) -> list[tuple[np.ndarray, np.ndarray]]:
    """For each image the kinds (M,) of its detections and which true boxes (T,) are missed; see `Explained`."""
    explained = explain_boxes(predictions)
    found_ends, true_ends = (
        np.cumsum([len(part) for part in parts]) for parts in (predictions.scores, predictions.target_labels)
    )
    kinds, missed = np.split(explained.kinds, found_ends[:-1]), np.split(explained.missed, true_ends[:-1])
    return list(zip(kinds, missed, strict=True))[: len(predictions)]


def error_counts(predictions: BoxPredictions, explained: Explained) -> dict[str, np.ndarray]:
    """How often (N,) each error kind happened in each image."""
    counts = {
        kind: np.bincount(predictions.found.pictures[explained.kinds == kind], minlength=len(predictions))
        for kind in FALSE_ALARMS
    }
    return counts | {"missed": np.bincount(predictions.truth.pictures[explained.missed], minlength=len(predictions))}


def confuse_boxes(predictions: BoxPredictions, explained: Explained) -> np.ndarray:
    """Confusion matrix (K + 1, K + 1) [truth][predicted] at the thresholds and IoU 0.5; the last index is background.

    The hits come first, so the diagonal is that of precision and recall. Of the boxes left, those of different classes
    pair up by falling IoU. What has no partner is a ghost (last row) or missed (last column). The last column counts
    true boxes without a box on them, which localisation errors are too.
    """
    found, truth = predictions.found, predictions.truth
    wrong = np.isin(explained.kinds, FALSE_ALARMS)
    partner = np.where(explained.kinds == "hit", explained.about, -1)
    free = ~np.isin(np.arange(len(truth.labels)), partner)
    for left, counted in _pictures(predictions, wrong):
        there = counted[free[counted]]
        shares = overlaps(found.boxes[left], truth.boxes[there])
        first, second = np.nonzero(shares >= IOU_HIT)
        for pair in np.lexsort((-found.scores[left[first]], -shares[first, second])):
            row, at = left[first[pair]], there[second[pair]]
            if partner[row] < 0 and free[at]:
                partner[row], free[at] = at, False
    return _matrix(
        found, truth, partner=partner, shown=wrong | (explained.kinds == "hit"), size=len(predictions.classes)
    )


def _matrix(found: FoundBoxes, truth: TrueBoxes, *, partner: np.ndarray, shown: np.ndarray, size: int) -> np.ndarray:
    matrix = np.zeros((size + 1, size + 1), np.int64)
    true_labels = np.append(truth.labels, size)  # partner -1 is background
    np.add.at(matrix, (true_labels[partner[shown]], found.labels[shown]), 1)
    alone = ~truth.ignored & ~np.isin(np.arange(len(truth.labels)), partner)
    matrix[:size, size] += np.bincount(truth.labels[alone], minlength=size)
    return matrix


def mended_ap50(predictions: BoxPredictions) -> dict[str, float]:
    """What "map50" would gain if one kind of error were mended (Bolya 2020, arXiv:2008.08115, sec. 2.3).

    The detections that average precision takes count here, whatever their score. Of the class or localisation
    errors about one free true box the most certain becomes a hit and the others go; other false alarms go; missed
    boxes are no longer asked for. Where that leaves a class without a true box it counts as perfect, while the
    authors' code gives it 0. NaN without a true box.
    """
    everything = explain_boxes(predictions, thresholds=np.zeros(len(predictions.classes)), only_first=True)
    before = _ap50(predictions, everything, kind=None)
    return {
        kind: float(np.maximum(mean_defined(_ap50(predictions, everything, kind=kind) - before), 0.0))
        for kind in ERROR_KINDS
    }


def _ap50(predictions: BoxPredictions, explained: Explained, *, kind: str | None) -> np.ndarray:
    """Average precision (K,) at IoU 0.5 once the errors of a kind are mended; NaN without a true box before."""
    found, truth, num_classes = predictions.found, predictions.truth, len(predictions.classes)
    hit, labels = explained.kinds == "hit", found.labels.copy()
    counted = hit | np.isin(explained.kinds, [other for other in FALSE_ALARMS if other != kind])
    if kind in MENDED_INTO_HITS:
        mended = _best_of_each(explained, found.scores, kind=kind)
        hit[mended] = counted[mended] = True
        labels[mended] = truth.labels[explained.about[mended]]
    asked = ~truth.ignored
    before = np.bincount(truth.labels[asked], minlength=num_classes)
    if kind == "missed":
        asked = asked & ~explained.missed
    totals = np.bincount(truth.labels[asked], minlength=num_classes)
    order = np.argsort(-found.scores, kind="stable")
    order = order[counted[order]]
    values = np.where(before > 0, 1.0, np.nan)
    for label in np.flatnonzero(totals):
        own = order[labels[order] == label]
        values[label] = interpolate(hit[None, own], np.ones((1, len(own))), totals[label]).mean()
    return values


def _best_of_each(explained: Explained, scores: np.ndarray, *, kind: str) -> np.ndarray:
    """The most certain error of this kind about each true box that nothing hits."""
    taken = explained.about[explained.kinds == "hit"]
    rows = np.flatnonzero((explained.kinds == kind) & ~np.isin(explained.about, taken))
    rows = rows[np.argsort(-scores[rows], kind="stable")]
    return rows[np.unique(explained.about[rows], return_index=True)[1]]
