"""Pseudo-labels: sure ones only, classes kept balanced, and a clear word when there are none."""

from __future__ import annotations

import numpy as np
import pytest

from vision_ft.adaptation.pseudo_labels import choose
from vision_ft.errors import DataError, RecipeError


def scores_of(*confident: tuple[int, float], classes: int = 3) -> np.ndarray:
    """Rows whose class has the given probability, the rest spread evenly."""
    rows = np.empty((len(confident), classes))
    for row, (label, probability) in enumerate(confident):
        rows[row] = (1 - probability) / (classes - 1)
        rows[row, label] = probability
    return rows


def test_only_rows_at_or_above_the_floor_are_chosen_with_their_predicted_class():
    rows, labels = choose(scores_of((2, 0.95), (1, 0.89), (0, 0.9), (1, 0.99)), floor=0.9)
    assert rows.tolist() == [0, 2, 3]
    assert labels.tolist() == [2, 0, 1]


def test_the_largest_class_holds_at_most_three_times_the_smallest():
    many = [(0, 0.91 + 0.0001 * step) for step in range(100)] + [(1, 0.95)] * 12
    rows, labels = choose(scores_of(*many))
    assert np.bincount(labels).tolist() == [36, 12]
    assert rows[labels == 0].tolist() == list(range(64, 100)), "the surest of the large class are kept"


def test_a_class_that_passes_once_leaves_ten_of_the_others():
    _, labels = choose(scores_of(*[(0, 0.95)] * 50, (1, 0.95)))
    assert np.bincount(labels).tolist() == [10, 1]


def test_a_cap_counts_for_every_class_and_equal_scores_go_by_row():
    rows, labels = choose(scores_of(*[(0, 0.95)] * 5, *[(2, 0.95)] * 5), per_class=2)
    assert rows.tolist() == [0, 1, 5, 6]
    assert labels.tolist() == [0, 0, 2, 2]


def test_no_sure_picture_is_an_error_with_the_surest_score_rounded_down():
    text = r"none of 2 images reaches the confidence floor of 0.9; the surest has 0.899, the middle one 0.850"
    with pytest.raises(DataError, match=text):
        choose(scores_of((0, 0.89999), (1, 0.8)))


def test_one_class_alone_is_refused_unless_asked_for():
    scores = scores_of((1, 0.95), (1, 0.97), (0, 0.5))
    with pytest.raises(DataError, match=r"all 2 of 3 images above .* 0.9 are predicted as .* number \[1\].*Lower"):
        choose(scores)
    rows, labels = choose(scores, min_classes=1)
    assert (rows.tolist(), labels.tolist()) == ([0, 1], [1, 1])


@pytest.mark.parametrize("floor", [0, -0.1, 1.01, float("nan")])
def test_an_impossible_floor_is_refused(floor):
    with pytest.raises(RecipeError, match="got a confidence floor of .*; it must lie above 0 and up to 1"):
        choose(scores_of((0, 0.95), (1, 0.95)), floor=floor)


def test_an_impossible_cap_no_pictures_and_broken_scores_are_refused():
    with pytest.raises(RecipeError, match="at most 0 images a class; it must be at least 1"):
        choose(scores_of((0, 0.95)), per_class=0)
    with pytest.raises(DataError, match="got no images of the new camera"):
        choose(np.empty((0, 3)))
    broken = scores_of((0, 0.95), (1, 0.95))
    broken[1, 1] = np.nan
    with pytest.raises(DataError, match="1 of 2 images have scores that are not finite"):
        choose(broken)
