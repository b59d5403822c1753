"""The labels that apply to images by a trained multilabel model."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from torch import Tensor

from vision_ft.deploy.feeding import RegionStates
from vision_ft.deploy.options import Options
from vision_ft.deploy.predictor import ImagePredictor, View
from vision_ft.deploy.writers.table import TableWriter
from vision_ft.evaluate.labels.metrics import DEFAULT_THRESHOLD
from vision_ft.models.assemble import Classifier
from vision_ft.predictions import MultiLabelPrediction
from vision_ft.types import MULTILABEL, ClassSpace, Preprocessing


class MultiLabelPredictor(ImagePredictor[MultiLabelPrediction]):
    """A trained multilabel model, ready to use.

    Args:
        model: backbone and head; put into evaluation mode.
        classes: names of the labels in the order of the logits.
        preprocessing: how images are prepared.
        thresholds: name -> score from which on a label is given; 0.5 where there is none.
        device: where the model computes.
    """

    task = MULTILABEL
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

    @classmethod
    def from_saved(
        cls,
        model: Any,
        *,
        classes: ClassSpace,
        preprocessing: Preprocessing,
        extra: Mapping[str, Any],
        device: str = "cpu",
    ) -> MultiLabelPredictor:
        """Return the predictor of a model folder, with the thresholds saved there."""
        saved = extra.get("thresholds") or {}
        return cls(model, classes=classes, preprocessing=preprocessing, thresholds=saved, device=device)

    def writer(self) -> TableWriter[MultiLabelPrediction]:
        """Return the writer of `path,labels,<a column per label>`; the labels are joined by semicolons."""
        return TableWriter(
            task=self.task,
            columns=("labels",),
            cells=lambda found: [";".join(found.labels)],
            names=self.classes.names,
        )

    def region_states(self, options: Options) -> RegionStates:
        """Return how a region gets its labels."""
        return RegionStates(
            lambda images: np.asarray(self.outputs(images, options)),
            self.classes.names,
            thresholds=self._limits(options),
        )

    def _limits(self, options: Options) -> np.ndarray:
        return self.thresholds if options.threshold is None else np.full(len(self.classes), options.threshold)

    def _forward(self, images: Tensor, _options: Options) -> np.ndarray:
        scores: np.ndarray = self.model(images).float().sigmoid().cpu().numpy()
        return scores

    def _join(self, view: View, outputs: Iterable[np.ndarray], options: Options) -> MultiLabelPrediction:
        (scores,) = outputs
        limits = self._limits(options)
        reached = [int(k) for k in np.argsort(-scores, kind="stable") if scores[k] >= limits[k]]
        return MultiLabelPrediction(
            path=view.path,
            labels=tuple(self.classes.names[k] for k in reached),
            scores=self._by_name(scores),
        )
