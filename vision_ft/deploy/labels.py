"""The class of images by a trained classifier."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vision_ft.deploy.feeding import RegionStates
from vision_ft.deploy.options import Options
from vision_ft.deploy.predictor import ImagePredictor, View
from vision_ft.deploy.writers.table import TableWriter
from vision_ft.models.assemble import Classifier
from vision_ft.predictions import LabelPrediction
from vision_ft.types import CLASSIFICATION, ClassSpace, Preprocessing


class LabelPredictor(ImagePredictor[LabelPrediction]):
    """A trained classifier, ready to use.

    Args:
        model: backbone and head; put into evaluation mode.
        classes: class names in the order of the logits.
        preprocessing: how images are prepared.
        temperature: divides the logits when calibrated probabilities are asked for.
        device: where the model computes.
    """

    task = CLASSIFICATION
    takes = ("calibrated",)
    batch_size = 32

    def __init__(
        self,
        model: Classifier,
        *,
        classes: ClassSpace,
        preprocessing: Preprocessing,
        temperature: float = 1.0,
        device: str = "cpu",
    ) -> None:
        super().__init__(model, classes=classes, preprocessing=preprocessing, device=device)
        self.temperature = temperature

    @classmethod
    def from_saved(
        cls,
        model: Any,
        *,
        classes: ClassSpace,
        preprocessing: Preprocessing,
        extra: Mapping[str, Any],
        device: str = "cpu",
    ) -> LabelPredictor:
        """Return the predictor of a model folder, with the temperature saved there."""
        temperature = float(extra.get("temperature", 1.0))
        return cls(model, classes=classes, preprocessing=preprocessing, temperature=temperature, device=device)

    def writer(self) -> TableWriter[LabelPrediction]:
        """Return the writer of `path,predicted,score,<a column per class>`."""
        return TableWriter(
            task=self.task,
            columns=("predicted", "score"),
            cells=lambda found: [found.label, f"{found.score:.6g}"],
            names=self.classes.names,
        )

    def region_states(self, options: Options) -> RegionStates:
        """Return how a region gets its class."""
        return RegionStates(lambda images: np.asarray(self.outputs(images, options)), self.classes.names)

    @torch.inference_mode()
    def scores(self, images: Tensor, *, calibrated: bool = False) -> np.ndarray:
        """Return probabilities (B, K) of prepared images (B, C, H, W)."""
        logits = self.model(images.to(self.device)).float()
        if calibrated:
            logits = logits / self.temperature
        return logits.softmax(dim=1).cpu().numpy()

    def _forward(self, images: Tensor, options: Options) -> np.ndarray:
        return self.scores(images, calibrated=options.calibrated)

    def _join(self, view: View, outputs: Iterable[np.ndarray], _options: Options) -> LabelPrediction:
        (row,) = outputs
        best = int(row.argmax())
        return LabelPrediction(
            path=view.path,
            label=self.classes.names[best],
            score=float(row[best]),
            scores=self._by_name(row),
        )
