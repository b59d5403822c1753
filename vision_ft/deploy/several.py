"""Answers of models with several labels a picture: a set of labels, or a label a column."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vision_ft.deploy.base import PicturePredictor, View
from vision_ft.deploy.options import Options
from vision_ft.evaluate.labels.metrics import DEFAULT_THRESHOLD
from vision_ft.models.assemble import Classifier
from vision_ft.types import ClassSpace, LabelColumn, Prediction, Preprocessing


class LabelSetPredictor(PicturePredictor):
    """A trained multilabel model, ready to use.

    Args:
        model: backbone and head; put into evaluation mode.
        classes: names of the labels in the order of the logits.
        preprocessing: how pictures are prepared.
        thresholds: name -> score from which on a label is given; 0.5 where there is none.
        device: where the model computes.
    """

    task = "multilabel"
    takes = ("threshold",)
    batch_size = 32

    def __init__(
        self,
        model: Classifier,
        *,
        classes: ClassSpace,
        preprocessing: Preprocessing,
        thresholds: Mapping[str, float],
        device: str = "cpu",
    ) -> None:
        super().__init__(model, classes=classes, preprocessing=preprocessing, device=device)
        self.thresholds = np.array([float(thresholds.get(name, DEFAULT_THRESHOLD)) for name in classes.names])

    @property
    def columns(self) -> tuple[str, ...]:
        """What a table says of a picture besides its scores."""
        return ("labels",)

    def cells(self, prediction: Prediction) -> list[str]:
        """Return the values of `columns`: the labels, joined by semicolons."""
        return [";".join(prediction.labels or ())]

    def _forward(self, images: Tensor, _options: Options) -> np.ndarray:
        scores: np.ndarray = self.model(images).float().sigmoid().cpu().numpy()
        return scores

    def _join(self, view: View, outputs: Iterable[np.ndarray], options: Options) -> Prediction:
        (scores,) = outputs
        limits = self.thresholds if options.threshold is None else np.full(len(scores), options.threshold)
        reached = [int(k) for k in np.argsort(-scores, kind="stable") if scores[k] >= limits[k]]
        labels = tuple(self.classes.names[k] for k in reached)
        return Prediction(path=view.path, labels=labels, scores=_by_name(self.classes, scores))


class LabelColumnsPredictor(PicturePredictor):
    """A trained multitask model, ready to use.

    Args:
        model: backbone and heads; put into evaluation mode.
        classes: names of all outputs, as in "species=robin".
        preprocessing: how pictures are prepared.
        columns: label columns, whose classes follow each other in the outputs.
        temperatures: of each column; divide the logits when calibrated probabilities are asked for.
        device: where the model computes.
    """

    task = "multitask"
    takes = ("calibrated",)
    batch_size = 32

    def __init__(
        self,
        model: Classifier,
        *,
        classes: ClassSpace,
        preprocessing: Preprocessing,
        columns: Sequence[LabelColumn],
        temperatures: Sequence[float],
        device: str = "cpu",
    ) -> None:
        super().__init__(model, classes=classes, preprocessing=preprocessing, device=device)
        self.label_columns, self.temperatures = tuple(columns), tuple(temperatures)
        self._sizes = [len(column.classes) for column in columns]

    @property
    def columns(self) -> tuple[str, ...]:
        """What a table says of a picture besides its scores."""
        return tuple(column.name for column in self.label_columns)

    def cells(self, prediction: Prediction) -> list[str]:
        """Return the values of `columns`: the class of each."""
        return list(prediction.answers.values())

    def _forward(self, images: Tensor, options: Options) -> np.ndarray:
        parts = self.model(images).float().split(self._sizes, dim=1)
        factors = self.temperatures if options.calibrated else [1.0] * len(parts)
        shares = [(part / factor).softmax(dim=1) for part, factor in zip(parts, factors, strict=True)]
        return torch.cat(shares, dim=1).cpu().numpy()

    def _join(self, view: View, outputs: Iterable[np.ndarray], _options: Options) -> Prediction:
        (scores,) = outputs
        parts = np.split(scores, np.cumsum(self._sizes)[:-1])
        found = {one.name: one.classes[int(part.argmax())] for one, part in zip(self.label_columns, parts, strict=True)}
        return Prediction(
            path=view.path, labels=tuple(found.values()), answers=found, scores=_by_name(self.classes, scores)
        )


SeveralPredictor = LabelSetPredictor | LabelColumnsPredictor


def several_predictor(
    model: Classifier, *, classes: ClassSpace, preprocessing: Preprocessing, extra: Mapping[str, Any], device: str
) -> SeveralPredictor | None:
    """Return the predictor of a model with several labels a picture, from what was saved with it; None for others."""
    if extra.get("task") == LabelSetPredictor.task:
        return LabelSetPredictor(
            model,
            classes=classes,
            preprocessing=preprocessing,
            thresholds=extra.get("thresholds") or {},
            device=device,
        )
    if extra.get("task") != LabelColumnsPredictor.task:
        return None
    columns = [LabelColumn(str(item["name"]), tuple(item["classes"])) for item in extra["tasks"]]
    return LabelColumnsPredictor(
        model,
        classes=classes,
        preprocessing=preprocessing,
        columns=columns,
        temperatures=[float(one) for one in extra["temperatures"]],
        device=device,
    )


def _by_name(classes: ClassSpace, scores: np.ndarray) -> dict[str, float]:
    return {name: float(value) for name, value in zip(classes.names, scores, strict=True)}
