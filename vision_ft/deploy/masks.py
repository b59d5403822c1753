"""Masks of a trained model in the pictures' own pixels, large pictures in tiles."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from torch import Tensor

from vision_ft.deploy.base import PicturePredictor, View
from vision_ft.deploy.options import Options, choose_plan
from vision_ft.deploy.tiles import TilePlan, blend_shares
from vision_ft.models.assemble import DenseModel
from vision_ft.models.masks import class_shares, label_map
from vision_ft.types import ClassSpace, Prediction, Preprocessing


class MaskPredictor(PicturePredictor):
    """A trained segmentation model, ready to use.

    Args:
        model: backbone and head; put into evaluation mode.
        classes: class names in the order of the logits.
        preprocessing: how pictures and tiles are prepared.
        picture_size: median (H, W) of the training pictures in pixels; None where it is not known.
        device: where the model computes.
    """

    task = "segmentation"
    takes = ("tile", "overlap", "confidence")
    batch_size = 8  # logits of a large input are as heavy as the network itself

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

    def _plan(self, size: tuple[int, int], options: Options) -> TilePlan:
        return choose_plan(size, options, usual=self.picture_size)

    def _forward(self, images: Tensor, _options: Options) -> Tensor:
        logits: Tensor = self.model(images)
        return logits

    def _join(self, view: View, outputs: Iterable[Tensor], options: Options) -> Prediction:
        plan = view.plan
        if len(plan) == 1:
            (logits,) = outputs
            labels, confidence = label_map(logits, plan.size)
        else:
            labels, confidence = blend_shares(plan, (class_shares(logits, plan.tile) for logits in outputs))
        pixels = np.bincount(labels.ravel(), minlength=len(self.classes))
        return Prediction(
            path=view.path,
            scores={name: float(count / labels.size) for name, count in zip(self.classes.names, pixels, strict=True)},
            mask=labels,
            confidence=confidence if options.confidence else None,
        )
