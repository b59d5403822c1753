"""Necks: which maps a head gets from which pyramid, and plain ViTs at any size that their patches divide."""

from __future__ import annotations

import functools

import pytest
import torch
from safetensors.torch import save_file
from timm.layers import resample_abs_pos_embed

from vision_ft.models.backbone import Backbone, create_backbone
from vision_ft.models.necks import MADE_WIDTH, build_neck

TINY = (("depth", 4), ("embed_dim", 32), ("num_heads", 2))
PLAIN = {  # patches of 16 and 14; class token, two tokens, none but registers
    "vit_tiny_patch16_224": 16,
    "deit_tiny_distilled_patch16_224": 16,
    "vit_small_patch14_dinov2": 14,
    "vit_small_patch14_reg4_dinov2": 14,
}
plain_networks = pytest.mark.parametrize("name", PLAIN)


@functools.cache
def plain_backbone(name: str, height: int, width: int, channels: int = 3) -> Backbone:
    torch.manual_seed(0)
    size = (height * PLAIN[name], width * PLAIN[name])
    return create_backbone(name, pretrained=False, in_chans=channels, image_size=size, model_args=dict(TINY)).eval()


def pictures(backbone: Backbone) -> torch.Tensor:
    return torch.rand(2, *backbone.preprocessing.size, generator=torch.Generator().manual_seed(1))


def neck_of(backbone: Backbone, **options):
    torch.manual_seed(2)
    return build_neck(backbone.channels, backbone.strides, **options)


@plain_networks
@pytest.mark.parametrize(("height", "width"), [(4, 4), (3, 5)])
@pytest.mark.parametrize("channels", [1, 3, 5])
def test_a_plain_network_gets_four_maps_at_any_size_its_patches_divide(name, height, width, channels):
    backbone = plain_backbone(name, height, width, channels)
    neck, widths, strides = neck_of(backbone)
    with torch.no_grad():
        maps = neck(backbone.forward_pyramid(pictures(backbone)))
    assert [tuple(each.shape) for each in maps] == [
        (2, MADE_WIDTH, 4 * height, 4 * width),
        (2, MADE_WIDTH, 2 * height, 2 * width),
        (2, MADE_WIDTH, height, width),
        (2, MADE_WIDTH, -(-height // 2), -(-width // 2)),
    ]
    assert widths == (MADE_WIDTH,) * 4
    assert strides == {16: (4, 8, 16, 32), 14: (3.5, 7, 14, 28)}[PLAIN[name]]


@plain_networks
def test_position_embeddings_of_square_weights_are_resampled_to_an_oblong_picture(name, tmp_path):
    square = plain_backbone(name, 4, 4).model
    save_file(square.state_dict(), tmp_path / "square.safetensors")
    size = (3 * PLAIN[name], 5 * PLAIN[name])
    oblong = create_backbone(
        name, pretrained=tmp_path / "square.safetensors", image_size=size, model_args=dict(TINY)
    ).eval()
    tokens = square.pos_embed.shape[1] - 4 * 4  # those of the class, which have no place in the image
    expected = resample_abs_pos_embed(square.pos_embed, (3, 5), (4, 4), num_prefix_tokens=tokens)
    assert torch.equal(oblong.model.pos_embed, expected)
    neck, _, _ = neck_of(oblong)
    with torch.no_grad():
        maps = neck(oblong.forward_pyramid(pictures(oblong)))
    assert [tuple(each.shape[2:]) for each in maps] == [(12, 20), (6, 10), (3, 5), (2, 3)]


@plain_networks
def test_channels_last_and_a_second_run_give_the_same_maps(name):
    backbone = plain_backbone(name, 3, 5)
    neck, _, _ = neck_of(backbone)
    with torch.no_grad():
        first = neck(backbone.forward_pyramid(pictures(backbone)))
        second = neck(backbone.forward_pyramid(pictures(backbone)))
        images = pictures(backbone).to(memory_format=torch.channels_last)
        last = neck.to(memory_format=torch.channels_last)(backbone.forward_pyramid(images))
    for one, two, three in zip(first, second, last, strict=True):
        assert torch.equal(one, two)
        assert torch.allclose(one, three, atol=1e-5)


def test_made_maps_lie_where_their_source_lies():
    neck, _, strides = build_neck((8,) * 4, (16,) * 4)
    dark, lit = torch.zeros(1, 8, 9, 11), torch.zeros(1, 8, 9, 11)
    lit[:, :, 4, 6] = torch.arange(1.0, 9.0)
    with torch.no_grad():
        changed = [(one - two).abs().sum(1)[0] for one, two in zip(neck([lit] * 4), neck([dark] * 4), strict=True)]
    for difference, stride in zip(changed, strides, strict=True):
        for cells, source in zip(difference.nonzero(as_tuple=True), (4, 6), strict=True):
            low, high = int(cells.min()) * stride, int(cells.max() + 1) * stride
            assert low <= source * 16
            assert high >= (source + 1) * 16
            assert high - low <= max(16, stride) + 2 * stride, "one cell more on each side, by the 3x3 convolution"


def test_only_the_last_map_of_a_plain_network_is_read():
    neck, _, _ = build_neck((8,) * 4, (16,) * 4)
    maps = [torch.rand(1, 8, 2, 2) for _ in range(4)]
    others = [torch.rand(1, 8, 2, 2) for _ in range(3)] + maps[3:]
    assert neck.sources == (3, 3, 3, 3)
    assert all(torch.equal(one, two) for one, two in zip(neck(maps), neck(others), strict=True))


@pytest.mark.parametrize(
    ("given", "wanted", "expected", "sources"),
    [
        ((2, 4, 8, 16, 32), (4, 8, 16, 32), (4, 8, 16, 32), (1, 2, 3, 4)),
        ((2, 4, 8, 16, 32), (2, 4, 8, 16, 32), (2, 4, 8, 16, 32), (0, 1, 2, 3, 4)),
        ((2, 4, 8, 16, 32), (8, 16, 32), (8, 16, 32), (2, 3, 4)),
        ((4, 8, 16, 32), (2, 4, 8, 16, 32), (4, 8, 16, 32), (0, 1, 2, 3)),
        ((1, 2, 4, 8, 16, 32), (2, 4, 8, 16, 32), (2, 4, 8, 16, 32), (1, 2, 3, 4, 5)),
    ],
)
def test_maps_that_are_there_are_handed_on_as_they_are(given, wanted, expected, sources):
    neck, channels, strides = build_neck(tuple(10 * stride for stride in given), given, wanted=wanted)
    maps = [torch.rand(1, 10 * stride, 64 // stride, 64 // stride) for stride in given]
    assert strides == expected
    assert channels == tuple(10 * stride for stride in expected)
    assert neck.sources == sources
    assert not list(neck.parameters())
    assert all(got is maps[source] for got, source in zip(neck(maps), sources, strict=True))


@pytest.mark.parametrize(
    ("given", "expected", "sources"),
    [
        ((8, 16, 32), (4, 8, 16, 32), (0, 0, 1, 2)),  # Visformer, PiT
        ((4, 8, 16), (4, 8, 16, 32), (0, 1, 2, 2)),  # NesT
        ((8, 16, 16, 16), (4, 8, 16, 32), (0, 0, 3, 3)),  # VOLO: the deepest of its equal maps
        ((2, 4, 8, 16, 16), (4, 8, 16, 32), (1, 2, 4, 4)),  # a ResNet with output_stride 16
        ((16, 32, 64), (8, 16, 32, 64), (0, 0, 1, 2)),  # LeViT: its deepest features are not lost
        ((32,) * 4, (4, 8, 16, 32), (3, 3, 3, 3)),
        ((8,) * 4, (4, 8, 16, 32), (3, 3, 3, 3)),
    ],
)
def test_missing_maps_are_made_from_the_nearest(given, expected, sources):
    neck, channels, strides = build_neck((24,) * len(given), given)
    maps = [torch.rand(1, 24, 192 // stride, 192 // stride) for stride in given]
    made = neck(maps)
    assert strides == expected
    assert neck.sources == sources
    assert [tuple(each.shape[1:]) for each in made] == [
        (width, 192 // stride, 192 // stride) for width, stride in zip(channels, expected, strict=True)
    ]


@pytest.mark.parametrize("name", ["vit_tiny_patch16_224", "vit_small_patch14_reg4_dinov2"])
def test_the_final_norm_of_a_plain_network_learns_from_the_pyramid(name):
    backbone = plain_backbone(name, 2, 2)
    neck, _, _ = neck_of(backbone)
    sum(level.square().sum() for level in neck(backbone.forward_pyramid(pictures(backbone)))).backward()
    silent = [key for key, value in backbone.model.named_parameters() if value.grad is None]
    backbone.zero_grad()
    assert silent == []


def test_a_network_whose_maps_cannot_be_normed_still_gives_them():
    backbone = create_backbone("sam2_hiera_tiny", pretrained=False, image_size=64).eval()
    with torch.no_grad():
        maps = backbone.forward_pyramid(pictures(backbone))
    assert [each.shape[-1] for each in maps] == [16, 8, 4, 2]
