"""Predictions say briefly what a person wants to see, and need no torch."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from vision_ft.predictions import (
    BoxPrediction,
    ColumnsPrediction,
    LabelPrediction,
    MaskPrediction,
    MultiLabelPrediction,
)

COLUMNS = ColumnsPrediction(
    "a.jpg",
    {"hue": "cold", "count": "two"},
    {"hue=cold": 0.75, "hue=warm": 0.25, "count=one": 0.4, "count=two": 0.6},
)


def boxes(*names: str) -> BoxPrediction:
    return BoxPrediction("", np.zeros((len(names), 4), np.float32), names, np.ones(len(names), np.float32))


@pytest.mark.parametrize(("prediction", "text"), [
    (LabelPrediction("a.jpg", "robin", 0.934, {"robin": 0.934, "wren": 0.066}),
     "LabelPrediction('a.jpg', 'robin', 0.93)"),
    (LabelPrediction("", "robin", 0.934, {}), "LabelPrediction('robin', 0.93)"),
    (MultiLabelPrediction("a.jpg", ("dog", "cat"), {"cat": 0.6, "dog": 0.91, "hen": 0.1}),
     "MultiLabelPrediction('a.jpg', dog 0.91, cat 0.60)"),
    (MultiLabelPrediction("a.jpg", (), {"cat": 0.1, "dog": 0.2}), "MultiLabelPrediction('a.jpg', none of 2 labels)"),
    (MultiLabelPrediction("", tuple("abcde"), dict.fromkeys("abcde", 0.5)),
     "MultiLabelPrediction(a 0.50, b 0.50, c 0.50, 2 more)"),
    (COLUMNS, "ColumnsPrediction('a.jpg', hue=cold 0.75, count=two 0.60)"),
    (MaskPrediction("a.jpg", {"ground": 0.81, "tree": 0.19, "car": 0.0}, np.zeros((480, 640), np.uint8)),
     "MaskPrediction('a.jpg', 480 x 640, ground 81%, tree 19%)"),
    (boxes("bus", "car", "car"), "BoxPrediction(3 boxes: 2 car, 1 bus)"),
    (boxes("bus"), "BoxPrediction(1 box: 1 bus)"),
    (boxes(), "BoxPrediction(0 boxes)"),
])  # fmt: skip
def test_a_prediction_is_shown_in_short(prediction, text):
    assert repr(prediction) == text


def test_the_old_name_of_columns_warns():
    with pytest.warns(DeprecationWarning, match="ColumnsPrediction.answers is now called columns"):
        assert COLUMNS.answers == {"hue": "cold", "count": "two"}
    assert COLUMNS.labels == ("cold", "two")


def test_predictions_import_without_torch():
    code = "import sys, vision_ft.predictions; assert not {'torch', 'PIL', 'matplotlib'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_who_trains_or_predicts_images_loads_neither_feed_nor_demo():
    code = (
        "import sys, vision_ft.api, vision_ft.cli.app, vision_ft.cli.predict.run; "
        "found = [name for name in sys.modules if name.startswith(('vision_ft.feed', 'vision_ft.demo'))]; "
        "assert not found, found"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
