"""Boundary counts against a slow reference that shares no code with them, and by hand."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from PIL import Image
from scipy.spatial.distance import cdist

from vision_ft.errors import DataError
from vision_ft.evaluate.masks import boundary as mask_boundary
from vision_ft.evaluate.masks.boundary import boundary_counts, boundary_f


def boundary_points(labels: np.ndarray, counted: np.ndarray, wanted: int) -> list[tuple[int, int]]:
    """Pixels of a class beside a counted pixel of another, one pixel after the other."""
    height, width = labels.shape
    points = []
    for row in range(height):
        for column in range(width):
            beside = [(row - 1, column), (row + 1, column), (row, column - 1), (row, column + 1)]
            inside = [(y, x) for y, x in beside if 0 <= y < height and 0 <= x < width and counted[y, x]]
            if counted[row, column] and labels[row, column] == wanted and any(labels[at] != wanted for at in inside):
                points.append((row, column))
    return points


def slow_counts(truth: np.ndarray, predicted: np.ndarray, num_classes: int) -> list[list[int]]:
    tolerance = np.ceil(0.008 * np.sqrt(truth.shape[0] ** 2 + truth.shape[1] ** 2))
    counted = (truth >= 0) & (predicted < num_classes)
    rows = []
    for wanted in range(num_classes):
        true, found = (boundary_points(labels, counted, wanted) for labels in (truth, predicted))
        near = cdist(found, true) <= tolerance if true and found else np.zeros((len(found), len(true)), bool)
        rows.append([int(near.any(axis=1).sum()), len(found), int(near.any(axis=0).sum()), len(true)])
    return rows


def blobs(seed: int, shape: tuple[int, int] = (60, 200), *, num_classes: int = 4) -> tuple[np.ndarray, np.ndarray]:
    """Smooth regions, a prediction of them that is shifted and noisy, and some ignored and unpredicted pixels."""
    rng = np.random.default_rng(seed)
    heights = cv2.resize(rng.random((num_classes, 5, 9)).transpose(1, 2, 0), shape[::-1])
    truth, predicted = heights.argmax(axis=2), np.roll(heights, (1, 2), (0, 1)).argmax(axis=2)
    predicted = np.where(rng.random(shape) < 0.01, rng.integers(0, num_classes, shape), predicted)
    truth[20:30, 40:90], predicted[50:, :20] = -1, 255
    return truth, predicted


@pytest.mark.parametrize("seed", range(4))
def test_counts_equal_a_search_of_pixel_by_pixel(seed):
    truth, predicted = blobs(seed)
    counts = boundary_counts(truth, predicted, 5)
    assert counts.tolist() == slow_counts(truth, predicted, 5)
    assert 0 < counts[:, 0].sum() < counts[:, 1].sum()
    assert counts[4].tolist() == [0, 0, 0, 0]


def test_pure_noise_equals_the_search_too():
    rng = np.random.default_rng(0)
    truth, predicted = rng.integers(-1, 3, (30, 40)), rng.integers(0, 3, (30, 40))
    assert boundary_counts(truth, predicted, 3).tolist() == slow_counts(truth, predicted, 3)


def test_a_wide_tolerance_takes_another_way_to_the_same_counts(monkeypatch):
    masks = blobs(7)
    expected = boundary_counts(*masks, 4).tolist()
    monkeypatch.setattr(mask_boundary, "MAX_KERNEL_RADIUS", 0)
    assert boundary_counts(*masks, 4).tolist() == expected


def test_the_tolerance_is_the_share_of_the_diagonal_rounded_up():
    """An image of 50 x 120 has a diagonal of 130 px: 1.04 px, so 2."""

    def met(shift: int) -> list[int]:
        truth, predicted = np.zeros((50, 120), int), np.zeros((50, 120), int)
        truth[:, 60:], predicted[:, 60 + shift :] = 1, 1
        return boundary_counts(truth, predicted, 2)[1].tolist()

    assert met(2) == [50, 50, 50, 50]
    assert met(3) == [0, 50, 0, 50]


def test_a_square_has_its_outline_and_the_edge_of_the_picture_is_none():
    labels = np.zeros((32, 32), int)
    labels[10:20, 10:20] = 1
    assert boundary_counts(labels, labels, 2).tolist() == [[40, 40, 40, 40], [36, 36, 36, 36]]
    assert boundary_counts(labels[10:20, 10:20], labels[10:20, 10:20], 2).tolist() == [[0, 0, 0, 0], [0, 0, 0, 0]]


def test_a_border_with_ignored_pixels_is_no_boundary():
    truth, predicted = np.zeros((32, 32), int), np.zeros((32, 32), int)
    truth[:, 16:] = 1
    truth[:, 14:18] = -1
    predicted[:, 16:] = 1
    assert boundary_counts(truth, predicted, 2).tolist() == [[0, 0, 0, 0], [0, 0, 0, 0]]
    assert boundary_counts(np.full((32, 32), -1), predicted, 2).sum() == 0


def test_pictures_of_one_pixel_or_none_have_no_boundary():
    assert boundary_counts(np.zeros((1, 1), int), np.ones((1, 1), int), 2).sum() == 0
    assert boundary_counts(np.zeros((0, 4), int), np.zeros((0, 4), int), 2).sum() == 0


def test_f_score_is_the_harmonic_mean_of_the_two_shares():
    counts = [[30, 40, 10, 20], [0, 0, 0, 0], [0, 5, 0, 0], [0, 0, 0, 5], [0, 5, 0, 5], [7, 7, 9, 9]]
    expected = [2 * 0.75 * 0.5 / 1.25, np.nan, 0, 0, 0, 1]
    assert boundary_f(np.array(counts)) == pytest.approx(expected, nan_ok=True)


def test_bad_masks_are_refused():
    with pytest.raises(DataError, match=r"truth holds \[7\]; allowed: 0..1"):
        boundary_counts(np.full((4, 4), 7), np.zeros((4, 4), int), 2)
    with pytest.raises(DataError, match="resize the prediction to the truth"):
        boundary_counts(np.zeros((4, 4), int), np.zeros((4, 5), int), 2)


def test_street_masks_shifted_by_two_pixels_keep_their_boundaries_but_lose_overlap(shared):
    """The tolerance at 360 x 480 is 5 px; a shift of two is within what annotators differ by, one of nine is not."""
    found = sorted((shared / "data" / "camvid" / "valannot").glob("*.png"))[:3]
    if not found:
        pytest.skip("no street masks there")
    truths = [np.asarray(Image.open(file)).astype(int) for file in found]
    truths = [np.where(truth == 11, -1, truth) for truth in truths]  # 11 is void

    def mean_f(shift: int) -> float:
        moved = [np.where(truth < 0, 0, np.roll(truth, shift, axis=0)) for truth in truths]
        counts = [boundary_counts(truth[20:], found[20:], 11) for truth, found in zip(truths, moved, strict=True)]
        return float(np.nanmean(boundary_f(np.sum(counts, axis=0))))

    assert mean_f(0) == 1
    assert mean_f(2) > 0.9
    assert mean_f(9) < 0.8
