"""Answers of a trained model for files, PIL pictures and arrays, prepared as in validation."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from vision_ft.deploy.base import PicturePredictor, View
from vision_ft.deploy.boxes import BoxPredictor
from vision_ft.deploy.masks import MaskPredictor
from vision_ft.deploy.options import Options
from vision_ft.deploy.several import SeveralPredictor, several_predictor
from vision_ft.errors import ModelError
from vision_ft.models.assemble import Classifier
from vision_ft.models.folder import load_model
from vision_ft.types import ClassSpace, Prediction, Preprocessing


class Predictor(PicturePredictor):
    """A trained classifier, ready to use.

    Args:
        model: backbone and head; put into evaluation mode.
        classes: class names in the order of the logits.
        preprocessing: how pictures are prepared.
        temperature: divides the logits when calibrated probabilities are asked for.
        device: where the model computes.
    """

    task = "classification"
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

    @torch.inference_mode()
    def scores(self, images: Tensor, *, calibrated: bool = False) -> np.ndarray:
        """Return probabilities (B, K) of prepared pictures (B, C, H, W)."""
        logits = self.model(images.to(self.device)).float()
        if calibrated:
            logits = logits / self.temperature
        return logits.softmax(dim=1).cpu().numpy()

    def _forward(self, images: Tensor, options: Options) -> np.ndarray:
        return self.scores(images, calibrated=options.calibrated)

    def _join(self, view: View, outputs: Iterable[np.ndarray], _options: Options) -> Prediction:
        (row,) = outputs
        best = int(row.argmax())
        return Prediction(
            path=view.path,
            label=self.classes.names[best],
            score=float(row[best]),
            scores={name: float(value) for name, value in zip(self.classes.names, row, strict=True)},
        )


AnyPredictor = Predictor | SeveralPredictor | MaskPredictor | BoxPredictor


def load_predictor(run: str | Path, *, device: str = "cpu") -> AnyPredictor:
    """Load the model of a run folder, or a model folder itself, as the predictor of its task.

    Raises:
        ModelError: there is no model, or its files are damaged.
    """
    model, classes, preprocessing, extra = load_model(model_folder(run))
    if isinstance(model, Classifier):
        several = several_predictor(model, classes=classes, preprocessing=preprocessing, extra=extra, device=device)
        if several is not None:
            return several
        temperature = float(extra.get("temperature", 1.0))
        return Predictor(model, classes=classes, preprocessing=preprocessing, temperature=temperature, device=device)
    height, width = extra.get("picture_size") or (None, None)
    usual = None if height is None or width is None else (int(height), int(width))
    if extra.get("task") == BoxPredictor.task:
        thresholds = {str(name): float(value) for name, value in (extra.get("thresholds") or {}).items()}
        return BoxPredictor(
            model,
            classes=classes,
            preprocessing=preprocessing,
            picture_size=usual,
            thresholds=thresholds,
            device=device,
        )
    return MaskPredictor(model, classes=classes, preprocessing=preprocessing, picture_size=usual, device=device)


def task_of(run: str | Path) -> str:
    """Return the task that the model of a run answers, without loading it.

    Raises:
        ModelError: there is no model, or its config.json cannot be read.
    """
    file = model_folder(run) / "config.json"
    try:
        own = json.loads(file.read_text(encoding="utf-8")).get("vision_ft") or {}
    except (ValueError, AttributeError) as err:
        raise ModelError(f"{file}: not readable as JSON ({err}). Copy the run's model folder again.") from err
    return str(own.get("task", Predictor.task))


def model_folder(run: str | Path) -> Path:
    """Return the model folder of a run, or the folder itself where it is one.

    Raises:
        ModelError: there is no model.
    """
    folder = Path(run)
    if (folder / "model").is_dir():
        folder = folder / "model"
    if not (folder / "config.json").is_file():
        raise ModelError(f"{run}: no trained model here (model/config.json is missing). Give a finished run's folder.")
    return folder
