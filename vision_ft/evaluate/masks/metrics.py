"""Segmentation metrics from pixel counts: IoU, Dice, precision, recall and pixel accuracy, and the registry of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from vision_ft.errors import DataError
from vision_ft.types import UNLABELLED

PRESENT_RULE = (
    "Averages over classes (mIoU, Dice, boundary F) take the classes that are present in the truth or in the "
    "predictions; a class that is in neither has no value (null), and one that is only predicted counts as 0."
)


@dataclass(frozen=True)
class ClassAreas:
    """What the metrics read of a confusion matrix; `...` are pictures, draws or nothing.

    Attributes:
        hits: (..., K) pixels of the class that were predicted as it.
        true: (..., K) pixels of the class.
        predicted: (..., K) pixels predicted as the class.
    """

    hits: np.ndarray
    true: np.ndarray
    predicted: np.ndarray

    @property
    def iou(self) -> np.ndarray:
        """Intersection over union (..., K), the Jaccard index; NaN for a class in neither truth nor prediction."""
        return ratio(self.hits, self.true + self.predicted - self.hits)

    @property
    def dice(self) -> np.ndarray:
        """Dice coefficient (..., K), the F1 of pixels; NaN for a class in neither truth nor prediction."""
        return ratio(2 * self.hits, self.true + self.predicted)

    @property
    def precision(self) -> np.ndarray:
        """Share (..., K) of the pixels predicted as the class that are of it; NaN without one."""
        return ratio(self.hits, self.predicted)

    @property
    def recall(self) -> np.ndarray:
        """Share (..., K) of the class's pixels that were found; NaN without one."""
        return ratio(self.hits, self.true)

    @property
    def pixel_accuracy(self) -> np.ndarray:
        """Share (...) of the counted pixels that are right; NaN without one."""
        return ratio(self.hits.sum(axis=-1), self.true.sum(axis=-1))


@dataclass(frozen=True)
class MaskMetric:
    """A metric of segmentation as the registry holds it; all are in [0, 1], and higher is better.

    Attributes:
        compute: gives the numbers (...) of areas (..., K), NaN where no pixel counts.
        meaning: a sentence for people.
    """

    compute: Callable[[ClassAreas], np.ndarray]
    meaning: str


def confusion_of(truth: np.ndarray, predicted: np.ndarray, num_classes: int) -> np.ndarray:
    """Count the pixels (K, K) of each true class (row) by predicted class (column).

    Args:
        truth: class index of each pixel, any shape; pixels of -1 do not count.
        predicted: class indices of the same shape; pixels outside 0..K-1 were not predicted and do not count.
        num_classes: K.

    Raises:
        DataError: the shapes differ, or the truth holds a value that is neither a class nor -1.
    """
    truth, predicted, counted = counted_pixels(truth, predicted, num_classes)
    cells = truth[counted] * num_classes + predicted[counted]
    return np.bincount(cells, minlength=num_classes**2).reshape(num_classes, num_classes)


def counted_pixels(
    truth: np.ndarray, predicted: np.ndarray, num_classes: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return both label maps as int64, and which pixels count: those with a true and a predicted class.

    Raises:
        DataError: the shapes differ, or the truth holds a value that is neither a class nor -1.
    """
    truth, predicted = np.asarray(truth, np.int64), np.asarray(predicted, np.int64)
    if truth.shape != predicted.shape:
        raise DataError(
            f"mask: the truth has (height, width) {truth.shape}, the prediction {predicted.shape}; "
            "resize the prediction to the truth by nearest neighbour"
        )
    outside = (truth < UNLABELLED) | (truth >= num_classes)
    if outside.any():
        raise DataError(
            f"mask: the truth holds {np.unique(truth[outside])[:5].tolist()}; allowed: 0..{num_classes - 1} for the "
            f"{num_classes} classes and {UNLABELLED} for ignored pixels. Read it with its class table."
        )
    return truth, predicted, (truth != UNLABELLED) & (predicted >= 0) & (predicted < num_classes)


def areas_of(confusion: np.ndarray) -> ClassAreas:
    """Return the areas (..., K) of confusion matrices (..., K, K)."""
    return ClassAreas(
        hits=np.diagonal(confusion, axis1=-2, axis2=-1), true=confusion.sum(axis=-1), predicted=confusion.sum(axis=-2)
    )


def mean_present(values: np.ndarray) -> np.ndarray:
    """Mean (...) over the classes of `values` (..., K) that are not NaN; NaN where all are."""
    known = ~np.isnan(values)
    return ratio(np.where(known, values, 0.0).sum(axis=-1), known.sum(axis=-1))


def ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """Return part / whole, element by element; NaN where the whole is 0."""
    part, whole = np.asarray(part, np.float64), np.asarray(whole, np.float64)
    found = np.divide(part, whole, out=np.full(whole.shape, np.nan), where=whole > 0)
    number: np.ndarray = found[()]  # not 0 dimensions
    return number


MASK_METRICS: dict[str, MaskMetric] = {
    "miou": MaskMetric(
        lambda areas: mean_present(areas.iou),
        "mean over the classes of overlap by union of the true and the predicted area, so that small classes count as "
        "much as large ones",
    ),
    "dice": MaskMetric(
        lambda areas: mean_present(areas.dice),
        "mean over the classes of twice the overlap by the sum of the true and the predicted area",
    ),
    "pixel_accuracy": MaskMetric(lambda areas: areas.pixel_accuracy, "share of the pixels that are right"),
}
