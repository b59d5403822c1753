"""The confusion matrix: its order, its most confused pairs, and blocks of classes when there are hundreds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from vision_ft.evaluate.intervals import ClassCounts, wilson

MIN_CLASSES_TO_ORDER = 13  # up to 12 classes are read at a glance in their own order
MAX_CLASSES_TO_ORDER = 3000  # the distance matrix takes K^2 floats and the linkage K^2 steps
MAX_CLASSES_OPTIMAL = 300  # optimal leaf ordering takes K^3 steps
MAX_PAIRS = 50


def dense(cells: Sequence[Sequence[int]] | np.ndarray, num_classes: int) -> np.ndarray:
    """Matrix (K, K) of counts, row = true class, column = predicted class, from rows (true, predicted, count)."""
    matrix = np.zeros((num_classes, num_classes), np.int64)
    rows = np.asarray(cells, np.int64).reshape(-1, 3)
    matrix[rows[:, 0], rows[:, 1]] = rows[:, 2]
    return matrix


def confused_pairs(counts: ClassCounts, classes: Sequence[str], *, limit: int = MAX_PAIRS) -> list[dict[str, Any]]:
    """The pairs "true taken for predicted", most images first, then the larger share of the true class."""
    wrong = counts.cells[counts.cells[:, 0] != counts.cells[:, 1]]
    of = counts.support[wrong[:, 0]]
    order = np.lexsort((wrong[:, 1], wrong[:, 0], -wrong[:, 2] / np.maximum(of, 1), -wrong[:, 2]))[:limit]
    pairs = []
    for true, predicted, count in wrong[order]:
        low, high = wilson(count, counts.support[true])
        pairs.append(
            {
                "true": classes[true],
                "predicted": classes[predicted],
                "count": int(count),
                "of": int(counts.support[true]),
                "share": float(count / counts.support[true]),
                "interval": (float(low), float(high)),
            }
        )
    return pairs


def class_order(cells: Sequence[Sequence[int]] | np.ndarray, num_classes: int) -> list[int]:
    """Order of the classes in which those that are confused with each other stand together.

    Average-linkage clustering of 1 - share, where share is the mean of the two row shares "i taken for j" and
    "j taken for i". Up to 12 classes, and above 3000, keep their own order.
    """
    from scipy.cluster.hierarchy import leaves_list, linkage, optimal_leaf_ordering  # here: only the report needs it
    from scipy.spatial.distance import squareform

    if not MIN_CLASSES_TO_ORDER <= num_classes <= MAX_CLASSES_TO_ORDER:
        return list(range(num_classes))
    matrix = dense(cells, num_classes).astype(np.float64)
    shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    distance = 1 - (shares + shares.T) / 2
    np.fill_diagonal(distance, 0)
    condensed = squareform(distance, checks=False)
    tree = linkage(condensed, method="average")
    if num_classes <= MAX_CLASSES_OPTIMAL:
        tree = optimal_leaf_ordering(tree, condensed)
    return [int(leaf) for leaf in leaves_list(tree)]
