"""Strategies are data: pure functions from groups and epochs to phases."""

from __future__ import annotations

import math

import pytest

from vision_ft.errors import RecipeError
from vision_ft.strategies import STRATEGIES, feature_extraction, full, gradual_unfreeze, surgical
from vision_ft.strategies.gradual_unfreeze import split_evenly
from vision_ft.testing import check_strategy

GROUPS = ["stem", "stage1", "stage2", "stage3", "stage4", "head"]


def test_feature_extraction_trains_the_head_alone():
    (phase,) = feature_extraction.plan(GROUPS, 20)
    assert dict(phase.lr_scale) == {"head": 1.0}
    assert (phase.solver, phase.epochs) == ("convex", 0)


def test_gradual_unfreeze_goes_from_the_top_one_group_a_phase():
    phases = gradual_unfreeze.plan(GROUPS, 6, depth=0.6, decay=2.0)
    assert [list(phase.lr_scale) for phase in phases] == [
        ["head"],
        ["head", "stage4"],
        ["head", "stage4", "stage3"],
        ["head", "stage4", "stage3", "stage2"],
    ]
    assert phases[-1].lr_scale["stage2"] == pytest.approx(1 / 8)
    assert [phase.epochs for phase in phases] == [0, 2, 2, 2]


def test_gradual_unfreeze_bundles_the_blocks_of_a_deep_network():
    blocks = ["stem", *(f"stage{number}" for number in range(1, 13)), "head"]
    phases = gradual_unfreeze.plan(blocks, 2, depth=0.5)
    assert [phase.epochs for phase in phases] == [0, 1, 1]
    assert len(phases[-1].lr_scale) == 1 + math.ceil(13 / 2)


def test_gradual_unfreeze_refuses_fewer_epochs_than_phases():
    with pytest.raises(RecipeError, match="2 epochs and 3 phases over 3 groups.*Raise strategy.epochs"):
        gradual_unfreeze.plan(GROUPS, 2, depth=0.6, steps=3)


@pytest.mark.parametrize(("option", "value"), [("depth", 0.0), ("depth", 1.5), ("decay", 0.5)])
def test_gradual_unfreeze_names_an_option_out_of_range(option, value):
    with pytest.raises(RecipeError, match=f"strategy.options.{option}: got {value}"):
        gradual_unfreeze.plan(GROUPS, 6, **{option: value})


def test_full_trains_everything_more_slowly_towards_the_input():
    head, everything = full.plan(GROUPS, 4, decay=0.5)
    assert head.solver == "convex"
    assert everything.lr_scale["head"] == 1.0
    assert everything.lr_scale["stem"] == pytest.approx(0.5**5)


@pytest.mark.parametrize(
    ("architecture", "decay"),
    [("vit_small_patch16_224", 0.75), ("swinv2_tiny_window8_256", 0.8), ("convnext_tiny", 0.8), ("resnet18", 0.75)],
)
def test_full_takes_the_decay_of_the_family(architecture, decay):
    phases = full.plan(GROUPS, 4, architecture=architecture)
    assert phases[-1].lr_scale["stage4"] == pytest.approx(decay)


def test_full_without_the_head_start_is_one_phase():
    assert len(full.plan(GROUPS, 4, head_first=False)) == 1


def test_full_names_a_decay_out_of_range():
    with pytest.raises(RecipeError, match="strategy.options.decay: got 0"):
        full.plan(GROUPS, 4, decay=0)


BLOCKS = ["stem", *(f"stage{number}" for number in range(1, 13)), "head"]


@pytest.mark.parametrize(
    ("groups", "part", "block"),
    [
        (GROUPS, "first", ["stem", "stage1"]),
        (GROUPS, "middle", ["stage2"]),
        (GROUPS, "last", ["stage4"]),
        (BLOCKS, "first", ["stem", "stage1", "stage2", "stage3"]),
        (BLOCKS, "middle", ["stage5", "stage6", "stage7"]),
        (BLOCKS, "last", ["stage10", "stage11", "stage12"]),
        (["stem", "stage1", "head"], "middle", ["stage1"]),
        (["stem", "head"], "last", ["stem"]),
    ],
)
def test_surgical_chooses_a_block_of_a_network_of_any_depth(groups, part, block):
    assert surgical.choose_block(groups, part) == block


def test_surgical_fits_the_head_then_trains_one_block_beside_the_frozen_head():
    head, block = surgical.plan(GROUPS, 5, part="first")
    assert (head.solver, dict(head.lr_scale)) == ("convex", {"head": 1.0})
    assert (block.name, block.epochs, dict(block.lr_scale)) == ("first block", 5, {"stem": 1.0, "stage1": 1.0})


def test_surgical_trains_the_head_with_the_last_block_or_when_told_to():
    assert dict(surgical.plan(GROUPS, 5, part="last")[-1].lr_scale) == {"stage4": 1.0, "head": 1.0}
    assert "head" not in surgical.plan(GROUPS, 5, part="last", train_head=False)[-1].lr_scale
    assert "head" in surgical.plan(GROUPS, 5, part="first", train_head=True)[-1].lr_scale


@pytest.mark.parametrize("part", ["first", "middle", "last"])
def test_surgical_can_keep_the_head_of_a_source_model(part):
    (block,) = surgical.plan(GROUPS, 4, part=part, head_first=False)
    assert block.epochs == 4
    assert set(block.lr_scale) < set(GROUPS)


def test_surgical_names_an_unknown_part():
    with pytest.raises(RecipeError, match='strategy.options.part: got "top"; allowed: first, middle, last'):
        surgical.plan(GROUPS, 4, part="top")


def test_an_unknown_solver_is_named():
    with pytest.raises(RecipeError, match='strategy.options.solver: got "newton"; allowed: convex, gradient'):
        feature_extraction.plan(GROUPS, 4, solver="newton")


def test_split_evenly_gives_the_rest_to_the_last_parts():
    assert split_evenly(7, parts=3) == [2, 2, 3]


@pytest.mark.parametrize("name", STRATEGIES)
@pytest.mark.parametrize("solver", ["convex", "gradient"])
def test_every_strategy_keeps_the_contract(name, solver):
    check_strategy(name, groups=GROUPS, solver=solver)
