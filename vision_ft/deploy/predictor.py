"""Answers of a trained model for files, PIL pictures and arrays, prepared as in validation."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from vision_ft.data.decode import decode
from vision_ft.deploy.answers import Answers, OneLabel, answers_of
from vision_ft.errors import DataError, ModelError
from vision_ft.models.assemble import Classifier
from vision_ft.models.folder import load_model
from vision_ft.models.preprocessing import build_eval_transform
from vision_ft.types import ClassSpace, Prediction, Preprocessing

Picture = str | Path | Image.Image | np.ndarray


class Predictor:
    """A trained classifier, ready to use.

    Args:
        model: backbone and head; put into evaluation mode.
        classes: class names in the order of the logits.
        preprocessing: how pictures are prepared.
        temperature: divides the logits when calibrated probabilities are asked for.
        device: where the model computes.
        answers: how the logits are read; one label a picture where nothing else is said.
    """

    def __init__(
        self,
        model: Classifier,
        *,
        classes: ClassSpace,
        preprocessing: Preprocessing,
        temperature: float = 1.0,
        device: str = "cpu",
        answers: Answers | None = None,
    ) -> None:
        self.model = model.eval().to(device)
        self.classes = classes
        self.preprocessing = preprocessing
        self.temperature = temperature
        self.device = torch.device(device)
        self.answers = answers or OneLabel(classes, temperature)
        self._transform = build_eval_transform(preprocessing)

    def predict(
        self, pictures: Picture | Iterable[Picture], *, batch_size: int = 32, calibrated: bool = False
    ) -> list[Prediction]:
        """Return one prediction a picture, in order.

        Args:
            pictures: files, PIL pictures, or arrays (H, W), (H, W, 1) or (H, W, 3) uint8; one or many.
            batch_size: pictures a forward pass.
            calibrated: divide the logits by the temperature fitted on val, so that a probability of 0.8 is right in
                about 80% of the cases.

        Raises:
            DataError: a picture cannot be decoded or is not of the kinds above.
        """
        one = isinstance(pictures, str | Path | Image.Image | np.ndarray)
        queue: list[Picture] = [pictures] if one else list(pictures)  # type: ignore[list-item,arg-type]
        answers: list[Prediction] = []
        for start in range(0, len(queue), batch_size):
            chunk = queue[start : start + batch_size]
            scores = self.scores(torch.stack([self.prepare(picture) for picture in chunk]), calibrated=calibrated)
            answers += [self._answer(picture, row) for picture, row in zip(chunk, scores, strict=True)]
        return answers

    def predict_files(self, files: Sequence[Path], *, batch_size: int = 32) -> Iterator[Prediction | DataError]:
        """Yield a prediction or the error of each file, in order; a broken picture does not end the work."""
        for start in range(0, len(files), batch_size):
            chunk = files[start : start + batch_size]
            prepared = [self._prepare_or_error(file) for file in chunk]
            tensors = [item for item in prepared if isinstance(item, Tensor)]
            scores = iter(self.scores(torch.stack(tensors))) if tensors else iter(())
            for file, item in zip(chunk, prepared, strict=True):
                yield item if isinstance(item, DataError) else self._answer(file, next(scores))

    def _prepare_or_error(self, file: Path) -> Tensor | DataError:
        try:
            return self.prepare(file)
        except DataError as err:
            return err

    def prepare(self, picture: Picture) -> Tensor:
        """Return the tensor (C, H, W) that the model reads.

        Raises:
            DataError: the picture cannot be decoded or is of another kind.
        """
        channels = self.preprocessing.size[0]
        if isinstance(picture, str | Path):
            return self._transform(decode(Path(picture), channels=1 if channels == 1 else 3))
        if isinstance(picture, np.ndarray):
            picture = _from_array(picture)
        if not isinstance(picture, Image.Image):
            raise DataError(f"got a {type(picture).__name__}; allowed: a path, a PIL picture, or an array (H, W, C).")
        return self._transform(picture.convert("L" if channels == 1 else "RGB"))

    @torch.inference_mode()
    def scores(self, images: Tensor, *, calibrated: bool = False) -> np.ndarray:
        """Return probabilities (B, K) of prepared pictures (B, C, H, W)."""
        logits = self.model(images.to(self.device)).float()
        return self.answers.scores(logits, calibrated=calibrated).cpu().numpy()

    def _answer(self, picture: Picture, row: np.ndarray) -> Prediction:
        return self.answers.answer(str(picture) if isinstance(picture, str | Path) else "", row)


def _from_array(array: np.ndarray) -> Image.Image:
    if array.dtype != np.uint8 or array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (1, 3)):
        raise DataError(
            f"got an array of shape {array.shape} and type {array.dtype}; allowed: uint8 of shape (H, W), (H, W, 1) or "
            "(H, W, 3), channels last, RGB."
        )
    return Image.fromarray(array[:, :, 0] if array.ndim == 3 and array.shape[2] == 1 else array)


def load_predictor(run: str | Path, *, device: str = "cpu") -> Predictor:
    """Load the model of a run folder, or a model folder itself.

    Raises:
        ModelError: there is no model, or its files are damaged.
    """
    folder = Path(run)
    if (folder / "model").is_dir():
        folder = folder / "model"
    if not (folder / "config.json").is_file():
        raise ModelError(f"{run}: no trained model here (model/config.json is missing). Give a finished run's folder.")
    model, classes, preprocessing, extra = load_model(folder)
    if not isinstance(model, Classifier):
        raise ModelError(f"{run}: its model answers {extra.get('task')}, which is not read here yet.")
    return Predictor(
        model,
        classes=classes,
        preprocessing=preprocessing,
        temperature=float(extra.get("temperature", 1.0)),
        device=device,
        answers=answers_of(extra, classes),
    )
