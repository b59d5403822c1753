"""From a network's mask logits to a label map in the pixels of the picture."""

from __future__ import annotations

import numpy as np
import torch.nn.functional as F
from torch import Tensor

MAX_VALUES = 2**26  # of logits (K, H, W) that are resized at once; a large picture goes by strips of lines


def label_map(logits: Tensor, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Return the class of each pixel and its probability in a picture of `size`.

    Probabilities, not labels, are resized: borders then lie between the cells of the coarse map, unshifted.

    Args:
        logits: (K, h, w) of one picture.
        size: (H, W) of the picture in pixels.

    Returns:
        class indices (H, W) uint8, and the probability (H, W) float32 of each.
    """
    shares = logits.float().softmax(dim=0)
    if tuple(shares.shape[-2:]) != tuple(size):
        shares = F.interpolate(shares[None], size=size, mode="bilinear", align_corners=False)[0]
    best, labels = shares.max(dim=0)
    return labels.cpu().numpy().astype(np.uint8), best.cpu().numpy()
