"""What the segmentation heads share."""

from __future__ import annotations

import torch
from torch import nn

from vision_ft.models.heads.pixels import PixelHead


class First(nn.Module):
    """A decoder that takes the finest map as it is."""

    def forward(self, pyramid):
        return pyramid[0]


def test_logits_between_cells_keep_their_digits_in_half_precision():
    head = PixelHead(First(), nn.Conv2d(2, 2, 1), stride=16.0).eval()
    maps = [torch.rand(1, 2, 2, 2, generator=torch.Generator().manual_seed(0))]
    with torch.autocast("cpu", dtype=torch.bfloat16), torch.no_grad():
        logits = head(maps, (32, 32))
    assert logits.dtype == torch.float32
    across = logits[0, 0, 16, 8:24]  # a straight line from the middle of a cell to the next
    assert len(across.unique()) == 16
    assert across.diff().std() < 1e-3 * across.diff().abs().mean()
