"""What a model predicts for one image: a small class for each task; none of them needs torch."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

SHOWN = 3  # names that a repr lists


class Prediction(Protocol):
    """What predictions of all tasks have."""

    @property
    def path(self) -> str:
        """The image's file, or "" for one given in memory."""
        ...


@dataclass(frozen=True, repr=False)
class LabelPrediction:
    """The class of an image.

    Attributes:
        path: the image's file, or "" for one given in memory.
        label: name of the most probable class.
        score: its probability.
        scores: class name -> probability; they sum to 1.
    """

    path: str
    label: str
    score: float
    scores: Mapping[str, float]

    def __repr__(self) -> str:
        """As in LabelPrediction('a.jpg', 'robin', 0.93)."""
        return _told(self, f"{self.label!r}, {self.score:.2f}")


@dataclass(frozen=True, repr=False)
class MultiLabelPrediction:
    """The labels that apply to an image.

    Attributes:
        path: the image's file, or "" for one given in memory.
        labels: those that reach their threshold, most probable first.
        scores: label -> probability; each stands by itself.
    """

    path: str
    labels: tuple[str, ...]
    scores: Mapping[str, float]

    def __repr__(self) -> str:
        """As in MultiLabelPrediction('a.jpg', dog 0.91, cat 0.60)."""
        found = [f"{name} {self.scores[name]:.2f}" for name in self.labels]
        return _told(self, _shortened(found) or f"none of {len(self.scores)} labels")


@dataclass(frozen=True, repr=False)
class ColumnsPrediction:
    """A class in each label column.

    Attributes:
        path: the image's file, or "" for one given in memory.
        columns: label column -> its most probable class.
        scores: "column=class" -> probability; those of a column sum to 1.
    """

    path: str
    columns: Mapping[str, str]
    scores: Mapping[str, float]

    @property
    def labels(self) -> tuple[str, ...]:
        """The class of each column, in their order."""
        return tuple(self.columns.values())

    @property
    def answers(self) -> Mapping[str, str]:
        """Deprecated: the old name of `columns`."""
        warnings.warn("ColumnsPrediction.answers is now called columns.", DeprecationWarning, stacklevel=2)
        return self.columns

    def __repr__(self) -> str:
        """As in ColumnsPrediction('a.jpg', species=robin 0.93, season=winter 0.71)."""
        found = [f"{name}={label}" for name, label in self.columns.items()]
        return _told(self, _shortened([f"{name} {self.scores[name]:.2f}" for name in found]))


@dataclass(frozen=True, repr=False, eq=False)
class MaskPrediction:
    """The class of each pixel.

    Attributes:
        path: the image's file, or "" for one given in memory.
        scores: class name -> share of the image's pixels; they sum to 1.
        mask: (H, W) uint8 class index of each pixel, in the image's own pixels.
        confidence: (H, W) float32 probability of each pixel's class, where it was asked for.
    """

    path: str
    scores: Mapping[str, float]
    mask: np.ndarray
    confidence: np.ndarray | None = None

    def __repr__(self) -> str:
        """As in MaskPrediction('a.jpg', 480 x 640, ground 81%, tree 19%)."""
        height, width = self.mask.shape
        largest = sorted(self.scores.items(), key=lambda item: -item[1])
        shares = _shortened([f"{name} {share:.0%}" for name, share in largest if share > 0])
        return _told(self, f"{height} x {width}, {shares}")


@dataclass(frozen=True, repr=False, eq=False)
class BoxPrediction:
    """The objects of an image.

    Attributes:
        path: the image's file, or "" for one given in memory.
        boxes: (N, 4) float32 x1 y1 x2 y2 in pixels of the image, most certain first.
        box_labels: N class names.
        box_scores: (N,) float32 in [0, 1].
    """

    path: str
    boxes: np.ndarray
    box_labels: tuple[str, ...]
    box_scores: np.ndarray

    def __repr__(self) -> str:
        """As in BoxPrediction('a.jpg', 3 boxes: 2 car, 1 bus)."""
        counts = [f"{count} {name}" for name, count in Counter(self.box_labels).most_common()]
        size = f"{len(self.box_labels)} box{'' if len(self.box_labels) == 1 else 'es'}"
        return _told(self, f"{size}: {_shortened(counts)}" if counts else size)


def _told(prediction: Prediction, words: str) -> str:
    where = f"{prediction.path!r}, " if prediction.path else ""
    return f"{type(prediction).__name__}({where}{words})"


def _shortened(words: Sequence[str]) -> str:
    left = len(words) - SHOWN
    return ", ".join([*words[:SHOWN], *([f"{left} more"] if left > 0 else [])])
