"""BatchNorm re-estimation: the formula, what is refused, and what must not change."""

from __future__ import annotations

import copy
import math

import pytest
import torch
from torch import nn

from vision_ft.adaptation import batchnorm
from vision_ft.adaptation.activations import align_statistics
from vision_ft.errors import DataError, ModelError


def small_network() -> nn.Sequential:
    torch.manual_seed(0)
    network = nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Dropout(0.5), nn.Conv2d(4, 6, 3), nn.BatchNorm2d(6),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 3),
    )  # fmt: skip
    for layer in (network[1], network[5]):
        layer.running_mean.normal_()
        layer.running_var.uniform_(0.5, 2)
    return network


def pictures(count: int, *, seed: int = 1, gain: float = 1.0, offset: float = 0.0) -> torch.Tensor:
    return gain * torch.randn(count, 3, 12, 12, generator=torch.Generator().manual_seed(seed)) + offset


def state(model: nn.Module) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in model.state_dict().items()}


def assert_same(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> None:
    assert first.keys() == second.keys()
    assert [name for name in first if not torch.equal(first[name], second[name])] == []


def test_the_statistics_of_the_first_layer_are_those_of_its_inputs():
    model, images = small_network(), pictures(100)
    mean, variance = batchnorm.collect_statistics(model, images.split(32))["1"]
    with torch.no_grad():
        inputs = model[0](images).transpose(0, 1).flatten(1)
    assert torch.allclose(mean, inputs.mean(1), atol=1e-6)
    assert torch.allclose(variance, inputs.var(1), rtol=1e-5)


def test_every_layer_gets_what_one_training_pass_over_all_pictures_stores():
    model, images = small_network(), pictures(40)
    model[3].p = 0.0  # re-estimation keeps dropout off, so the reference must too
    found = batchnorm.collect_statistics(model, [images])
    reference = copy.deepcopy(model).train()
    for layer in (reference[1], reference[5]):
        layer.momentum = 1.0
    with torch.no_grad():
        reference(images)
    assert list(found) == ["1", "5"]
    for name, (mean, variance) in found.items():
        assert torch.allclose(mean, reference[int(name)].running_mean, atol=1e-5)
        assert torch.allclose(variance, reference[int(name)].running_var, rtol=1e-4)


def test_a_picture_counts_the_same_in_a_short_last_batch():
    model, images = small_network(), torch.cat([pictures(64), pictures(3, gain=20)])
    mean, variance = batchnorm.collect_statistics(model, images.split(32), adapted=False)["5"]
    once, once_variance = batchnorm.collect_statistics(model, [images], adapted=False)["5"]
    assert torch.allclose(mean, once, atol=1e-5)
    assert torch.allclose(variance, once_variance, rtol=1e-4)


def test_no_picture_is_normalised_among_fewer_than_32():
    sizes = []
    model = small_network()
    model.register_forward_pre_hook(lambda _module, inputs: sizes.append(len(inputs[0])))
    batchnorm.collect_statistics(model, pictures(101).split(10))
    assert sum(sizes) == 101
    assert min(sizes) >= 32
    sizes.clear()
    batchnorm.collect_statistics(model, pictures(5).split(2))
    assert sizes == [5], "what is fewer than 32 in all stays together"


@pytest.mark.parametrize("adapted", [True, False])
@pytest.mark.parametrize("training", [True, False])
def test_collecting_changes_neither_weights_nor_statistics_nor_modes(adapted, training):
    model = small_network().train(training)
    model[5].training = not training
    before, modes = state(model), [module.training for module in model.modules()]
    batchnorm.collect_statistics(model, pictures(40).split(20), adapted=adapted)
    assert_same(before, state(model))
    assert [module.training for module in model.modules()] == modes
    assert not any(module._forward_pre_hooks for module in model.modules())


def test_pictures_that_fail_halfway_leave_the_model_as_it_was():
    def failing():
        yield pictures(96)
        raise OSError("the disk is gone")

    model = small_network()
    before = state(model)
    with pytest.raises(OSError, match="the disk is gone"):
        batchnorm.reestimate(model, failing(), count=200)
    assert_same(before, state(model))
    assert model.training
    assert not any(module._forward_pre_hooks for module in model.modules())


def test_mixing_follows_the_formula_of_the_paper():
    source = {"a": (torch.tensor([0.0]), torch.tensor([1.0]))}
    new = {"a": (torch.tensor([4.0]), torch.tensor([9.0]))}
    mean, variance = batchnorm.mix_statistics(source, new, count=48, prior=16)["a"]
    assert mean.item() == pytest.approx(16 / 64 * 0 + 48 / 64 * 4)
    assert variance.item() == pytest.approx(16 / 64 * 1 + 48 / 64 * 9)


def test_an_infinite_prior_keeps_the_source_and_no_prior_forgets_it():
    source = {"a": (torch.tensor([0.1]), torch.tensor([0.3]))}
    new = {"a": (torch.tensor([0.7]), torch.tensor([0.9]))}
    assert torch.equal(batchnorm.mix_statistics(source, new, count=40, prior=math.inf)["a"][0], source["a"][0])
    assert torch.equal(batchnorm.mix_statistics(source, new, count=40, prior=0)["a"][1], new["a"][1])


def test_a_layer_without_new_statistics_keeps_the_source():
    source = {"a": (torch.zeros(1), torch.ones(1)), "b": (torch.ones(2), torch.ones(2))}
    mixed = batchnorm.mix_statistics(source, {"a": (torch.ones(1), torch.ones(1))}, count=40, prior=0)
    assert list(mixed) == ["a", "b"]
    assert torch.equal(mixed["b"][0], torch.ones(2))


def test_statistics_of_another_network_are_refused():
    with pytest.raises(ModelError, match="layer a: the source has 1 channels, the new statistics 2; both must come"):
        batchnorm.mix_statistics(
            {"a": (torch.zeros(1), torch.ones(1))}, {"a": (torch.zeros(2), torch.ones(2))}, count=40
        )


@pytest.mark.parametrize(("count", "prior"), [(0, 16), (40, -1), (40, math.nan)])
def test_impossible_shares_are_refused(count, prior):
    with pytest.raises(DataError, match=r"got \d+ images and prior .*; allowed are >= 1 and >= 0"):
        batchnorm.mix_statistics({}, {}, count=count, prior=prior)


@pytest.mark.parametrize("prior", [0, 16, 1000])
def test_each_layer_is_set_for_the_inputs_that_it_then_gets(prior):
    model, images = small_network().eval(), pictures(64, gain=3, offset=2)
    source = batchnorm.current_statistics(model)
    batchnorm.reestimate(model, [images], count=64, prior=prior)
    seen = batchnorm.collect_statistics(model, [images], adapted=False)
    share = prior / (prior + 64)
    for name, layer in (("1", model[1]), ("5", model[5])):
        expected = share * source[name][0] + (1 - share) * seen[name][0]
        assert torch.allclose(layer.running_mean, expected, atol=1e-3)
        expected = share * source[name][1] + (1 - share) * seen[name][1]
        assert torch.allclose(layer.running_var, expected, rtol=1e-2)


def test_reestimation_undoes_a_change_of_brightness_and_contrast():
    model, images = small_network().eval(), pictures(256)
    batchnorm.reestimate(model, [images], count=256, prior=0)
    with torch.no_grad():
        expected = model(images)
        shifted = 3 * images + 2
        adapted = copy.deepcopy(model)
        batchnorm.reestimate(adapted, [shifted], count=256, prior=0)
        before = (model(shifted) - expected).abs().max()
        after = (adapted(shifted) - expected).abs().max()
    assert before > 0.1
    assert after < 1e-3


def test_reestimation_changes_nothing_but_means_and_variances():
    model = small_network()
    before = state(model)
    batchnorm.reestimate(model, pictures(40).split(10), count=40)
    changed = [name for name, value in state(model).items() if not torch.equal(value, before[name])]
    assert changed == ["1.running_mean", "1.running_var", "5.running_mean", "5.running_var"]


def test_old_pictures_align_a_model_whose_statistics_are_of_neither_camera():
    model, old = small_network().eval(), pictures(256)  # random statistics, as far from `old` as any pretraining
    new = 3 * old + 2
    reference = batchnorm.collect_statistics(model, old.split(64), adapted=False)
    aligned, plain = copy.deepcopy(model), copy.deepcopy(model)
    batchnorm.reestimate(aligned, [new], count=256, prior=0, reference=reference)
    batchnorm.reestimate(plain, [new], count=256, prior=0)
    with torch.no_grad():
        expected = model(old)
        assert (aligned(new) - expected).abs().max() < 1e-2
        assert (plain(new) - expected).abs().max() > 0.1


def test_alignment_to_the_statistics_stored_gives_the_plain_ones():
    stored = (torch.tensor([1.0, -2.0]), torch.tensor([4.0, 0.5]))
    new = (torch.tensor([3.0, 0.0]), torch.tensor([1.0, 2.0]))
    mean, variance = align_statistics(stored, new, stored)
    assert torch.allclose(mean, new[0])
    assert torch.allclose(variance, new[1], rtol=1e-3)


def test_a_channel_that_slept_on_the_old_camera_is_stretched_tenfold_at_most():
    stored = (torch.zeros(1), torch.ones(1))
    _, variance = align_statistics(stored, (torch.zeros(1), torch.full((1,), 50.0)), (torch.zeros(1), torch.zeros(1)))
    assert variance.item() == pytest.approx(100)


def test_the_old_cameras_statistics_must_come_from_the_same_model():
    model, reference = small_network(), {"1": (torch.zeros(4), torch.ones(4))}
    before = state(model)
    with pytest.raises(ModelError, match=r"statistics of the old camera lack the layers \['5'\]; collect them from"):
        batchnorm.reestimate(model, [pictures(40)], count=40, reference=reference)
    assert_same(before, state(model))


def test_frozen_layers_keep_their_statistics():
    model = small_network()
    model.frozen_modules = (model[1],)
    before = state(model)
    batchnorm.reestimate(model, [pictures(40)], count=40)
    changed = [name for name, value in state(model).items() if not torch.equal(value, before[name])]
    assert changed == ["5.running_mean", "5.running_var"]
    model.frozen_modules = (model[1], model[5])
    with pytest.raises(ModelError, match="All 2 BatchNorm layers of this model are frozen.*Unfreeze a group"):
        batchnorm.reestimate(model, [pictures(40)], count=40)


def test_a_network_of_layernorm_is_told_that_nothing_can_be_done():
    model = nn.Sequential(nn.Flatten(), nn.Linear(12, 4), nn.LayerNorm(4))
    assert not batchnorm.has_batchnorm(model)
    assert not batchnorm.has_batchnorm(nn.BatchNorm2d(3, track_running_stats=False))
    assert batchnorm.has_batchnorm(small_network())
    text = "This model has no BatchNorm: re-estimation does nothing for a ViT.*resnet18"
    with pytest.raises(ModelError, match=text):
        batchnorm.reestimate(model, [torch.zeros(40, 12)], count=40)
    with pytest.raises(ModelError, match=text):
        batchnorm.collect_statistics(model, [torch.zeros(40, 12)])


def test_fewer_than_32_pictures_are_refused_before_anything_is_computed():
    model = small_network()
    before = state(model)
    with pytest.raises(DataError, match="got 31 images of the new camera; it needs at least 32.*no labels"):
        batchnorm.reestimate(model, iter([]), count=31)
    assert_same(before, state(model))


def test_a_wrong_count_changes_nothing_and_is_said():
    model = small_network()
    before = state(model)
    with pytest.raises(DataError, match="the batches held 40 images, but 50 were announced"):
        batchnorm.reestimate(model, [pictures(40)], count=50)
    assert_same(before, state(model))


def test_no_pictures_and_broken_pictures_are_refused():
    model = small_network()
    before = state(model)
    with pytest.raises(DataError, match="got no images; at least one"):
        batchnorm.collect_statistics(model, [])
    broken = pictures(40)
    broken[7, 0, 0, 0] = math.nan
    with pytest.raises(DataError, match="layer 1 sees values that are not finite.*vision-ft audit"):
        batchnorm.reestimate(model, [broken], count=40)
    assert_same(before, state(model))


def test_distance_is_zero_for_equal_one_for_a_standard_deviation_and_symmetric():
    source = {"a": (torch.zeros(2), torch.ones(2)), "b": (torch.zeros(1), torch.full((1,), 4.0))}
    moved = {"a": (torch.ones(2), torch.ones(2)), "b": (torch.tensor([2.0]), torch.full((1,), 4.0))}
    assert batchnorm.statistics_distance(source, source)["mean"] == 0
    found = batchnorm.statistics_distance(source, moved)
    assert [layer["name"] for layer in found["layers"]] == ["a", "b"]
    assert [layer["distance"] for layer in found["layers"]] == pytest.approx([1, 1], rel=1e-4)
    assert found["mean"] == pytest.approx(1, rel=1e-4)
    assert batchnorm.statistics_distance(moved, source) == found


def test_distance_of_dead_channels_is_small_and_of_strangers_refused():
    dead = {"a": (torch.zeros(1), torch.zeros(1))}
    assert batchnorm.statistics_distance(dead, {"a": (torch.full((1,), 1e-6), torch.zeros(1))})["mean"] < 1e-2
    with pytest.raises(ModelError, match="share no layer; use the same network twice"):
        batchnorm.statistics_distance(dead, {"b": dead["a"]})
