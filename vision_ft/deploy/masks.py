"""Masks of a trained model in the images' own pixels, large images in tiles."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from PIL import Image
from torch import Tensor

from vision_ft.deploy.feeding import FrameValues
from vision_ft.deploy.options import Options, choose_plan, saved_image_size
from vision_ft.deploy.predictor import ImagePredictor, View
from vision_ft.deploy.tiles import TilePlan, blend_shares
from vision_ft.deploy.writers.masks import MaskWriter
from vision_ft.drawing import draw_mask
from vision_ft.models.assemble import DenseModel
from vision_ft.models.masks import class_shares, label_map
from vision_ft.predictions import MaskPrediction
from vision_ft.types import SEGMENTATION, ClassSpace, Preprocessing


class MaskPredictor(ImagePredictor[MaskPrediction]):
    """A trained segmentation model, ready to use.

    Args:
        model: backbone and head; put into evaluation mode.
        classes: class names in the order of the logits.
        preprocessing: how images and tiles are prepared.
        picture_size: median (H, W) of the training images in pixels; None where it is not known.
        device: where the model computes.
    """

    task = SEGMENTATION
    takes = ("tile", "overlap", "confidence")
    batch_size = 8  # logits of a large input are as heavy as the network itself
    draws = True

    def __init__(
        self,
        model: DenseModel,
        *,
        classes: ClassSpace,
        preprocessing: Preprocessing,
        picture_size: tuple[int, int] | None = None,
        device: str = "cpu",
    ) -> None:
        super().__init__(model, classes=classes, preprocessing=preprocessing, device=device)
        self.picture_size = picture_size

    @classmethod
    def from_saved(
        cls,
        model: Any,
        *,
        classes: ClassSpace,
        preprocessing: Preprocessing,
        extra: Mapping[str, Any],
        device: str = "cpu",
    ) -> MaskPredictor:
        """Return the predictor of a model folder, with the image size saved there."""
        usual = saved_image_size(extra)
        return cls(model, classes=classes, preprocessing=preprocessing, picture_size=usual, device=device)

    def writer(self) -> MaskWriter:
        """Return the writer of a folder of label maps, with a table of shares."""
        return MaskWriter(self.classes.names, self.draw)

    def draw(self, image: Image.Image, prediction: MaskPrediction) -> Image.Image:
        """Return a copy of the image ("RGB") with translucent classes."""
        return draw_mask(image, prediction, self.classes.names)

    def frame_values(self, options: Options) -> FrameValues:
        """Return what a feed measures: the share of each class."""
        return FrameValues(
            look=lambda frame: self.predict(frame, tile=options.tile, overlap=options.overlap)[0],
            names=self.classes.names,
            quantity="share",
            draw=self.draw,
        )

    def _plan(self, size: tuple[int, int], options: Options) -> TilePlan:
        return choose_plan(size, options, usual=self.picture_size)

    def _forward(self, images: Tensor, _options: Options) -> Tensor:
        logits: Tensor = self.model(images)
        return logits

    def _join(self, view: View, outputs: Iterable[Tensor], options: Options) -> MaskPrediction:
        plan = view.plan
        if len(plan) == 1:
            (logits,) = outputs
            labels, confidence = label_map(logits, plan.size)
        else:
            labels, confidence = blend_shares(plan, (class_shares(logits, plan.tile) for logits in outputs))
        pixels = np.bincount(labels.ravel(), minlength=len(self.classes))
        return MaskPrediction(
            path=view.path,
            scores=self._by_name(pixels / labels.size),
            mask=labels,
            confidence=confidence if options.confidence else None,
        )
