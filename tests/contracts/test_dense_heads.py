"""Every segmentation head keeps the contract of heads, on two CNNs, a Swin and a plain ViT."""

from __future__ import annotations

import copy
import functools

import pytest
import torch
import torch.nn.functional as F

from vision_ft.errors import ModelError
from vision_ft.models.assemble import DenseModel, build_model
from vision_ft.models.backbone import create_backbone
from vision_ft.models.heads import HEADS
from vision_ft.models.heads.pixels import pad_to_doubling
from vision_ft.models.stages import parameter_groups, set_trainable

SEGMENTATION = [name for name, spec in HEADS.items() if spec.task == "segmentation"]
FAMILIES = {  # a map at stride 2; none, and odd sizes cut off; NHWC inside; equal strides
    "resnet18": {},
    "convnext_atto": {},
    "swin_tiny_patch4_window7_224": {"embed_dim": 16, "depths": (1, 1, 1, 1), "num_heads": (1, 2, 4, 8)},
    "vit_tiny_patch16_224": {"embed_dim": 32, "depth": 4, "num_heads": 2},
}
every_head = pytest.mark.parametrize("head", SEGMENTATION)
families = pytest.mark.parametrize("name", FAMILIES)
SIDE = 64


@functools.cache
def model_of(name: str, head: str, *, classes: int = 3, channels: int = 3, dropout: float = 0.0) -> DenseModel:
    """Build once; tests that change it take a copy."""
    torch.manual_seed(0)
    backbone = create_backbone(name, pretrained=False, in_chans=channels, image_size=SIDE, model_args=FAMILIES[name])
    model = build_model(backbone, head, classes, dropout=dropout)
    assert isinstance(model, DenseModel)
    return model


def pictures(count: int = 2, *, channels: int = 3, height: int = SIDE, width: int = SIDE) -> torch.Tensor:
    return torch.rand(count, channels, height, width, generator=torch.Generator().manual_seed(1))


def test_both_segmentation_heads_are_covered():
    assert {"fpn", "unet"} <= set(SEGMENTATION)


@every_head
@families
@pytest.mark.parametrize(("classes", "channels"), [(1, 1), (3, 3), (7, 5)])
def test_every_pixel_gets_a_logit_of_every_class(name, head, classes, channels):
    model = model_of(name, head, classes=classes, channels=channels).eval()
    with torch.no_grad():
        logits = model(pictures(channels=channels))
    assert logits.shape == (2, classes, SIDE, SIDE)
    assert logits.isfinite().all()


@every_head
@pytest.mark.parametrize("name", ["resnet18", "convnext_atto"])
@pytest.mark.parametrize(("height", "width"), [(90, 120), (33, 71), (64, 32)])
def test_any_size_of_picture_is_taken(name, head, height, width):
    model = model_of(name, head).eval()
    with torch.no_grad():
        assert model(pictures(height=height, width=width)).shape == (2, 3, height, width)


@every_head
@families
def test_every_parameter_of_the_head_gets_a_gradient(name, head):
    model = copy.deepcopy(model_of(name, head)).train()
    F.cross_entropy(model(pictures()), torch.zeros(2, SIDE, SIDE, dtype=torch.int64)).backward()
    silent = [key for key, value in model.head.named_parameters() if value.grad is None or not value.grad.abs().sum()]
    assert silent == []


@every_head
@families
def test_a_picture_is_answered_the_same_alone_and_among_others(name, head):
    model = model_of(name, head).eval()
    images = pictures(3)
    with torch.no_grad():
        together = model(images)
        assert torch.equal(model(images), together)
        for number, image in enumerate(images):
            assert torch.allclose(model(image[None])[0], together[number], atol=1e-5)


@every_head
@families
def test_the_head_has_no_statistics_of_the_batch(name, head):
    """Without dropout a head trains on what it will answer: no BatchNorm, so small batches do no harm."""
    model = copy.deepcopy(model_of(name, head))
    with torch.no_grad():
        pyramid = model.eval().forward_features(pictures(3))
        expected = model.head(pyramid, (SIDE, SIDE))
        trained = model.head.train()([level[:1] for level in pyramid], (SIDE, SIDE))
    assert torch.allclose(trained, expected[:1], atol=1e-5)
    assert not list(model.head.buffers())


@every_head
def test_dropout_acts_in_training_only(head):
    model = copy.deepcopy(model_of("resnet18", head, dropout=0.5)).eval()
    with torch.no_grad():
        pyramid = model.forward_features(pictures())
        torch.manual_seed(0)
        first, second = (model.head(pyramid, (SIDE, SIDE)) for _ in range(2))
        assert torch.equal(first, second)
        model.head.train()
        assert not torch.equal(model.head(pyramid, (SIDE, SIDE)), first)


@every_head
@families
def test_weights_travel_through_a_state_dict(name, head):
    model = model_of(name, head).eval()
    torch.manual_seed(7)
    twin = build_model(copy.deepcopy(model.backbone), head, 3).eval()
    with torch.no_grad():
        assert not torch.equal(model(pictures()), twin(pictures()))
        twin.load_state_dict(model.state_dict())
        assert torch.equal(model(pictures()), twin(pictures()))


@every_head
@families
def test_a_frozen_backbone_is_bit_identical_after_training(name, head):
    model = copy.deepcopy(model_of(name, head))
    groups = set_trainable(model, ["head"])
    before = {key: value.clone() for key, value in model.state_dict().items()}
    optimizer = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=0.1)
    model.train()
    F.cross_entropy(model(pictures()), torch.ones(2, SIDE, SIDE, dtype=torch.int64)).backward()
    optimizer.step()
    after = model.state_dict()
    changed = {key for key in after if not torch.equal(after[key], before[key])}
    assert changed == set(groups["head"])
    assert all(key.startswith("head.") for key in changed)


@every_head
@families
def test_all_outside_the_backbone_belongs_to_the_head(name, head):
    model = model_of(name, head)
    groups = parameter_groups(model)
    assert sorted(groups["head"]) == sorted(key for key, _ in model.named_parameters() if key.startswith("head."))


@pytest.mark.slow
@every_head
@pytest.mark.parametrize(
    ("name", "arguments", "floor"),
    [
        ("resnet10t", {}, 0.9),
        ("vit_tiny_patch16_224", {"embed_dim": 64, "depth": 4, "num_heads": 2}, 0.8),  # four by four tokens
    ],
)
def test_two_pictures_with_a_rectangle_are_learned_by_heart(name, arguments, floor, head):
    torch.manual_seed(0)
    backbone = create_backbone(name, pretrained=False, image_size=SIDE, model_args=arguments)
    model = build_model(backbone, head, 2).train()
    images, masks = pictures() * 0.2, torch.zeros(2, SIDE, SIDE, dtype=torch.int64)
    for number, (top, left, high, wide) in enumerate([(8, 12, 24, 36), (30, 20, 26, 18)]):
        images[number, 0, top : top + high, left : left + wide] += 0.8
        masks[number, top : top + high, left : left + wide] = 1
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
    for _ in range(50):
        optimizer.zero_grad()
        F.cross_entropy(model(images), masks).backward()
        optimizer.step()
    answers = model(images).argmax(1)
    overlap = (answers & masks).sum((1, 2)) / (answers | masks).sum((1, 2))
    assert overlap.min() > floor


@every_head
@pytest.mark.parametrize("name", ["resnet18", "convnext_atto"])
def test_cells_beyond_the_picture_are_cut_off_and_not_squeezed_in(name, head):
    model = model_of(name, head).eval()
    with torch.no_grad():
        pyramid = model.forward_features(pictures(1, height=128))
        expected = model.head(pyramid, (128, SIDE))
        got = model.head(pyramid, (99, SIDE))
    assert torch.equal(got, expected[:, :, :99])


def test_padding_makes_every_map_twice_the_next_and_keeps_what_is_there():
    sizes = [(23, 30), (12, 15), (6, 8), (3, 4)]
    maps = [torch.rand(1, 2, *size) for size in sizes]
    padded = pad_to_doubling(maps)
    assert [tuple(each.shape[2:]) for each in padded] == [(24, 32), (12, 16), (6, 8), (3, 4)]
    for before, after in zip(maps, padded, strict=True):
        height, width = before.shape[2:]
        assert torch.equal(after[..., :height, :width], before)
        assert after.sum() == pytest.approx(before.sum().item(), rel=1e-5)


def test_a_coarse_map_that_was_cut_short_is_padded_too():
    padded = pad_to_doubling([torch.rand(1, 1, 22, 30), torch.rand(1, 1, 11, 15), torch.rand(1, 1, 5, 7)])
    assert [tuple(each.shape[2:]) for each in padded] == [(24, 32), (12, 16), (6, 8)]


@every_head
def test_a_pyramid_that_does_not_double_is_refused(head):
    text = rf"head '{head}': got maps of strides \[4, 8, 16, 16\]; it takes .*4.* maps whose strides double, such as "
    with pytest.raises(ModelError, match=text):
        HEADS[head].build((8,) * 4, (4, 8, 16, 16), 3)
    with pytest.raises(ModelError, match=r"got maps of strides \[8, 16, 32\]; it takes .*4.* maps"):
        HEADS[head].build((8,) * 3, (8, 16, 32), 3)


def test_the_width_of_the_fpn_is_set_and_checked():
    backbone = model_of("resnet18", "fpn").backbone
    narrow = build_model(backbone, "fpn", 3, head_args={"width": 20})
    assert narrow.head.decoder.decoder.p5.weight.shape == (20, 512, 1, 1)
    with pytest.raises(
        ModelError, match=r"model.head_args.width: got 0; the head 'fpn' needs at least 1 channel, such"
    ):
        build_model(backbone, "fpn", 3, head_args={"width": 0})
