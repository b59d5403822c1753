"""From logits to the answer for a picture: one label, a set of labels, or a label a column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from vision_ft.evaluate.label_metrics import DEFAULT_THRESHOLD
from vision_ft.types import ClassSpace, LabelColumn, Prediction


class Answers(Protocol):
    """How a model's logits are read."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of what a line of a CSV file says besides path and scores."""

    def scores(self, logits: Tensor, *, calibrated: bool) -> Tensor:
        """Map logits (B, K) to probabilities (B, K)."""

    def answer(self, path: str, scores: np.ndarray) -> Prediction:
        """Return what probabilities (K,) say of a picture."""

    def cells(self, prediction: Prediction) -> list[str]:
        """Return the values of `columns` for a prediction."""


class OneLabel:
    """The most probable class.

    Args:
        classes: K class names.
        temperature: divides the logits when calibrated probabilities are asked for.
    """

    columns = ("predicted", "score")

    def __init__(self, classes: ClassSpace, temperature: float) -> None:
        self.classes, self.temperature = classes, temperature

    def scores(self, logits: Tensor, *, calibrated: bool) -> Tensor:
        """Map logits (B, K) to probabilities that sum to 1."""
        return (logits / self.temperature if calibrated else logits).softmax(dim=1)

    def answer(self, path: str, scores: np.ndarray) -> Prediction:
        """Return the most probable class."""
        best = int(scores.argmax())
        by_name = _by_name(self.classes.names, scores)
        return Prediction(path=path, label=self.classes.names[best], score=float(scores[best]), scores=by_name)

    def cells(self, prediction: Prediction) -> list[str]:
        """Return the class and its probability."""
        return [str(prediction.label), f"{prediction.score:.6g}"]


class LabelSet:
    """All labels whose probability reaches their threshold.

    Args:
        classes: K names of labels.
        thresholds: name -> threshold; 0.5 where there is none.
    """

    columns = ("labels",)

    def __init__(self, classes: ClassSpace, thresholds: Mapping[str, float]) -> None:
        self.classes = classes
        self.thresholds = np.array([float(thresholds.get(name, DEFAULT_THRESHOLD)) for name in classes.names])

    def scores(self, logits: Tensor, *, calibrated: bool) -> Tensor:  # noqa: ARG002 - thresholds are for raw ones
        """Map logits (B, K) to a probability for each label; no temperature is fitted for them."""
        return logits.sigmoid()

    def answer(self, path: str, scores: np.ndarray) -> Prediction:
        """Return the labels that apply, the most probable first; possibly none."""
        reached = [int(k) for k in np.argsort(-scores, kind="stable") if scores[k] >= self.thresholds[k]]
        labels = tuple(self.classes.names[k] for k in reached)
        return Prediction(path=path, labels=labels, scores=_by_name(self.classes.names, scores))

    def cells(self, prediction: Prediction) -> list[str]:
        """Return the labels, joined by semicolons."""
        return [";".join(prediction.labels or ())]


class ColumnLabels:
    """The most probable class of each label column.

    Args:
        columns: label columns, whose classes follow each other in the outputs.
        temperatures: one a column.
    """

    def __init__(self, columns: Sequence[LabelColumn], temperatures: Sequence[float]) -> None:
        self._columns = tuple(columns)
        self._temperatures = tuple(temperatures)
        self._sizes = [len(column.classes) for column in columns]
        self._names = [f"{column.name}={name}" for column in columns for name in column.classes]

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the label columns."""
        return tuple(column.name for column in self._columns)

    def scores(self, logits: Tensor, *, calibrated: bool) -> Tensor:
        """Map logits (B, K) to probabilities; those of each column sum to 1."""
        parts = [
            (part / temperature if calibrated else part).softmax(dim=1)
            for part, temperature in zip(logits.split(self._sizes, dim=1), self._temperatures, strict=True)
        ]
        return torch.cat(parts, dim=1)

    def answer(self, path: str, scores: np.ndarray) -> Prediction:
        """Return the most probable class of each column."""
        parts = np.split(scores, np.cumsum(self._sizes)[:-1])
        found = {one.name: one.classes[int(part.argmax())] for one, part in zip(self._columns, parts, strict=True)}
        return Prediction(path=path, labels=tuple(found.values()), answers=found, scores=_by_name(self._names, scores))

    def cells(self, prediction: Prediction) -> list[str]:
        """Return the class of each column."""
        return list(prediction.answers.values())


def answers_of(extra: Mapping[str, Any], classes: ClassSpace) -> Answers:
    """Return how the logits of a saved model are read, from the values that were saved with it."""
    if extra.get("task") == "multilabel":
        return LabelSet(classes, extra.get("thresholds") or {})
    if extra.get("task") == "multitask":
        columns = [LabelColumn(str(item["name"]), tuple(item["classes"])) for item in extra["tasks"]]
        return ColumnLabels(columns, [float(one) for one in extra.get("temperatures") or [1.0] * len(columns)])
    return OneLabel(classes, float(extra.get("temperature", 1.0)))


def _by_name(names: Sequence[str], scores: np.ndarray) -> dict[str, float]:
    return {name: float(value) for name, value in zip(names, scores, strict=True)}
