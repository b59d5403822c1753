"""Boxes of a trained detector in the images' own pixels, large images in tiles."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from vision_ft.deploy.feeding import FrameValues
from vision_ft.deploy.options import Options, choose_plan, saved_image_size
from vision_ft.deploy.predictor import ImagePredictor, View
from vision_ft.deploy.tiles import TilePlan, merge_boxes
from vision_ft.deploy.writers.boxes import BoxWriter
from vision_ft.drawing import draw_named_boxes
from vision_ft.errors import RecipeError
from vision_ft.models.assemble import DenseModel
from vision_ft.models.heads.detection_common import SCORE_THRESHOLD
from vision_ft.predictions import BoxPrediction
from vision_ft.types import DETECTION, ClassSpace, Detections, Preprocessing

DEFAULT_THRESHOLD = 0.5  # of a class for which val could not choose one


class BoxPredictor(ImagePredictor[BoxPrediction]):
    """A trained detector, ready to use.

    Args:
        model: backbone and head; put into evaluation mode.
        classes: class names in the order of the head's labels.
        preprocessing: how images and tiles are prepared.
        picture_size: median (H, W) of the training images in pixels; None where it is not known.
        thresholds: class name -> score from which on a box is given.
        device: where the model computes.
    """

    task = DETECTION
    takes = ("tile", "overlap", "threshold")
    batch_size = 8
    draws = True

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

    @classmethod
    def from_saved(
        cls,
        model: Any,
        *,
        classes: ClassSpace,
        preprocessing: Preprocessing,
        extra: Mapping[str, Any],
        device: str = "cpu",
    ) -> BoxPredictor:
        """Return the predictor of a model folder, with the image size and thresholds saved there."""
        return cls(
            model,
            classes=classes,
            preprocessing=preprocessing,
            picture_size=saved_image_size(extra),
            thresholds={str(name): float(value) for name, value in (extra.get("thresholds") or {}).items()},
            device=device,
        )

    def writer(self) -> BoxWriter:
        """Return the writer of `path,label,score,x1,y1,x2,y2`."""
        return BoxWriter(self.task, self.draw)

    def draw(self, image: Image.Image, prediction: BoxPrediction) -> Image.Image:
        """Return a copy of the image ("RGB") with boxes, names and scores."""
        return draw_named_boxes(image, prediction, self.classes.names)

    def frame_values(self, options: Options) -> FrameValues:
        """Return what a feed counts: the boxes of each class."""
        tile, overlap, threshold = options.tile, options.overlap, options.threshold
        return FrameValues(
            look=lambda frame: self.predict(frame, tile=tile, overlap=overlap, threshold=threshold)[0],
            names=self.classes.names,
            quantity="count",
            draw=self.draw,
        )

    def check(self, options: Options) -> None:
        """Refuse options that boxes do not take, and values that cannot be.

        Raises:
            RecipeError: naming the option, and what is allowed.
        """
        super().check(options)
        if options.threshold is not None and 0 < options.threshold < SCORE_THRESHOLD:
            raise RecipeError(
                f"threshold: got {options.threshold}, but a detector gives no box with a score below "
                f"{SCORE_THRESHOLD}; allowed is a score from {SCORE_THRESHOLD} to 1, or 0 for all boxes that it gives."
            )

    def _plan(self, size: tuple[int, int], options: Options) -> TilePlan:
        return choose_plan(size, options, usual=self.picture_size)

    def _forward(self, images: Tensor, _options: Options) -> Sequence[Detections]:
        found: Sequence[Detections] = self.model(images)
        return found

    def _join(self, view: View, outputs: Iterable[Detections], options: Options) -> BoxPrediction:
        plan = view.plan
        found = merge_boxes(plan, [self._shown(self._in_tile_pixels(one, plan.tile), options) for one in outputs])
        return BoxPrediction(
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
