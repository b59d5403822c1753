"""Order of the classes and the sparse form of the matrix."""

from __future__ import annotations

import numpy as np

from vision_ft.evaluate.classification.confusion import class_order, dense
from vision_ft.evaluate.intervals import count_classes


def test_classes_confused_with_each_other_stand_together():
    num_classes = 20
    cells = [[k, k, 20] for k in range(num_classes)]
    cells += [[k, (k + 10) % 20, 10] for k in range(num_classes)]  # k is taken for k + 10 and back
    order = class_order(cells, num_classes)
    assert sorted(order) == list(range(num_classes))
    place = {label: index for index, label in enumerate(order)}
    assert all(abs(place[k] - place[k + 10]) == 1 for k in range(10))


def test_up_to_twelve_classes_keep_their_own_order():
    assert class_order([[0, 11, 5], [11, 0, 5]], 12) == list(range(12))


def test_order_needs_no_picture_in_each_class():
    assert sorted(class_order([], 30)) == list(range(30))


def test_dense_matrix_restores_the_counts():
    rng = np.random.default_rng(0)
    targets, predicted = rng.integers(0, 6, 100), rng.integers(0, 6, 100)
    matrix = dense(count_classes(targets, predicted, 6).cells, 6)
    assert matrix.sum() == 100
    assert matrix[2, 3] == ((targets == 2) & (predicted == 3)).sum()
