"""Every detection head keeps the contract of heads, on two CNNs, a Swin and plain ViTs."""

from __future__ import annotations

import copy
import functools

import pytest
import torch
from torchvision.ops import box_iou

from vision_ft.models.assemble import DenseModel, build_model
from vision_ft.models.backbone import create_backbone
from vision_ft.models.heads import HEADS
from vision_ft.models.stages import parameter_groups, set_trainable
from vision_ft.types import Detections, Target

DETECTION = [name for name, spec in HEADS.items() if spec.task == "detection"]
TINY_VIT = {"embed_dim": 32, "depth": 4, "num_heads": 2}
FAMILIES = {  # name -> arguments, patch; a map at stride 2; none; NHWC inside; equal strides of 16, and of 14
    "test_resnet": ({}, 16),
    "test_convnext": ({}, 16),
    "swin_tiny_patch4_window7_224": ({"embed_dim": 16, "depths": (1, 1, 1, 1), "num_heads": (1, 2, 4, 8)}, 16),
    "vit_tiny_patch16_224": (TINY_VIT, 16),
    "vit_small_patch14_dinov2": (TINY_VIT, 14),
}
SMALL = {"fcos": {"width": 64}, "faster-rcnn": {"width": 32, "hidden": 64}}
every_head = pytest.mark.parametrize("head", DETECTION)
families = pytest.mark.parametrize("name", FAMILIES)
three_families = pytest.mark.parametrize(
    "name", ["test_resnet", "swin_tiny_patch4_window7_224", "vit_small_patch14_dinov2"]
)
NO_BOXES = (torch.zeros(0, 4), torch.zeros(0, dtype=torch.int64))


@functools.cache
def model_of(name: str, head: str, *, classes: int = 3, channels: int = 3, dropout: float = 0.0) -> DenseModel:
    """Build once, for oblong images; tests that change it take a copy."""
    torch.manual_seed(0)
    arguments, patch = FAMILIES[name]
    backbone = create_backbone(
        name, pretrained=False, in_chans=channels, image_size=(4 * patch, 6 * patch), model_args=arguments
    )
    model = build_model(backbone, head, classes, dropout=dropout, head_args=SMALL[head])
    assert isinstance(model, DenseModel)
    return model


def pictures(model: DenseModel, count: int = 2) -> torch.Tensor:
    return torch.rand(count, *model.backbone.preprocessing.size, generator=torch.Generator().manual_seed(1))


def target_of(*answers: tuple[torch.Tensor, torch.Tensor]) -> Target:
    boxes, labels = zip(*answers, strict=True)
    return Target(boxes=tuple(boxes), box_labels=tuple(labels))


def two_boxes(last_class: int = 2) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.tensor([[4.0, 6.0, 30.0, 40.0], [40.0, 20.0, 80.0, 56.0]]), torch.tensor([0, last_class])


def assert_detections(found: object, *, count: int, size: tuple[int, int], classes: int) -> None:
    assert isinstance(found, list)
    assert len(found) == count
    height, width = size
    for picture in found:
        assert isinstance(picture, Detections)
        number = len(picture.scores)
        assert 1 <= number <= 300
        assert picture.boxes.shape == (number, 4)
        assert (picture.boxes.dtype, picture.scores.dtype) == (torch.float32, torch.float32)
        assert (picture.labels.shape, picture.labels.dtype) == ((number,), torch.int64)
        assert (picture.scores.diff() <= 0).all()
        assert picture.scores.max() <= 1
        assert picture.scores.min() > 0
        assert picture.labels.min() >= 0
        assert picture.labels.max() < classes
        assert picture.boxes.min() >= 0
        assert (picture.boxes[:, 2:] <= torch.tensor([width, height])).all()
        assert (picture.boxes[:, 2:] > picture.boxes[:, :2]).all()


def test_both_detection_heads_are_covered():
    assert {"fcos", "faster-rcnn"} <= set(DETECTION)


@every_head
@families
@pytest.mark.parametrize(("classes", "channels"), [(1, 1), (7, 5)])
def test_detections_lie_inside_the_picture_most_certain_first(name, head, classes, channels):
    model = model_of(name, head, classes=classes, channels=channels).eval()
    images = pictures(model)
    with torch.no_grad():
        assert_detections(model(images), count=2, size=images.shape[-2:], classes=classes)


@every_head
@pytest.mark.parametrize("name", ["test_resnet", "test_convnext"])
@pytest.mark.parametrize("size", [(90, 120), (33, 71)])
def test_any_size_of_picture_is_taken(name, head, size):
    model = model_of(name, head).eval()
    with torch.no_grad():
        assert_detections(model(torch.rand(1, 3, *size)), count=1, size=size, classes=3)


@every_head
@families
def test_every_parameter_of_the_head_gets_a_gradient_from_finite_losses(name, head):
    model = copy.deepcopy(model_of(name, head, classes=7, channels=5)).train()
    losses = model(pictures(model), target_of(two_boxes(6), NO_BOXES))
    for value in losses.values():
        assert (value.shape, value.dtype) == ((), torch.float32)
        assert value.isfinite()
    sum(losses.values()).backward()
    silent = [key for key, value in model.head.named_parameters() if value.grad is None or not value.grad.abs().sum()]
    assert silent == []


@every_head
@three_families
def test_pictures_without_boxes_teach_that_nothing_is_there(name, head):
    model = copy.deepcopy(model_of(name, head)).train()
    images, target = pictures(model), target_of(NO_BOXES, NO_BOXES)
    optimizer = torch.optim.SGD(model.head.parameters(), lr=0.01)
    first = last = None
    for _ in range(3):
        losses = model(images, target)
        assert losses["box"] == 0
        last = sum(losses.values())
        first = last if first is None else first
        assert last.isfinite()
        optimizer.zero_grad()
        last.backward()
        optimizer.step()
    assert last < first


@every_head
@pytest.mark.parametrize(
    "box",
    [(0, 0, 1, 1), (47, 31, 48, 32), (95, 63, 96, 64), (0, 0, 96, 64), (0, 0, 96, 1), (10.2, 8.1, 10.4, 30.0)],
    ids=str,
)
def test_boxes_of_one_pixel_and_at_the_border_give_finite_losses_and_gradients(head, box):
    model = copy.deepcopy(model_of("test_resnet", head)).train()
    losses = model(pictures(model, 1), target_of((torch.tensor([box]).float(), torch.tensor([1]))))
    sum(losses.values()).backward()
    assert all(value.isfinite() for value in losses.values())
    assert all(value.grad.isfinite().all() for value in model.head.parameters())


@every_head
@three_families
def test_a_picture_is_answered_the_same_alone_and_among_others(name, head):
    model = model_of(name, head).eval()
    images = pictures(model, 3)
    with torch.no_grad():
        together = model(images)
        for image, expected in zip(images, together, strict=True):
            alone = model(image[None])[0]
            assert torch.allclose(alone.scores, expected.scores, atol=1e-5)
            assert torch.allclose(alone.boxes[:5], expected.boxes[:5], atol=1e-3)


@every_head
@three_families
def test_the_mode_does_not_decide_between_losses_and_detections(name, head):
    model = copy.deepcopy(model_of(name, head))
    images, target = pictures(model), target_of(two_boxes(), NO_BOXES)
    maps = model.eval().forward_features(images)
    size = images.shape[-2:]
    answers = {}
    for mode in (True, False):
        model.head.train(mode)
        torch.manual_seed(3)
        answers[mode] = model.head(maps, size), model.head(maps, size, target)
        assert all(module.training is mode for module in model.head.modules())
    (learning, losses), (watching, same_losses) = answers[True], answers[False]
    assert losses.keys() == same_losses.keys()
    assert all(torch.equal(losses[key], same_losses[key]) for key in losses)
    assert_detections(learning, count=2, size=size, classes=3)
    assert_detections(watching, count=2, size=size, classes=3)


@every_head
@pytest.mark.parametrize("name", ["test_resnet", "vit_tiny_patch16_224"])
def test_a_head_trains_after_inference_mode(name, head):
    model = copy.deepcopy(model_of(name, head))
    images, target = pictures(model), target_of(two_boxes(), two_boxes())
    with torch.inference_mode():
        model.eval()(images)
        model(images, target)
    sum(model.train()(images, target).values()).backward()
    assert all(value.grad is not None for value in model.head.parameters())


@every_head
@three_families
def test_weights_travel_through_a_state_dict(name, head):
    model = model_of(name, head).eval()
    torch.manual_seed(7)
    twin = build_model(copy.deepcopy(model.backbone), head, 3, head_args=SMALL[head]).eval()
    assert set(model.head.state_dict()) == {key for key, _ in model.head.named_parameters()}
    images = pictures(model)
    with torch.no_grad():
        twin(images)  # what a call leaves behind must not outlive the new weights
        twin.load_state_dict(model.state_dict())
        for ours, theirs in zip(model(images), twin(images), strict=True):
            assert torch.equal(ours.boxes, theirs.boxes)
            assert torch.equal(ours.scores, theirs.scores)
            assert torch.equal(ours.labels, theirs.labels)


@every_head
@three_families
def test_a_frozen_backbone_is_bit_identical_after_training(name, head):
    model = copy.deepcopy(model_of(name, head))
    groups = set_trainable(model, ["head"])
    assert groups == parameter_groups(model)
    before = {key: value.clone() for key, value in model.state_dict().items()}
    optimizer = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=0.1)
    sum(model.train()(pictures(model), target_of(two_boxes(), two_boxes())).values()).backward()
    optimizer.step()
    after = model.state_dict()
    changed = {key for key in after if not torch.equal(after[key], before[key])}
    assert changed == set(groups["head"])
    assert all(key.startswith("head.") for key in changed)


@every_head
def test_training_with_the_same_seed_gives_the_same_weights(head):
    ends = []
    for _ in range(2):
        model = copy.deepcopy(model_of("test_resnet", head)).train()
        optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
        torch.manual_seed(5)
        for _step in range(2):
            optimizer.zero_grad()
            sum(model(pictures(model), target_of(two_boxes(), NO_BOXES)).values()).backward()
            optimizer.step()
        ends.append(model.state_dict())
    assert all(torch.equal(ends[0][key], ends[1][key]) for key in ends[0])


@every_head
def test_dropout_acts_in_training_only(head):
    model = copy.deepcopy(model_of("test_resnet", head, dropout=0.5)).eval()
    images, target = pictures(model), target_of(two_boxes(), two_boxes())
    maps, size = model.forward_features(images), images.shape[-2:]

    def loss() -> torch.Tensor:
        torch.manual_seed(0)  # faster-rcnn samples too
        return sum(model.head(maps, size, target).values())

    still = loss()
    assert torch.equal(loss(), still)
    model.head.train()
    assert not torch.equal(loss(), still)


@every_head
def test_pictures_in_channels_last_get_the_same_losses(head):
    model = copy.deepcopy(model_of("test_resnet", head)).eval()
    images, target = pictures(model), target_of(two_boxes(), two_boxes())
    losses = []
    for layout in (torch.contiguous_format, torch.channels_last):
        torch.manual_seed(0)
        losses.append(model.to(memory_format=layout)(images.contiguous(memory_format=layout), target))
    for key, value in losses[0].items():
        assert torch.allclose(value, losses[1][key], rtol=1e-3), key


@every_head
def test_half_precision_keeps_losses_and_boxes_in_float32(head):
    model = copy.deepcopy(model_of("test_resnet", head)).train()
    images, target = pictures(model), target_of(two_boxes(), NO_BOXES)
    maps, size = [level.detach() for level in model.forward_features(images)], images.shape[-2:]
    torch.manual_seed(0)
    exact = model.head(maps, size, target)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        torch.manual_seed(0)
        losses = model.head(maps, size, target)
        found = model.head(maps, size)
    sum(losses.values()).backward()
    for key, value in losses.items():
        assert value.dtype == torch.float32
        assert torch.allclose(value, exact[key], rtol=0.05, atol=0.01), key
    assert all(value.grad.isfinite().all() for value in model.head.parameters())
    assert_detections(found, count=2, size=size, classes=3)


@every_head
def test_one_class_is_learned_against_nothing(head):
    model = copy.deepcopy(model_of("test_resnet", head, classes=1, channels=1)).train()
    losses = model(pictures(model), target_of(two_boxes(0), NO_BOXES))
    assert all(value.isfinite() and value > 0 for value in losses.values())


@every_head
def test_two_pictures_with_coloured_squares_are_learned_by_heart(head):
    torch.manual_seed(0)
    model = copy.deepcopy(model_of("test_resnet", head, classes=2)).eval()  # two images are too few for BatchNorm
    images = torch.rand(2, 3, 64, 64) * 0.2
    target = target_of(
        (torch.tensor([[6.0, 8.0, 34.0, 32.0], [30.0, 36.0, 60.0, 60.0]]), torch.tensor([0, 1])),
        (torch.tensor([[34.0, 26.0, 58.0, 54.0]]), torch.tensor([0])),
    )
    for image, boxes, labels in zip(images, target.boxes, target.box_labels, strict=True):
        for (x1, y1, x2, y2), label in zip(boxes.int().tolist(), labels.tolist(), strict=True):
            image[label, y1:y2, x1:x2] += 0.8
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    for _ in range({"fcos": 60}.get(head, 150)):
        optimizer.zero_grad()
        sum(model(images, target).values()).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    with torch.no_grad():
        found = model(images)
    for picture, boxes, labels in zip(found, target.boxes, target.box_labels, strict=True):
        first = slice(len(boxes))  # as many as there are: nothing false is more certain than a true box
        overlap, place = box_iou(boxes, picture.boxes[first]).max(dim=1)
        assert overlap.min() > 0.7
        assert picture.labels[first][place].tolist() == labels.tolist()
