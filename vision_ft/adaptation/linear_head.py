"""A linear head on cached features of two cameras: cheap enough for the label curve and the split check."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from vision_ft.errors import DataError
from vision_ft.tasks.convex import fit_linear

# Measured with ResNet-18 features at 96 px (office_cameras amazon -> webcam, parking_patches ufpr05 -> camera 4): among
# 0.001, 0.01 and 0.1 it is within two points of the best for 10, 25 and 50 labels, so that no fit has to search.
HEAD_STRENGTH = 0.01
# Measured there too: with 50 labels beside 500 old pictures 91% on webcam, against 86% with equal weight a picture and
# 83% from the labels alone; 0.7 is as good, but worse for 10 labels.
NEW_SHARE = 0.5

Predict = Callable[[np.ndarray], np.ndarray]
Fit = Callable[["LabelledFeatures", np.ndarray | None], Predict]


@dataclass(frozen=True)
class LabelledFeatures:
    """Cached features of pictures with their classes.

    Attributes:
        features: (N, D).
        labels: (N,) class indices, all >= 0.
        groups: (N,) camera, day, sequence, ... of each picture, None where it has none; or None for all.

    Raises:
        DataError: the arrays differ in length, or a picture has no label.
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
        if len(self.labels) and int(np.min(self.labels)) < 0:
            raise DataError(
                f"labelled features row {int(np.argmin(self.labels))}: label {int(np.min(self.labels))}; pictures "
                "without a label have to be left out"
            )

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, rows: np.ndarray) -> LabelledFeatures:
        """Return some of the pictures."""
        groups = None if self.groups is None else self.groups[rows]
        return LabelledFeatures(self.features[rows], self.labels[rows], groups)


def domain_weights(is_new: np.ndarray, *, new_share: float = NEW_SHARE) -> np.ndarray:
    """Weights (N,) with mean 1 so that the new camera's pictures together weigh `new_share` of all.

    Few new labels beside many old pictures would otherwise hardly move the head. Where only one camera has pictures,
    all weigh 1.

    Args:
        is_new: (N,) whether a picture comes from the new camera.
        new_share: between 0 and 1.
    """
    is_new = np.asarray(is_new, bool)
    num_new, num_all = int(is_new.sum()), len(is_new)
    if num_new in (0, num_all):
        return np.ones(num_all)
    return np.where(is_new, new_share * num_all / num_new, (1 - new_share) * num_all / (num_all - num_new))


def fit_head(train: LabelledFeatures, weights: np.ndarray | None = None, *, strength: float = HEAD_STRENGTH) -> Predict:
    """Fit a linear head at one strength and return its predictor, features (M, D) -> class indices (M,).

    A train set of one class gives a predictor that answers that class.

    Args:
        train: at least one picture.
        weights: (N,) how much each picture counts; None for all the same.
        strength: inverse L2 strength for standardised features.
    """
    known, labels = np.unique(train.labels, return_inverse=True)
    if len(known) < 2:
        return lambda features: np.full(len(features), known[0])
    first = (train.features[:1], labels[:1])  # a val set of one picture: nothing is chosen, so no folds are fitted
    fitted = fit_linear((train.features, labels), first, num_classes=len(known), strengths=[strength], weights=weights)
    return lambda features: known[(features @ fitted.weight.T + fitted.bias).argmax(axis=1)]
