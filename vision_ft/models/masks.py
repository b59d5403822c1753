"""From a network's mask logits to a label map in the pixels of the image."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

MAX_VALUES = 2**26  # of probabilities (K, H, W) that are resized at once, 256 MB; beyond it class after class


def class_shares(logits: Tensor, size: tuple[int, int]) -> Tensor:
    """Return the probability of each class (K, H, W) float32 in the pixels of an image of `size` (H, W).

    Probabilities, not labels, are resized: borders then lie between the cells of the coarse map, unshifted.
    """
    return _resize(logits.float().softmax(dim=0), size)


def label_map(logits: Tensor, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Return the class of each pixel and its probability in an image of `size`.

    Args:
        logits: (K, h, w) of one image.
        size: (H, W) of the image in pixels.

    Returns:
        class indices (H, W) uint8, and the probability (H, W) float32 of each.
    """
    if len(logits) * size[0] * size[1] <= MAX_VALUES:
        best, labels = class_shares(logits, size).max(dim=0)
    else:
        best, labels = _largest(logits.float().softmax(dim=0), size)
    return labels.cpu().numpy().astype(np.uint8), best.cpu().numpy()


def _largest(shares: Tensor, size: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """Return the largest probability (H, W) and its class, holding one class at full size at a time."""
    best = _resize(shares[:1], size)[0]
    labels = torch.zeros(size, dtype=torch.uint8, device=shares.device)
    for index in range(1, len(shares)):
        candidate = _resize(shares[index : index + 1], size)[0]
        labels[candidate > best] = index
        best = torch.maximum(best, candidate)
    return best, labels


def _resize(shares: Tensor, size: tuple[int, int]) -> Tensor:
    if tuple(shares.shape[-2:]) == tuple(size):
        return shares
    return F.interpolate(shares[None], size=size, mode="bilinear", align_corners=False)[0]
