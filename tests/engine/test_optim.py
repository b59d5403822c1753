"""Optimizer, schedule and moving average of a phase."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from vision_ft.engine.optim import OptimSettings, build_optimizer, build_schedule, ema_decay
from vision_ft.errors import TrainingError

SETTINGS = OptimSettings(
    name="adamw",
    lr=0.1,
    head_lr=0.1,
    weight_decay=0.05,
    momentum=0.9,
    warmup=0.1,
    clip=1.0,
    accumulate=1,
    ema="auto",
    patience=None,
    metric="macro_f1",
)
GROUPS = {"body": ["0.weight", "0.bias", "1.weight", "1.bias"], "head": ["2.weight", "2.bias"]}


def network() -> nn.Module:
    return nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2), nn.Linear(2, 2))


def test_weight_decay_spares_norms_and_biases():
    optimizer = build_optimizer(network(), GROUPS, {"body": 0.5, "head": 1.0}, SETTINGS)
    found = [(g["group"], g["lr"], g["weight_decay"], len(g["params"])) for g in optimizer.param_groups]
    assert found == [("body", 0.05, 0.05, 1), ("body", 0.05, 0.0, 3), ("head", 0.1, 0.05, 1), ("head", 0.1, 0.0, 1)]


def test_a_trainable_parameter_in_no_group_is_an_error():
    with pytest.raises(TrainingError, match=r"in no group of the phase: \['0.bias'"):
        build_optimizer(network(), GROUPS, {"head": 1.0}, SETTINGS)


def test_a_phase_that_trains_nothing_is_an_error():
    module = network()
    module.requires_grad_(False)
    with pytest.raises(TrainingError, match=r"\['head'\], which hold no parameter"):
        build_optimizer(module, GROUPS, {"head": 1.0}, SETTINGS)


def test_the_schedule_warms_up_and_ends_near_zero():
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=1.0)
    schedule = build_schedule(optimizer, total_steps=20, warmup=0.2)
    rates = []
    for _ in range(20):
        rates.append(schedule.get_last_lr()[0])
        optimizer.step()
        schedule.step()
    assert rates[:5] == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0])
    assert rates[-1] == pytest.approx(0.5 * (1 + math.cos(math.pi * 15 / 16)))


@pytest.mark.parametrize(
    ("ema", "steps", "decay"),
    [("auto", 499, None), ("auto", 1000, 0.99), (True, 100, 0.9), (False, 10**6, None), ("auto", 10**6, 0.999)],
)
def test_the_moving_average_is_off_in_short_runs(ema, steps, decay):
    assert ema_decay(ema, total_steps=steps) == (None if decay is None else pytest.approx(decay))
