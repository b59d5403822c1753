"""Boxes of a trained detector in the pictures' own pixels, large pictures in tiles."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import torch
from torch import Tensor

from vision_ft.deploy.base import PicturePredictor, View
from vision_ft.deploy.options import Options, choose_plan
from vision_ft.deploy.pictures import Picture
from vision_ft.deploy.tiles import TilePlan, merge_boxes
from vision_ft.errors import DataError, RecipeError
from vision_ft.models.assemble import DenseModel
from vision_ft.models.heads.detection_common import SCORE_THRESHOLD
from vision_ft.types import ClassSpace, Detections, Prediction, Preprocessing

DEFAULT_THRESHOLD = 0.5  # of a class for which val could not choose one


class BoxPredictor(PicturePredictor):
    """A trained detector, ready to use.

    Args:
        model: backbone and head; put into evaluation mode.
        classes: class names in the order of the head's labels.
        preprocessing: how pictures and tiles are prepared.
        picture_size: median (H, W) of the training pictures in pixels; None where it is not known.
        thresholds: class name -> score from which on a box is given.
        device: where the model computes.
    """

    task = "detection"
    takes = ("tile", "overlap", "threshold")
    batch_size = 8

    def __init__(
        self,
        model: DenseModel,
        *,
        classes: ClassSpace,
        preprocessing: Preprocessing,
        picture_size: tuple[int, int] | None = None,
        thresholds: Mapping[str, float] | None = None,
        device: str = "cpu",
    ) -> None:
        super().__init__(model, classes=classes, preprocessing=preprocessing, device=device)
        self.picture_size = picture_size
        self.thresholds = {name: (thresholds or {}).get(name, DEFAULT_THRESHOLD) for name in classes.names}

    def predict_each(
        self, pictures: Iterable[Picture], *, options: Options | None = None, batch_size: int | None = None
    ) -> Iterator[Prediction | DataError]:
        """Give the boxes or the error of each picture, in order; see `PicturePredictor.predict_each`.

        Raises:
            RecipeError: an option that boxes do not take, or a value that cannot be.
        """
        asked = None if options is None else options.threshold
        if asked is not None and 0 < asked < SCORE_THRESHOLD:
            raise RecipeError(
                f"threshold: got {asked}, but a detector gives no box with a score below {SCORE_THRESHOLD}; allowed is "
                f"a score from {SCORE_THRESHOLD} to 1, or 0 for all boxes that it gives."
            )
        return super().predict_each(pictures, options=options, batch_size=batch_size)

    def _plan(self, size: tuple[int, int], options: Options) -> TilePlan:
        return choose_plan(size, options, usual=self.picture_size)

    def _forward(self, images: Tensor, _options: Options) -> Sequence[Detections]:
        found: Sequence[Detections] = self.model(images)
        return found

    def _join(self, view: View, outputs: Iterable[Detections], options: Options) -> Prediction:
        plan = view.plan
        found = merge_boxes(plan, [self._shown(self._in_tile_pixels(one, plan.tile), options) for one in outputs])
        return Prediction(
            path=view.path,
            boxes=found.boxes.numpy(),
            box_labels=tuple(self.classes.names[label] for label in found.labels.tolist()),
            box_scores=found.scores.numpy(),
        )

    def _shown(self, found: Detections, options: Options) -> Detections:
        """Return the boxes that reach the threshold of their class."""
        if options.threshold is None:
            lowest = torch.tensor([self.thresholds[name] for name in self.classes.names])[found.labels]
        else:
            lowest = torch.full_like(found.scores, options.threshold)
        shown = found.scores >= lowest
        return Detections(found.boxes[shown], found.scores[shown], found.labels[shown])

    def _in_tile_pixels(self, found: Detections, tile: tuple[int, int]) -> Detections:
        height, width = self.preprocessing.size[1:]
        factor = torch.tensor([tile[1] / width, tile[0] / height] * 2, dtype=torch.float32)
        return Detections(found.boxes.float().cpu() * factor, found.scores.float().cpu(), found.labels.cpu())
