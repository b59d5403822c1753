"""Metrics of pixels: parity with scikit-learn, what is ignored, what is undefined, and what every metric promises."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score, jaccard_score, precision_score, recall_score

from vision_ft.errors import DataError
from vision_ft.evaluate.masks.metrics import MASK_METRICS, areas_of, confusion_of, mean_present

every_metric = pytest.mark.parametrize("name", MASK_METRICS)


def random_masks(seed: int, *, num_classes: int = 5, ignored: float = 0.2) -> tuple[np.ndarray, np.ndarray]:
    """A truth (40, 56) with ignored pixels and a prediction that is right in about half of the others."""
    rng = np.random.default_rng(seed)
    truth = rng.choice(num_classes, (40, 56), p=rng.dirichlet(np.ones(num_classes)))
    predicted = np.where(rng.random((40, 56)) < 0.5, truth, rng.integers(0, num_classes, (40, 56)))
    return np.where(rng.random((40, 56)) < ignored, -1, truth), predicted


@pytest.mark.parametrize("seed", range(5))
def test_numbers_are_those_of_scikit_learn(seed):
    truth, predicted = random_masks(seed)
    kept = truth >= 0
    pixels = truth[kept], predicted[kept]
    confusion = confusion_of(truth, predicted, 5)
    areas = areas_of(confusion)
    assert confusion.tolist() == confusion_matrix(*pixels, labels=range(5)).tolist()
    for ours, theirs, undefined in (
        (areas.iou, jaccard_score, 0),  # it takes no NaN; all classes are predicted here, so it has none to give
        (areas.dice, f1_score, np.nan),
        (areas.precision, precision_score, np.nan),
        (areas.recall, recall_score, np.nan),
    ):
        expected = theirs(*pixels, labels=range(5), average=None, zero_division=undefined)
        assert ours == pytest.approx(expected, abs=1e-6, nan_ok=True), theirs.__name__
    assert areas.pixel_accuracy == pytest.approx(accuracy_score(*pixels), abs=1e-6)
    assert MASK_METRICS["miou"].compute(areas) == pytest.approx(jaccard_score(*pixels, average="macro"), abs=1e-6)
    assert MASK_METRICS["dice"].compute(areas) == pytest.approx(f1_score(*pixels, average="macro"), abs=1e-6)


def test_a_class_in_neither_mask_is_undefined_and_left_out_of_the_mean():
    areas = areas_of(confusion_of(np.array([0, 0, 1, 1]), np.array([0, 1, 1, 1]), 4))
    assert areas.iou == pytest.approx([1 / 2, 2 / 3, np.nan, np.nan], nan_ok=True)
    assert mean_present(areas.iou) == pytest.approx((1 / 2 + 2 / 3) / 2)


def test_a_class_that_is_only_predicted_counts_as_zero():
    areas = areas_of(confusion_of(np.zeros(4, int), np.array([0, 0, 0, 2]), 3))
    assert areas.iou == pytest.approx([3 / 4, np.nan, 0], nan_ok=True)
    assert mean_present(areas.iou) == pytest.approx(3 / 8)
    assert areas.recall == pytest.approx([3 / 4, np.nan, np.nan], nan_ok=True)
    assert areas.precision == pytest.approx([1, np.nan, 0], nan_ok=True)


def test_pixels_without_a_true_or_a_predicted_class_do_not_count():
    truth = np.array([[0, -1, 1, 1]])
    for nothing in (np.uint8(255), -1, 2):
        predicted = np.array([[0, 1, nothing, 1]])
        assert confusion_of(truth, predicted, 2).tolist() == [[1, 0], [0, 1]]


def test_label_maps_of_one_byte_do_not_overflow():
    truth = np.full((2, 2), 199, np.uint8)
    confusion = confusion_of(truth, truth, 200)
    assert confusion[199, 199] == confusion.sum() == 4


def compute(name: str, confusion: np.ndarray) -> np.ndarray:
    return MASK_METRICS[name].compute(areas_of(confusion))


@every_metric
def test_one_class_only_is_met_in_full(name):
    assert compute(name, confusion_of(np.ones((3, 3), int), np.ones((3, 3), int), 3)) == 1


@every_metric
def test_metric_of_no_counted_pixel_is_nan(name):
    ignored, empty = np.full((3, 3), -1), np.zeros((0, 0), int)
    assert np.isnan(compute(name, confusion_of(ignored, np.zeros((3, 3), int), 3)))
    assert np.isnan(compute(name, confusion_of(empty, empty, 3)))


@every_metric
def test_metric_is_within_zero_and_one_and_reaches_both(name):
    truth, predicted = random_masks(0)
    assert 0 < compute(name, confusion_of(truth, predicted, 5)) < 1
    assert compute(name, confusion_of(truth, truth, 5)) == 1
    assert compute(name, confusion_of(truth, (truth + 1) % 5, 5)) == 0
    assert MASK_METRICS[name].meaning


@every_metric
def test_order_of_pictures_and_of_classes_does_not_change_a_metric(name):
    pairs = [random_masks(seed) for seed in range(6)]
    value = compute(name, sum(confusion_of(*pair, 5) for pair in pairs))
    assert compute(name, sum(confusion_of(*pair, 5) for pair in reversed(pairs))) == value
    classes = np.random.default_rng(1).permutation(5)
    renamed = [(np.where(truth < 0, -1, classes[truth]), classes[predicted]) for truth, predicted in pairs]
    assert compute(name, sum(confusion_of(*pair, 5) for pair in renamed)) == pytest.approx(value, abs=1e-12)


@every_metric
def test_a_stack_of_confusions_gives_a_number_each(name):
    confusions = np.stack([confusion_of(*random_masks(seed), 5) for seed in range(6)]).reshape(2, 3, 5, 5)
    stacked = compute(name, confusions)
    assert stacked.shape == (2, 3)
    assert stacked[1, 2] == compute(name, confusions[1, 2])


def test_masks_of_different_sizes_are_refused_with_both():
    with pytest.raises(DataError, match=r"truth has \(height, width\) \(4, 6\), the prediction \(6, 4\); resize"):
        confusion_of(np.zeros((4, 6), int), np.zeros((6, 4), int), 2)


def test_a_truth_with_values_outside_the_classes_is_refused_with_them():
    with pytest.raises(DataError, match=r"truth holds \[-2, 255\]; allowed: 0..1 for the 2 classes and -1 for ignored"):
        confusion_of(np.array([0, 255, -2, 1]), np.zeros(4, int), 2)
