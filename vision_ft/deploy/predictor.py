"""What predictors of all tasks share: images in, cut into views, run in batches, one prediction per image."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, ClassVar, Generic, TypeVar

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from vision_ft.deploy.feeding import FrameValues, RegionStates
from vision_ft.deploy.images import ImageLike, Source, images_of, open_image, path_of
from vision_ft.deploy.options import Options, Tile, check_options
from vision_ft.deploy.tiles import Box, TilePlan, plan_whole
from vision_ft.deploy.writers.writer import Writer
from vision_ft.errors import DataError, RecipeError
from vision_ft.models.assemble import VisionModel
from vision_ft.models.preprocessing import build_eval_transform
from vision_ft.predictions import Prediction
from vision_ft.types import ClassSpace, Preprocessing

P = TypeVar("P", bound=Prediction)


@dataclass(frozen=True)
class View:
    """A part of an image as the network reads it.

    Attributes:
        path: file of the image, or "".
        plan: the tiles of the image.
        tensor: (C, h, w).
    """

    path: str
    plan: TilePlan
    tensor: Tensor


class ImagePredictor(ABC, Generic[P]):
    """A trained model, ready to use; the predictor of a task is `TASKS[task].predictor`.

    A task's predictor says how a model folder becomes one (`from_saved`), what a batch of views gives (`_forward`), how
    these outputs become one prediction (`_join`), what `vision-ft predict` writes (`writer`), and, where they make
    sense, what a feed follows (`region_states` or `frame_values`) and how a prediction is drawn (`draws`, `draw`).

    Args:
        model: backbone and head; put into evaluation mode.
        classes: class names in the order of the model's outputs.
        preprocessing: how images are prepared.
        device: where the model computes.
    """

    task: ClassVar[str]
    takes: ClassVar[tuple[str, ...]]  # the fields of Options that mean something here
    batch_size: ClassVar[int]  # views in a forward pass
    draws: ClassVar[bool] = False  # whether a prediction can be drawn on its image

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
        source: Source,
        *,
        batch_size: int | None = None,
        calibrated: bool = False,
        tile: Tile | None = None,
        overlap: float | None = None,
        threshold: float | None = None,
        confidence: bool = False,
    ) -> list[P]:
        """Return one prediction per image, in order; `predict_each` gives them one by one.

        Args:
            source: one or many images: a file, a folder (its images at any depth, by name), a PIL image, an array (H,
                W), (H, W, 1) or (H, W, 3) uint8, an array (N, H, W, 3) of N images, or a list or generator of files,
                PIL images and arrays. A generator is read batch by batch.
            batch_size: images or tiles in a forward pass; by default 32 for classification, 8 for masks and boxes.
            calibrated: classification: divide the logits by the temperature fitted on val, so that a probability of
                0.8 is right in about 80% of the cases.
            tile: masks and boxes: "auto" (default), True, False, or the side of a tile in pixels; see `Options`.
            overlap: masks and boxes: share of a tile's side that neighbours have in common; 0.25 by default.
            threshold: boxes and sets of labels: score from which on one is given; by default each class's own, best on
                val.
            confidence: masks: also give the probability of each pixel's class.

        Raises:
            DataError: an image cannot be decoded, or the source is not of the kinds above.
            RecipeError: an option that this task does not take, or a value that cannot be.
        """
        options = Options(calibrated, tile, overlap, threshold, confidence)
        predictions: list[P] = []
        for found in self.predict_each(source, options=options, batch_size=batch_size):
            if isinstance(found, DataError):
                raise found
            predictions.append(found)
        return predictions

    def predict_each(
        self, source: Source, *, options: Options | None = None, batch_size: int | None = None
    ) -> Iterator[P | DataError]:
        """Give the prediction or the error of each image, in order; a broken image does not end the work.

        Images are opened when it is their turn, so many large ones never lie in memory together; of a generator or a
        live stream no more than `batch_size` are taken before their predictions are given.

        Args:
            source: as of `predict`.
            options: what is asked of the predictions.
            batch_size: images or tiles in a forward pass.

        Raises:
            DataError: the source is not of the kinds that `predict` takes.
            RecipeError: an option that this task does not take, or a value that cannot be.
        """
        chosen = options or Options()
        self.check(chosen)
        size = self.batch_size if batch_size is None else batch_size
        if size < 1:
            raise RecipeError(f"batch_size: got {batch_size}; allowed are 1 and more images in a forward pass.")
        return self._joined(self._run(self._views(images_of(source), chosen), size, chosen), chosen)

    def check(self, options: Options) -> None:
        """Refuse options that this task does not take, and values that cannot be.

        Raises:
            RecipeError: naming the option, and what is allowed.
        """
        check_options(options, task=self.task, takes=self.takes)

    def prepare(self, image: ImageLike) -> Tensor:
        """Return the tensor (C, H, W) that the model reads for the image as a whole.

        Raises:
            DataError: the image cannot be decoded or is of another kind.
        """
        return self._transform(open_image(image, self.preprocessing.size[0]))

    @classmethod
    @abstractmethod
    def from_saved(
        cls,
        model: Any,
        *,
        classes: ClassSpace,
        preprocessing: Preprocessing,
        extra: Mapping[str, Any],
        device: str = "cpu",
    ) -> ImagePredictor[P]:
        """Return the predictor of a model folder; `extra` holds the values that the task saved with the weights."""

    @abstractmethod
    def writer(self) -> Writer[P]:
        """Return what writes the predictions of files, as `vision-ft predict` does."""

    def region_states(self, _options: Options) -> RegionStates | None:
        """Return how regions of a feed get their states; None where the task gives none."""
        return None

    def frame_values(self, _options: Options) -> FrameValues | None:
        """Return what is measured in the frames of a feed; None where the task measures nothing."""
        return None

    def draw(self, image: Image.Image, prediction: P) -> Image.Image:
        """Return a copy of the image ("RGB") with its prediction drawn, where the task `draws`."""
        raise NotImplementedError(f"{type(self).__name__} draws nothing on {image.size}: {prediction}")

    @torch.inference_mode()
    def outputs(self, images: Sequence[ImageLike], options: Options) -> Any:
        """Return what the model gives for images, each as a whole, in one forward pass."""
        tensors = torch.stack([self.prepare(image) for image in images])
        return self._forward(tensors.to(self.device), options)

    def _plan(self, size: tuple[int, int], _options: Options) -> TilePlan:
        """Return the tiles of an image of `size` (H, W): by default one, the whole."""
        return plan_whole(size)

    @abstractmethod
    def _forward(self, images: Tensor, options: Options) -> Iterable[Any]:
        """Return the model's output for each of the views (B, C, h, w)."""

    @abstractmethod
    def _join(self, view: View, outputs: Iterable[Any], options: Options) -> P:
        """Make the prediction of an image from the outputs of all its views, of which `view` is the first."""

    def _by_name(self, values: np.ndarray) -> dict[str, float]:
        """Return class name -> value, of one value (K,) per class."""
        return {name: float(value) for name, value in zip(self.classes.names, values, strict=True)}

    def _views(self, images: Iterable[ImageLike], options: Options) -> Iterator[View | DataError]:
        for given in images:
            try:
                image = open_image(given, self.preprocessing.size[0])
            except DataError as err:
                yield err
                continue
            plan = self._plan((image.height, image.width), options)
            for box in plan.boxes:
                yield View(path_of(given), plan, self._transform(_cut_out(image, box)))

    @torch.inference_mode()
    def _run(
        self, views: Iterator[View | DataError], batch_size: int, options: Options
    ) -> Iterator[tuple[View | DataError, Any]]:
        while chunk := list(islice(views, batch_size)):
            tensors = [view.tensor for view in chunk if isinstance(view, View)]
            outputs = iter(self._forward(torch.stack(tensors).to(self.device), options) if tensors else ())
            for view in chunk:
                yield view, next(outputs) if isinstance(view, View) else None

    def _joined(self, results: Iterator[tuple[View | DataError, Any]], options: Options) -> Iterator[P | DataError]:
        for first, output in results:
            if isinstance(first, DataError):
                yield first
                continue
            rest = islice(results, len(first.plan) - 1)  # no more: the next image of a stream may be long in coming
            found = self._join(first, _chain(output, rest), options)
            deque(rest, maxlen=0)  # what was not looked at must not become the next image's
            yield found


def _chain(first: Any, rest: Iterable[tuple[View | DataError, Any]]) -> Iterator[Any]:
    yield first
    yield from (output for _, output in rest)


def _cut_out(image: Image.Image, box: Box) -> Image.Image:
    return image if box == (0, 0, *image.size) else image.crop(box)
