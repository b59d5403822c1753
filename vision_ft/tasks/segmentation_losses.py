"""Losses of segmentation: cross-entropy, focal and Dice over the pixels that count, and their sums.

segmentation-models-pytorch has such losses, and the tests compare with them. They are not used as they are: its focal
loss is that of K sigmoids, while the output here is a softmax, and is NaN where every pixel is ignored; its Dice counts
a class that the batch does not hold as learnt, and takes more than twice the memory.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Protocol

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from vision_ft.errors import RecipeError, did_you_mean
from vision_ft.types import UNLABELLED

FOCUS = 2.0  # gamma; the best of those that Lin 2017 tried
MAX_WEIGHT = (
    10.0  # times that of the median class: beyond it a handful of pixels, often mislabelled, leads the gradient
)
SMALLEST = 1e-12  # keeps 0 / 0 at 0 where no pixel counts; the sums it guards are of weights and pixels, far above it

MaskLoss = Callable[[Tensor, Tensor], Tensor]


class MaskLossPart(Protocol):
    """One summand of a loss."""

    def __call__(self, logits: Tensor, masks: Tensor, *, weights: Tensor, ignore: int) -> Tensor:
        """Return the loss () of float32 logits (B, K, H, W) against masks (B, H, W) under class weights (K,)."""


def cross_entropy(logits: Tensor, masks: Tensor, *, weights: Tensor, ignore: int, focus: float = 0.0) -> Tensor:
    """Cross-entropy averaged over the counted pixels, each weighing as its class does.

    With `focus` above 0 it is the focal loss (Lin 2017, arXiv:1708.02002, eq. 4) of the softmax, averaged over the
    counted pixels: the higher, the less the pixels count that are already right.
    """
    counted = masks != ignore
    surprise = F.cross_entropy(logits, masks, ignore_index=ignore, reduction="none")
    if focus:
        surprise = (-torch.expm1(-surprise)) ** focus * surprise  # 1 - p, without losing what is near 0
    pixel_weights = weights[torch.where(counted, masks, 0)] * counted
    return (surprise * pixel_weights).sum() / pixel_weights.sum().clamp_min(SMALLEST)


def dice(logits: Tensor, masks: Tensor, *, weights: Tensor, ignore: int) -> Tensor:
    """1 - soft Dice (Milletari 2016, arXiv:1606.04797, section 3) averaged over the classes that the batch holds.

    Overlaps are summed over the batch, so that a few pixels of a class in one image do not weigh as much as a whole
    image of it; sums are plain instead of squared. A class without a true pixel has no Dice of its own: pixels taken
    for it lower the Dice of the classes that they belong to.
    """
    classes = torch.arange(logits.shape[1], device=logits.device)[:, None, None]
    counted = (masks != ignore)[:, None]
    is_true = (masks[:, None] == classes) & counted  # (B, K, H, W)
    shares = logits.softmax(dim=1)
    over_pixels = (0, 2, 3)
    true = is_true.sum(over_pixels)
    hits = torch.where(is_true, shares, 0.0).sum(over_pixels)
    predicted = torch.where(counted, shares, 0.0).sum(over_pixels)
    overlap = 2 * hits / (true + predicted).clamp_min(SMALLEST)
    held = weights * (true > 0)
    return ((1 - overlap) * held).sum() / held.sum().clamp_min(SMALLEST)


focal = partial(cross_entropy, focus=FOCUS)

# The sum of cross-entropy and Dice is nnU-Net's (Isensee 2018, arXiv:1809.10486), that of focal and Dice
# AnatomyNet's (Zhu 2018, arXiv:1808.05238); both parts weigh the same here.
MASK_LOSSES: dict[str, tuple[MaskLossPart, ...]] = {
    "cross-entropy": (cross_entropy,),
    "dice": (dice,),
    "focal": (focal,),
    "ce-dice": (cross_entropy, dice),
    "focal-dice": (focal, dice),
}


def build_mask_loss(name: str, *, class_weights: Tensor | None = None, ignore: int = UNLABELLED) -> MaskLoss:
    """Build the loss () of logits (B, K, H, W) against class indices (B, H, W); a binary task has K = 2.

    It is computed in float32 whatever the logits are. Ignored pixels add nothing, neither to the value nor to the
    gradient; where every pixel is ignored, or of weight 0, both are 0.

    Args:
        name: one of `MASK_LOSSES`.
        class_weights: (K,) weight of each class, such as `pixel_class_weights`; only their ratios matter.
        ignore: class index of the pixels that do not count.

    Raises:
        RecipeError: the name is unknown.
    """
    if name not in MASK_LOSSES:
        raise RecipeError(
            f'optim.loss: got "{name}"; allowed for segmentation: {", ".join(MASK_LOSSES)}.'
            f"{did_you_mean(name, MASK_LOSSES)}"
        )
    parts = MASK_LOSSES[name]

    def loss(logits: Tensor, masks: Tensor) -> Tensor:
        logits = logits.float()  # half precision adds up no more than a few thousand pixels
        weights = logits.new_ones(logits.shape[1]) if class_weights is None else class_weights.to(logits)
        return torch.stack([part(logits, masks, weights=weights, ignore=ignore) for part in parts]).sum()

    return loss


def pixel_class_weights(pixel_counts: np.ndarray) -> np.ndarray:
    """Weights (K,) inverse to the pixel counts (K,), 1 for the median class, 10 at most; absent classes get 0.

    Median-frequency balancing (Eigen & Fergus 2015, arXiv:1411.4734) with shares of all pixels, not of
    the images that hold the class. The losses divide by the sum of weights, so it equals weighing by inverse counts;
    the median is there to cap by: a class of ten pixels weighs no more than one with a tenth of the median's.
    """
    counts = np.asarray(pixel_counts, np.float64)
    present = counts > 0
    weights = np.zeros_like(counts)
    if present.any():
        weights[present] = np.minimum(np.median(counts[present]) / counts[present], MAX_WEIGHT)
    return weights
