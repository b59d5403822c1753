"""Semantic segmentation: a class for each pixel; losses over masks, and IoU counted at the network's input size."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from vision_ft.deploy.masks import MaskPredictor
from vision_ft.errors import RecipeError
from vision_ft.evaluate.masks.metrics import MASK_METRICS, areas_of
from vision_ft.evaluate.scoring.segmentation import SCORING
from vision_ft.tasks.judged_masks import collect, read_out
from vision_ft.tasks.loss_batches import pixels
from vision_ft.tasks.losses import build_named, loss_registry
from vision_ft.tasks.segmentation_losses import MASK_LOSSES, build_mask_loss, pixel_class_weights
from vision_ft.tasks.spec import Loss, TaskSpec
from vision_ft.types import SEGMENTATION, UNLABELLED, Target

DEFAULT_LOSS = "ce-dice"


@dataclass(frozen=True)
class ImagePixels:
    """How one image's mask was predicted.

    Attributes:
        confusion: (K, K) pixels, truth by prediction.
        loss: sum of the cross-entropy over the pixels that count.
    """

    confusion: np.ndarray
    loss: float


def mask_loss(class_counts: np.ndarray, *, name: str, imbalance: str = "none", label_smoothing: float = 0.0) -> Loss:
    """Build the loss of logits (B, K, H, W) against masks (B, H, W).

    Args:
        class_counts: (K,) training pixels of each class.
        name: a key of `MASK_LOSSES`.
        imbalance: "none", or "weights" to weigh the classes by their pixels, in every part of the loss.
        label_smoothing: 0; masks are not smoothed.

    Raises:
        RecipeError: the loss, the imbalance mode or the smoothing cannot be used.
    """
    if imbalance not in ("none", "weights"):
        raise RecipeError(f'optim.imbalance: got "{imbalance}"; allowed for segmentation: none, weights.')
    if label_smoothing:
        raise RecipeError(f"optim.label_smoothing: got {label_smoothing}; masks are not smoothed. Set it to 0.")
    weights = pixel_class_weights(np.asarray(class_counts)) if imbalance == "weights" else None
    tensor = None if weights is None else torch.as_tensor(weights, dtype=torch.float32)
    measure = build_mask_loss(name, class_weights=tensor)

    def loss(logits: Tensor, target: Target) -> Tensor:
        if target.masks is None:
            raise ValueError("segmentation needs target.masks")
        return measure(logits, target.masks)

    return loss


NAMES = (DEFAULT_LOSS, *(name for name in MASK_LOSSES if name != DEFAULT_LOSS))
LOSSES = loss_registry({name: partial(mask_loss, name=name) for name in NAMES})


def build_loss(
    class_counts: np.ndarray, *, name: str = "auto", imbalance: str = "none", label_smoothing: float = 0.0
) -> Loss:
    """Build one of `LOSSES`, or "auto", for logits (B, K, H, W); see `mask_loss`.

    Raises:
        RecipeError: the loss, the imbalance mode or the smoothing cannot be used.
    """
    return build_named(
        LOSSES, class_counts, task=SEGMENTATION, name=name, imbalance=imbalance, label_smoothing=label_smoothing
    )


def decode(logits: Tensor, target: Target) -> list[ImagePixels]:
    """Count each image's pixels (K, K) and its loss at the input size; masks may be absent in no image."""
    if target.masks is None:
        raise ValueError("segmentation needs target.masks")
    logits = logits.float()
    num_classes = logits.shape[1]
    losses = F.cross_entropy(logits, target.masks, ignore_index=UNLABELLED, reduction="none").sum(dim=(1, 2))
    outputs = []
    for predicted, mask, loss in zip(logits.argmax(dim=1), target.masks, losses.tolist(), strict=True):
        counted = mask != UNLABELLED
        codes = mask[counted] * num_classes + predicted[counted]
        confusion = torch.bincount(codes, minlength=num_classes**2).reshape(num_classes, num_classes)
        outputs.append(ImagePixels(confusion.cpu().numpy(), loss))
    return outputs


def score(outputs: Any, _labels: np.ndarray) -> dict[str, float]:
    """Score the pixels of all images together: mean cross-entropy, mIoU, Dice, pixel accuracy."""
    if not len(outputs):
        return dict.fromkeys(("loss", *SCORING.names), float("nan"))
    confusion = np.sum([output.confusion for output in outputs], axis=0)
    areas, pixels = areas_of(confusion), max(int(confusion.sum()), 1)
    found = {name: float(MASK_METRICS[name].compute(areas)) for name in SCORING.names}
    return {"loss": sum(output.loss for output in outputs) / pixels, **found}


def confidence(logits: Tensor, _target: Target) -> Tensor:
    """Return the mean (B,) over the pixels of the probability of the best class."""
    return logits.float().softmax(dim=1).amax(dim=1).mean(dim=(1, 2))


TASK = TaskSpec(
    build_loss=build_loss,
    decode=decode,
    score=score,
    metrics=SCORING.selecting,
    collect=collect,
    predictor=MaskPredictor,
    confidence=confidence,
    losses=LOSSES,
    loss_batch=pixels,
    read_out=read_out,
    keeps_image_size=True,
    learning_rates={"adamw": (3e-4, 3e-3)},  # docs/benchmarks.md
)
