"""Object detection: the head returns its own losses in training, and boxes otherwise; COCO's mAP."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vision_ft.deploy.boxes import BoxPredictor
from vision_ft.errors import RecipeError
from vision_ft.evaluate.boxes.predictions import BoxPredictions
from vision_ft.evaluate.scoring.detection import SCORING
from vision_ft.tasks.judged_boxes import collect, read_out
from vision_ft.tasks.spec import Loss, TaskSpec
from vision_ft.types import COUNTED, Detections, Target

MIN_SCORE = 0.2  # of a box that may be an object; a detector gives many that it takes for none


@dataclass(frozen=True)
class ImageBoxes:
    """The boxes of one image, found and true, in pixels of the network's input.

    Attributes:
        boxes: (M, 4) found.
        scores: (M,).
        labels: (M,) class indices.
        target_boxes: (T, 4) true.
        target_labels: (T,) class indices.
        ignored: (T,) bool, true for crowds and difficult boxes, which are neither hit nor missed.
    """

    boxes: np.ndarray
    scores: np.ndarray
    labels: np.ndarray
    target_boxes: np.ndarray
    target_labels: np.ndarray
    ignored: np.ndarray


def build_loss(
    class_counts: np.ndarray, *, name: str = "auto", imbalance: str = "none", label_smoothing: float = 0.0
) -> Loss:
    """Return the sum of the losses that the head gives while it learns.

    Args:
        class_counts: (K,) training boxes of each class; the heads' own focal loss or sampling balances them.
        name: "auto".
        imbalance: "none".
        label_smoothing: 0.

    Raises:
        RecipeError: a value is not the one named above.
    """
    del class_counts
    for key, got, allowed in (
        ("loss", name, "auto"),
        ("imbalance", imbalance, "none"),
        ("label_smoothing", label_smoothing, 0.0),
    ):
        if got != allowed:
            raise RecipeError(
                f'optim.{key}: got "{got}"; allowed for detection: {allowed}. Detection heads bring their own losses.'
            )

    def loss(outputs: Mapping[str, Tensor], _target: Target) -> Tensor:
        return torch.stack([value.float() for value in outputs.values()]).sum()

    return loss


def decode(found: list[Detections], target: Target) -> list[ImageBoxes]:
    """Put the boxes found and the true ones of each image side by side."""
    if target.boxes is None or target.box_labels is None:
        raise ValueError("detection needs target.boxes and target.box_labels")
    marks = target.box_marks or [torch.full_like(labels, COUNTED) for labels in target.box_labels]
    return [
        ImageBoxes(
            one.boxes.float().cpu().numpy(),
            one.scores.float().cpu().numpy(),
            one.labels.cpu().numpy(),
            boxes.float().cpu().numpy(),
            labels.cpu().numpy(),
            (marked != COUNTED).cpu().numpy(),
        )
        for one, boxes, labels, marked in zip(found, target.boxes, target.box_labels, marks, strict=True)
    ]


def score(outputs: Any, _labels: np.ndarray) -> dict[str, float]:
    """Score the boxes of all images: COCO's mAP over IoU 0.5 to 0.95, and at 0.5; the loss is not known."""
    nothing = {"loss": float("nan"), "map": float("nan"), "map50": float("nan")}
    if not len(outputs):
        return nothing
    far = max(
        (float(boxes.max()) for one in outputs for boxes in (one.boxes, one.target_boxes) if len(boxes)), default=1
    )
    highest = max((int(labels.max()) for one in outputs for labels in (one.labels, one.target_labels) if len(labels)),
                  default=0)  # fmt: skip
    predictions = BoxPredictions(
        classes=tuple(str(index) for index in range(highest + 1)),
        paths=[str(index) for index in range(len(outputs))],
        groups=None,
        ids=None,
        sizes=np.full((len(outputs), 2), int(far) + 1),
        boxes=[one.boxes for one in outputs],
        scores=[one.scores for one in outputs],
        labels=[one.labels for one in outputs],
        target_boxes=[one.target_boxes for one in outputs],
        target_labels=[one.target_labels for one in outputs],
        ignored=[one.ignored for one in outputs],
        thresholds=np.full(highest + 1, 0.5),
    )
    found = predictions.headline()
    return nothing | {"map": float(found["map"]), "map50": float(found["map50"])}


def confidence(found: list[Detections], _target: Target) -> list[float]:
    """Return for each image the mean over its boxes of the score, or of 1 - score where that is larger; 1 without any.

    Brust 2018 (arXiv:1809.09875, sec. 3.2, "average"), over the boxes of at least `MIN_SCORE`.
    """
    return [_mean_confidence(one.scores.float().cpu().numpy()) for one in found]


def _mean_confidence(scores: np.ndarray) -> float:
    shown = scores[scores >= MIN_SCORE]
    return float(np.maximum(shown, 1 - shown).mean()) if len(shown) else 1.0


TASK = TaskSpec(
    build_loss=build_loss,
    decode=decode,
    score=score,
    metrics=SCORING.selecting,
    collect=collect,
    predictor=BoxPredictor,
    confidence=confidence,
    read_out=read_out,
    keeps_image_size=True,
    returns_losses=True,
    learning_rates={"adamw": (1e-4, 1e-3)},  # docs/benchmarks.md
)
