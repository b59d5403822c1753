"""Further classes for a head that ends in a linear layer."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

UNTRAINED_SHARE = 0.01  # all new classes together get at most this share of the best known class's probability


def extend_last_layer(prefix: str) -> Callable[[dict[str, Tensor], int], dict[str, Tensor]]:
    """Return what adds rows to the weight and bias whose names begin with `prefix`.

    A new row is the mean of the known rows, and its bias the mean bias less a margin.
    """

    def extend(state: dict[str, Tensor], count: int) -> dict[str, Tensor]:
        weight, bias = _extend_linear(state[f"{prefix}weight"], state[f"{prefix}bias"], count)
        return {**state, f"{prefix}weight": weight, f"{prefix}bias": bias}

    return extend


def _extend_linear(weight: Tensor, bias: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Append rows to weight (K, D) and bias (K,)."""
    if not count:
        return weight, bias
    margin = math.log(count / UNTRAINED_SHARE)
    new_weight = weight.mean(dim=0, keepdim=True).expand(count, -1)
    new_bias = (bias.mean() - margin).expand(count)
    return torch.cat([weight, new_weight]), torch.cat([bias, new_bias])
