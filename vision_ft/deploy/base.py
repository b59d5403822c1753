"""What predictors of all tasks share: pictures in, cut into views, answered in batches, one prediction a picture."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby, islice
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from vision_ft.deploy.pictures import Picture, open_picture, path_of
from vision_ft.deploy.tiles import Box, TilePlan, plan_tiles, plan_whole
from vision_ft.errors import DataError, RecipeError
from vision_ft.models.assemble import VisionModel
from vision_ft.models.preprocessing import build_eval_transform
from vision_ft.types import ClassSpace, Prediction, Preprocessing

Tile = bool | int | Literal["auto"]

AUTO_TILE = 1.5  # times a training picture's side: objects are then seen at less than two thirds of their size
OVERLAP = 0.25


@dataclass(frozen=True)
class Options:
    """What a person may ask of a prediction; None and False where they did not ask.

    Attributes:
        calibrated: classification: divide the logits by the temperature fitted on val.
        tile: masks and boxes: "auto" for tiles of the training pictures' size where a picture is more than 1.5 times
            as large in a side, True for such tiles always, False for none, or the side of a tile in pixels.
        overlap: masks and boxes: share of a tile's side that neighbours have in common; 0.25.
        threshold: boxes: score from which on a box is given, for all classes; by default each class has its own, best
            on val.
        confidence: masks: also give the probability of each pixel's class.
    """

    calibrated: bool = False
    tile: Tile | None = None
    overlap: float | None = None
    threshold: float | None = None
    confidence: bool = False


@dataclass(frozen=True)
class View:
    """A part of a picture as the network reads it, or why there is none.

    Attributes:
        number: place of the picture among those asked for.
        path: its file, or "".
        plan: the tiles of the picture.
        tensor: (C, h, w).
        error: why the picture cannot be read; then there is no tensor.
    """

    number: int
    path: str
    plan: TilePlan = field(default_factory=lambda: plan_whole((0, 0)))
    tensor: Tensor | None = None
    error: DataError | None = None


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
    batch_size: ClassVar[int]

    def __init__(
        self, model: VisionModel, *, classes: ClassSpace, preprocessing: Preprocessing, device: str = "cpu"
    ) -> None:
        self.model = model.eval().to(device)
        self.classes = classes
        self.preprocessing = preprocessing
        self.device = torch.device(device)
        self.picture_size: tuple[int, int] | None = None
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
            batch_size: views a forward pass; by default 32 for classification, 8 for masks and boxes.
            calibrated: classification: divide the logits by the temperature fitted on val, so that a probability of
                0.8 is right in about 80% of the cases.
            tile: masks and boxes: "auto" (default), True, False, or the side of a tile in pixels; see `Options`.
            overlap: masks and boxes: share of a tile's side that neighbours have in common; 0.25 by default.
            threshold: boxes: score from which on a box is given; by default each class's own.
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
        """Yield a prediction or the error of each picture, in order; a broken picture does not end the work.

        Pictures are opened one after the other, and only those of the present batch are in memory.

        Raises:
            RecipeError: an option that this task does not take, or a value that cannot be.
        """
        chosen = options or Options()
        self.check(chosen)
        answered = self._answers(self._views(pictures, chosen), batch_size or self.batch_size)
        return self._joined(answered, chosen)

    def check(self, options: Options) -> None:
        """Refuse options that mean nothing for this task, and values that cannot be.

        Raises:
            RecipeError: naming the option, and those that are allowed.
        """
        for name in ("calibrated", "tile", "overlap", "threshold", "confidence"):
            value = getattr(options, name)
            if name not in self.takes and value is not None and value is not False:
                raise RecipeError(
                    f"{name}: a model for {self.task} does not take it. Allowed: {', '.join(self.takes)}."
                )

    def prepare(self, picture: Picture) -> Tensor:
        """Return the tensor (C, H, W) that the model reads when it answers for the picture as a whole.

        Raises:
            DataError: the picture cannot be decoded or is of another kind.
        """
        return self._transform(open_picture(picture, self.preprocessing.size[0]))

    def plan(self, size: tuple[int, int], options: Options) -> TilePlan:
        """Return the tiles of a picture of `size` (H, W) in pixels.

        Raises:
            RecipeError: tile or overlap cannot be used.
        """
        tile = "auto" if options.tile is None else options.tile
        overlap = OVERLAP if options.overlap is None else options.overlap
        if tile is False or "tile" not in self.takes or (tile == "auto" and self.picture_size is None):
            return plan_whole(size)
        if not isinstance(tile, bool | str):
            return plan_tiles(size, (tile, tile), overlap=overlap)
        if self.picture_size is None:
            raise RecipeError(
                "tile: the model does not say how large its training pictures were. Give a side, tile=512."
            )
        plan = plan_tiles(size, self.picture_size, overlap=overlap)
        is_large = any(side > AUTO_TILE * usual for side, usual in zip(size, self.picture_size, strict=True))
        return plan if is_large or tile is True else plan_whole(size)

    @abstractmethod
    def _forward(self, images: Tensor, options: Options) -> Sequence[Any]:
        """Return the model's output for each of the views (B, C, h, w)."""

    @abstractmethod
    def _join(self, view: View, outputs: Iterable[Any], options: Options) -> Prediction:
        """Put the outputs of a picture's views together; `view` is one of them."""

    def _views(self, pictures: Iterable[Picture], options: Options) -> Iterator[View]:
        for number, picture in enumerate(pictures):
            try:
                image = open_picture(picture, self.preprocessing.size[0])
            except DataError as err:
                yield View(number, path_of(picture), error=err)
                continue
            plan = self.plan((image.height, image.width), options)
            for box in plan.boxes:
                yield View(number, path_of(picture), plan, self._transform(_cut_out(image, box)))

    def _answers(self, views: Iterator[View], batch_size: int) -> Iterator[tuple[View, Any]]:
        while chunk := list(islice(views, batch_size)):
            tensors = [view.tensor for view in chunk if view.tensor is not None]
            outputs = iter(self._forward(torch.stack(tensors).to(self.device), options) if tensors else ())
            for view in chunk:
                yield view, None if view.tensor is None else next(outputs)

    def _joined(self, answered: Iterator[tuple[View, Any]], options: Options) -> Iterator[Prediction | DataError]:
        for _, group in groupby(answered, key=lambda item: item[0].number):
            view, first = next(group)
            if view.error is not None:
                yield view.error
                continue
            yield self._join(view, _chain(first, group), options)


def _chain(first: Any, rest: Iterable[tuple[View, Any]]) -> Iterator[Any]:
    yield first
    yield from (output for _, output in rest)


def _cut_out(image: Image.Image, box: Box) -> Image.Image:
    return image if box == (0, 0, *image.size) else image.crop(box)
