"""Mixup and cutmix blend images and labels in the same shares."""

from __future__ import annotations

import pytest
import torch

from vision_ft.augment.mix import mix


def batch():
    """Image i is filled with the value i, so that a mean tells the shares."""
    images = torch.arange(4.0)[:, None, None, None].expand(4, 3, 16, 16).clone()
    return images, torch.tensor([0, 1, 2, 3])


def run(seed, **alphas):
    images, labels = batch()
    return mix(images, labels, num_classes=4, generator=torch.Generator().manual_seed(seed), **alphas)


@pytest.mark.parametrize("alphas", [{"mixup": 0.4, "cutmix": 0.0}, {"mixup": 0.0, "cutmix": 1.0}])
def test_shares_of_the_labels_are_the_shares_of_the_pixels(alphas):
    for seed in range(30):
        mixed, shares = run(seed, **alphas)
        expected = (shares * torch.arange(4.0)).sum(1)
        assert torch.allclose(mixed.mean((1, 2, 3)), expected, atol=1e-5)
        assert torch.allclose(shares.sum(1), torch.ones(4))


def test_mixup_blends_every_pixel_and_cutmix_pastes_a_box():
    mixed, _ = run(1, mixup=0.4, cutmix=0.0)
    assert len(mixed[0].unique()) == 1
    pasted, _ = run(3, mixup=0.0, cutmix=1.0)
    assert set(pasted[0].unique().tolist()) <= {0.0, 3.0}


def test_both_alternate_with_equal_chance():
    boxes = sum(len(run(seed, mixup=1.0, cutmix=1.0)[0][0].unique()) == 2 for seed in range(200))
    assert 70 <= boxes <= 130


def test_off_gives_the_pictures_and_one_hot_labels():
    images, labels = batch()
    same, shares = mix(images, labels, num_classes=5, mixup=0, cutmix=0, generator=torch.Generator())
    assert same is images
    assert torch.equal(shares, torch.eye(5)[:4])


def test_the_generator_alone_decides():
    first, second = run(7, mixup=0.4, cutmix=1.0), run(7, mixup=0.4, cutmix=1.0)
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))
    assert not torch.equal(first[0], run(8, mixup=0.4, cutmix=1.0)[0])
