"""Mixup and cutmix: blend the images of a batch, and their labels in the same shares."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor


def mix(
    images: Tensor,
    labels: Tensor,
    *,
    num_classes: int,
    mixup: float,
    cutmix: float,
    generator: torch.Generator,
) -> tuple[Tensor, Tensor]:
    """Blend each image with its counterpart from the other end of the batch, one share for the whole batch.

    Mixup (Zhang et al. 2018, arXiv:1710.09412) averages pixels; cutmix (Yun et al. 2019, arXiv:1905.04899) pastes a
    box. With both on, each batch takes one of them with equal chance, as timm does.

    Args:
        images: (B, C, H, W).
        labels: (B,) int64 class indices.
        num_classes: K.
        mixup: alpha of Beta(alpha, alpha), from which the share is drawn; 0 turns mixup off.
        cutmix: the same for cutmix.
        generator: source of all randomness; on the CPU, wherever the images are.

    Returns:
        images (B, C, H, W) and class shares (B, K) float32 that sum to 1.
    """
    targets = F.one_hot(labels, num_classes).float()
    if mixup <= 0 and cutmix <= 0:
        return images, targets
    rng = np.random.default_rng(int(torch.randint(2**62, (1,), generator=generator)))
    use_cutmix = cutmix > 0 and (mixup <= 0 or rng.random() < 0.5)
    share = float(rng.beta(cutmix, cutmix) if use_cutmix else rng.beta(mixup, mixup))
    if use_cutmix:
        mixed, share = _paste(images, images.flip(0), share, rng)
    else:
        mixed = images * share + images.flip(0) * (1 - share)
    return mixed, targets * share + targets.flip(0) * (1 - share)


def _paste(images: Tensor, others: Tensor, share: float, rng: np.random.Generator) -> tuple[Tensor, float]:
    """Paste a box of about 1 - share of the area; return the share that really remains after cutting at the border."""
    height, width = images.shape[-2:]
    cut = (1 - share) ** 0.5
    box_h, box_w = int(height * cut), int(width * cut)
    centre_y, centre_x = int(rng.integers(height)), int(rng.integers(width))
    top, bottom = max(centre_y - box_h // 2, 0), min(centre_y + box_h // 2, height)
    left, right = max(centre_x - box_w // 2, 0), min(centre_x + box_w // 2, width)
    mixed = images.clone()
    mixed[..., top:bottom, left:right] = others[..., top:bottom, left:right]
    return mixed, 1 - (bottom - top) * (right - left) / (height * width)
