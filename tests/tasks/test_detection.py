"""Val numbers of a detector while it trains are those that the finished run reports."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
import torch

from tests.evaluate.boxes import drawn
from vision_ft.data.table import SampleTable
from vision_ft.models.heads.detection_common import to_torchvision
from vision_ft.tasks.detection import TASK, decode
from vision_ft.tasks.spec import Judging
from vision_ft.types import CROWD, Batch, ClassSpace, Detections, Preprocessing
from vision_ft.wiring.targets import build_targets

INPUT = Preprocessing((3, 120, 160), 1.0, "squash", "bilinear", (0.5,) * 3, (0.5,) * 3)
SIZE = 300
FACTOR = np.array([160, 120, 160, 120], dtype=np.float32) / SIZE


@pytest.fixture(scope="module")
def drawn_set():
    """Drawn boxes of which a third are crowds or difficult."""
    return drawn(3, crowds=0.35, decimals=2)


@pytest.fixture(scope="module")
def table(drawn_set) -> SampleTable:
    rng = np.random.default_rng(0)
    crowds = [ignored & (rng.random(len(ignored)) < 0.5) for ignored in drawn_set.ignored]
    difficult = [ignored & ~crowd for ignored, crowd in zip(drawn_set.ignored, crowds, strict=True)]
    count = len(drawn_set)
    return SampleTable.build(
        root="lots",
        paths=list(drawn_set.paths),
        labels=[-1] * count,
        classes=ClassSpace(drawn_set.classes),
        task="detection",
        extra={
            "boxes": pa.array([part.clip(0, SIZE).tolist() for part in drawn_set.target_boxes]),
            "box_labels": pa.array([part.tolist() for part in drawn_set.target_labels], pa.list_(pa.int32())),
            "iscrowd": pa.array([part.tolist() for part in crowds], pa.list_(pa.bool_())),
            "difficult": pa.array([part.tolist() for part in difficult], pa.list_(pa.bool_())),
            "width": pa.array([SIZE] * count),
            "height": pa.array([SIZE] * count),
        },
    )


def found_in_input(drawn_set) -> list[Detections]:
    return [
        Detections(torch.from_numpy(boxes * FACTOR), torch.from_numpy(scores), torch.from_numpy(labels))
        for boxes, scores, labels in zip(drawn_set.boxes, drawn_set.scores, drawn_set.labels, strict=True)
    ]


def test_the_val_number_while_training_is_the_reported_one_with_crowds_and_difficult_boxes(drawn_set, table):
    truth, rows = build_targets(table, INPUT), np.arange(len(table))
    target = truth.collate([truth.plain(row, (SIZE, SIZE)) for row in range(len(table))])
    found = found_in_input(drawn_set)
    batch = Batch(torch.zeros(len(table), 0), target, torch.from_numpy(rows))
    where = Judging(table, truth, INPUT)
    reported = TASK.collect(where, rows, TASK.read_out(where)(found, batch))
    assert reported.truth.ignored.sum() > 10
    value = TASK.score(decode(found, target), table.labels)
    assert {name: value[name] for name in ("map", "map50")} == pytest.approx(reported.headline(), abs=1e-6)
    assert reported.headline()["map"] > 0.05


def test_crowds_of_a_picture_as_evaluation_sees_it_are_not_learned_from(table):
    truth = build_targets(table, INPUT)
    target = truth.collate([truth.plain(row, (SIZE, SIZE)) for row in range(len(table))])
    learned = to_torchvision(target, first_label=0)
    crowds = sum(int((marks == CROWD).sum()) for marks in target.box_marks)
    assert crowds > 5
    assert sum(map(len, target.boxes)) - sum(len(one["boxes"]) for one in learned) == crowds
    boxes, labels = truth.read(1)
    assert learned[1]["boxes"].numpy() == pytest.approx(boxes * FACTOR, abs=1e-3)
    assert learned[1]["labels"].tolist() == labels.tolist()
