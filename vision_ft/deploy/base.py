"""What predictors of all tasks share: pictures in, cut into views, answered in batches, one prediction a picture."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby, islice
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from vision_ft.deploy.options import Options, Tile, check_options
from vision_ft.deploy.pictures import Picture, open_picture, path_of
from vision_ft.deploy.tiles import Box, TilePlan, plan_whole
from vision_ft.errors import DataError
from vision_ft.models.assemble import VisionModel
from vision_ft.models.preprocessing import build_eval_transform
from vision_ft.types import ClassSpace, Prediction, Preprocessing


@dataclass(frozen=True)
class View:
    """A part of a picture as the network reads it.

    Attributes:
        number: place of the picture among those asked for.
        path: its file, or "".
        plan: the tiles of the picture.
        tensor: (C, h, w).
    """

    number: int
    path: str
    plan: TilePlan
    tensor: Tensor


@dataclass(frozen=True)
class Broken:
    """A picture that cannot be read; `number` is its place among those asked for."""

    number: int
    error: DataError


class PicturePredictor(ABC):
    """A trained model, ready to use.

    Args:
        model: backbone and head; put into evaluation mode.
        classes: class names in the order of the model's outputs.
        preprocessing: how pictures are prepared.
        device: where the model computes.
    """

    task: ClassVar[str]
    takes: ClassVar[tuple[str, ...]]  # the fields of Options that mean something here
    batch_size: ClassVar[int]  # views a forward pass

    def __init__(
        self, model: VisionModel, *, classes: ClassSpace, preprocessing: Preprocessing, device: str = "cpu"
    ) -> None:
        self.model = model.eval().to(device)
        self.classes = classes
        self.preprocessing = preprocessing
        self.device = torch.device(device)
        self._transform = build_eval_transform(preprocessing)

    def predict(
        self,
        pictures: Picture | Iterable[Picture],
        *,
        batch_size: int | None = None,
        calibrated: bool = False,
        tile: Tile | None = None,
        overlap: float | None = None,
        threshold: float | None = None,
        confidence: bool = False,
    ) -> list[Prediction]:
        """Return one prediction a picture, in order.

        Args:
            pictures: files, PIL pictures, or arrays (H, W), (H, W, 1) or (H, W, 3) uint8; one or many.
            batch_size: pictures or tiles a forward pass; by default 32 for classification, 8 for masks and boxes.
            calibrated: classification: divide the logits by the temperature fitted on val, so that a probability of
                0.8 is right in about 80% of the cases.
            tile: masks and boxes: "auto" (default), True, False, or the side of a tile in pixels; see `Options`.
            overlap: masks and boxes: share of a tile's side that neighbours have in common; 0.25 by default.
            threshold: boxes: score from which on a box is given; by default each class's own, best on val.
            confidence: masks: also give the probability of each pixel's class.

        Raises:
            DataError: a picture cannot be decoded or is not of the kinds above.
            RecipeError: an option that this task does not take, or a value that cannot be.
        """
        one = isinstance(pictures, str | Path | Image.Image | np.ndarray)
        queue: Iterable[Picture] = [pictures] if one else pictures  # type: ignore[list-item,assignment]
        options = Options(calibrated, tile, overlap, threshold, confidence)
        answers: list[Prediction] = []
        for answer in self.predict_each(queue, options=options, batch_size=batch_size):
            if isinstance(answer, DataError):
                raise answer
            answers.append(answer)
        return answers

    def predict_each(
        self, pictures: Iterable[Picture], *, options: Options | None = None, batch_size: int | None = None
    ) -> Iterator[Prediction | DataError]:
        """Give the prediction or the error of each picture, in order; a broken picture does not end the work.

        Pictures are opened when it is their turn, so many large ones never lie in memory together.

        Raises:
            RecipeError: an option that this task does not take, or a value that cannot be.
        """
        chosen = options or Options()
        check_options(chosen, task=self.task, takes=self.takes)
        answered = self._answer(self._views(pictures, chosen), batch_size or self.batch_size, chosen)
        return self._joined(answered, chosen)

    def prepare(self, picture: Picture) -> Tensor:
        """Return the tensor (C, H, W) that the model reads when it answers for the picture as a whole.

        Raises:
            DataError: the picture cannot be decoded or is of another kind.
        """
        return self._transform(open_picture(picture, self.preprocessing.size[0]))

    def _plan(self, size: tuple[int, int], _options: Options) -> TilePlan:
        """Return the tiles of a picture of `size` (H, W): by default one, the whole."""
        return plan_whole(size)

    @abstractmethod
    def _forward(self, images: Tensor, options: Options) -> Iterable[Any]:
        """Return the model's output for each of the views (B, C, h, w)."""

    @abstractmethod
    def _join(self, view: View, outputs: Iterable[Any], options: Options) -> Prediction:
        """Make the prediction of a picture from the outputs of all its views, of which `view` is the first."""

    def _views(self, pictures: Iterable[Picture], options: Options) -> Iterator[View | Broken]:
        for number, picture in enumerate(pictures):
            try:
                image = open_picture(picture, self.preprocessing.size[0])
            except DataError as err:
                yield Broken(number, err)
                continue
            plan = self._plan((image.height, image.width), options)
            for box in plan.boxes:
                yield View(number, path_of(picture), plan, self._transform(_cut_out(image, box)))

    @torch.inference_mode()
    def _answer(
        self, views: Iterator[View | Broken], batch_size: int, options: Options
    ) -> Iterator[tuple[View | Broken, Any]]:
        while chunk := list(islice(views, batch_size)):
            tensors = [view.tensor for view in chunk if isinstance(view, View)]
            outputs = iter(self._forward(torch.stack(tensors).to(self.device), options) if tensors else ())
            for view in chunk:
                yield view, next(outputs) if isinstance(view, View) else None

    def _joined(
        self, answered: Iterator[tuple[View | Broken, Any]], options: Options
    ) -> Iterator[Prediction | DataError]:
        for _, group in groupby(answered, key=lambda item: item[0].number):
            first, output = next(group)
            if isinstance(first, Broken):
                yield first.error
            else:
                yield self._join(first, _chain(output, group), options)  # noqa: B031 - goes on after the first


def _chain(first: Any, rest: Iterable[tuple[View | Broken, Any]]) -> Iterator[Any]:
    yield first
    yield from (output for _, output in rest)


def _cut_out(image: Image.Image, box: Box) -> Image.Image:
    return image if box == (0, 0, *image.size) else image.crop(box)
