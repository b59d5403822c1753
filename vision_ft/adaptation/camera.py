"""A sample of images of one camera, as the measures of a shift read it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

MIN_LABELLED_SHARE = 0.5  # below it, the labelled images may be a choice (the hard ones), not a sample


@dataclass(frozen=True)
class DomainSample:
    """Images of one camera as the source model sees them.

    Attributes:
        features: (N, D) pooled features of the source model's backbone.
        pixels: (N, P) `pixel_statistics`, of images of one size for both cameras.
        labels: (N,) class indices, -1 = unlabelled; None when nothing is labelled.
        scores: (N, K) probabilities of the source model, None when unknown; K may be less than the number of classes
            when the new camera has added some.
        groups: (N,) group names (day, sequence, ...), None for an image of no group; None when there are no groups.
    """

    features: np.ndarray
    pixels: np.ndarray
    labels: np.ndarray | None = None
    scores: np.ndarray | None = None
    groups: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.features)

    @property
    def group_ids(self) -> np.ndarray:
        """(N,) int64 group of each image; an image of no group is a group of its own."""
        if self.groups is None:
            return np.arange(len(self))
        names = [f"image {row}" if name is None else f"group {name}" for row, name in enumerate(self.groups)]
        ids: np.ndarray = np.unique(names, return_inverse=True)[1]
        return ids

    @property
    def is_labelled(self) -> bool:
        """Whether enough images are labelled to count the classes."""
        return self.labels is not None and len(self) > 0 and bool(np.mean(self.labels >= 0) >= MIN_LABELLED_SHARE)


def known_classes(old: DomainSample, new: DomainSample) -> tuple[np.ndarray, np.ndarray, str] | None:
    """Class of each image of both cameras, -1 where unknown, and where it comes from."""
    if old.is_labelled and new.is_labelled:
        return np.asarray(old.labels), np.asarray(new.labels), "labels"
    if old.scores is None or new.scores is None:
        return None
    return old.scores.argmax(axis=1), new.scores.argmax(axis=1), "predictions"
