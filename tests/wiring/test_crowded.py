"""Images with more objects than the detector gives boxes are said before training."""

from __future__ import annotations

import pyarrow as pa
import pytest

from vision_ft.data.table import SampleTable
from vision_ft.models.assemble import build_model
from vision_ft.models.backbone import create_backbone
from vision_ft.types import ClassSpace
from vision_ft.wiring.crowded import find_crowded


def table_of(*counts: int | None) -> SampleTable:
    boxes = [None if count is None else [[0.0, 0.0, 5.0, 5.0]] * count for count in counts]
    return SampleTable.build(
        root="lots",
        paths=[f"{row}.png" for row in range(len(counts))],
        labels=[-1] * len(counts),
        classes=ClassSpace(("car",)),
        task="detection",
        extra={"boxes": pa.array(boxes, pa.list_(pa.list_(pa.float32())))},
    )


@pytest.fixture(scope="module")
def model():
    backbone = create_backbone("test_resnet", pretrained=False, image_size=(64, 64))
    return build_model(backbone, "fcos", 1, head_args={"width": 64, "max_boxes": 20})


def test_a_picture_with_more_boxes_than_the_head_gives_is_a_warning_with_the_way_out(model):
    (finding,) = find_crowded(table_of(3, 21, None, 40), model)
    assert (finding.level, finding.kind, finding.path) == ("warning", "more-boxes-than-given", "3.png")
    assert finding.detail == (
        "40 boxes, but the head gives at most 20 per image. 2 images hold more boxes than that; the rest cannot be "
        "detected. Set model.head_args={max_boxes: 80}."
    )


def test_pictures_that_the_head_can_answer_are_no_finding(model):
    assert find_crowded(table_of(0, 20, None), model) == []
