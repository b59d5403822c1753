"""The mixture of head-only and tuned weights that val likes best; the tuned ones where val cannot tell."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from vision_ft.engine.interpolate import ALPHAS, choose_alpha

NAN = math.nan


def chosen(values: list[float], losses: list[float]) -> float:
    model = nn.Linear(1, 1, bias=False)
    given = iter(zip(values, losses, strict=True))

    def evaluate() -> dict[str, float]:
        value, loss = next(given)
        return {"map": value, "loss": loss}

    start, tuned = ({"weight": torch.full((1, 1), value)} for value in (0.0, 1.0))
    found = choose_alpha(model, start, tuned, evaluate=evaluate, metric="map")
    assert model.weight.item() == pytest.approx(found.alpha)
    assert list(found.scores) == list(ALPHAS)
    return found.alpha


@pytest.mark.parametrize(
    ("values", "losses", "alpha"),
    [
        ([0.1, 0.2, 0.5, 0.4, 0.3], [NAN] * 5, 0.5),
        ([0.1, 0.5, 0.5, 0.4, 0.3], [1.0, 0.5, 0.6, 1.0, 1.0], 0.25),
        ([NAN] * 5, [NAN] * 5, 1.0),
        ([NAN] * 5, [math.inf] * 5, 1.0),
        ([0.0] * 5, [NAN] * 5, 1.0),
        ([0.5, 0.5, 0.2, 0.1, 0.1], [NAN] * 5, 0.25),
        ([0.3, NAN, 0.2, NAN, NAN], [1.0] * 5, 0.0),
        ([0.3, 0.3, 0.3, 0.3, 0.3], [2.0, 1.5, 1.8, NAN, NAN], 0.25),
        ([0.3, 0.3, 0.3, 0.3, 0.3], [1.0] * 5, 1.0),
    ],
)
def test_the_tuned_weights_are_given_up_only_where_val_says_so(values, losses, alpha):
    assert chosen(values, losses) == alpha
