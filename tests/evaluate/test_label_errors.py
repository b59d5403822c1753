"""A swapped label is found; an unsure mistake is not accused."""

from __future__ import annotations

import numpy as np

from vision_ft.evaluate.labels.errors import likely_label_errors


def test_a_swapped_label_comes_first_and_an_unsure_mistake_is_left_out():
    targets = np.repeat([0, 1], 20)
    scores = np.where(targets[:, None] == [0, 1], 0.9, 0.1)
    targets = targets.copy()
    targets[3] = 1  # the label is wrong: the model is as sure of class 0 as on other images of class 0
    scores[25] = [0.55, 0.45]  # the model errs, without conviction
    rows = likely_label_errors(targets, scores.argmax(axis=1), scores)
    assert rows.tolist() == [3]


def test_unlabelled_pictures_and_faultless_sets_give_none():
    scores = np.tile([0.9, 0.1], (10, 1))
    assert likely_label_errors(np.full(10, -1), np.zeros(10, int), scores).size == 0
    assert likely_label_errors(np.zeros(10, int), np.zeros(10, int), scores).size == 0
