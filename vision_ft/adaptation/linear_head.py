"""A linear head on cached features of two cameras: cheap enough for the label curve and the split check."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from vision_ft.errors import DataError
from vision_ft.tasks.classification import PROBE_STRENGTH, fit_probe

# Measured on the sets of PROBE_STRENGTH: with 50 labels beside 500 old images 91% on webcam, against 86% with equal
# weight per image and 83% from the labels alone; 0.7 is as good, but worse for 10 labels.
NEW_SHARE = 0.5

Predict = Callable[[np.ndarray], np.ndarray]
Fit = Callable[["LabelledFeatures", np.ndarray | None], Predict]


@dataclass(frozen=True)
class LabelledFeatures:
    """Cached features of images with their classes.

    Attributes:
        features: (N, D).
        labels: (N,) class indices, all >= 0; or numbers (N, T).
        groups: (N,) camera, day, sequence, ... of each image, None where it has none; or None for all.

    Raises:
        DataError: the arrays differ in length, or an image has no label.
    """

    features: np.ndarray
    labels: np.ndarray
    groups: np.ndarray | None = None

    def __post_init__(self) -> None:
        held = "" if self.groups is None else f", {len(self.groups)} groups"
        if len(self.labels) != len(self.features) or (self.groups is not None and len(self.groups) != len(self.labels)):
            raise DataError(
                f"labelled features: {len(self.features)} rows of features, {len(self.labels)} labels{held}; they must "
                "be as many"
            )
        if self.labels.dtype.kind in "iu" and len(self.labels) and int(np.min(self.labels)) < 0:
            raise DataError(
                f"labelled features row {int(np.argmin(self.labels))}: label {int(np.min(self.labels))}; images "
                "without a label have to be left out"
            )

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, rows: np.ndarray) -> LabelledFeatures:
        """Return some of the images."""
        groups = None if self.groups is None else self.groups[rows]
        return LabelledFeatures(self.features[rows], self.labels[rows], groups)


def domain_weights(is_new: np.ndarray, *, new_share: float = NEW_SHARE) -> np.ndarray:
    """Weights (N,) with mean 1 so that the new camera's images together weigh `new_share` of all.

    Few new labels beside many old images would otherwise hardly move the head. Where only one camera has images,
    all weigh 1.

    Args:
        is_new: (N,) whether an image comes from the new camera.
        new_share: between 0 and 1.
    """
    is_new = np.asarray(is_new, bool)
    num_new, num_all = int(is_new.sum()), len(is_new)
    if num_new in (0, num_all):
        return np.ones(num_all)
    return np.where(is_new, new_share * num_all / num_new, (1 - new_share) * num_all / (num_all - num_new))


def fit_head(
    train: LabelledFeatures, weights: np.ndarray | None = None, *, strength: float = PROBE_STRENGTH
) -> Predict:
    """Fit a linear head at one strength; see `tasks.classification.fit_probe`."""
    return fit_probe(train.features, train.labels, weights, strength=strength)
