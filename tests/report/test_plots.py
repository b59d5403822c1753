"""Figures are made without pyplot, for names that would trip matplotlib, and written whole."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from vision_ft.reporting.plots import base as plots

NAMES = ["$\\frac{a$", "鳥\n二", "x" * 300, "d"]
ROWS = [
    {"class": name, "f1": value, "f1_interval": (low, high)}
    for name, value, low, high in zip(
        NAMES, (0.5, 0.0, 1.0, None), (0.3, 0.0, 0.8, None), (0.7, 0.2, 1.0, None), strict=True
    )
]
POINTS = [{"confidence": 0.7, "accuracy": 0.6, "low": 0.4, "high": 0.8, "count": 20}]
EPOCHS = [{"epoch": 1, "train_loss": 1.0, "val_loss": None}, {"epoch": 2, "train_loss": 0.5, "val_accuracy": 0.5}]


@pytest.mark.parametrize(
    "draw",
    [
        lambda: plots.draw_confusion(np.arange(16).reshape(4, 4), NAMES, order=[3, 1, 0, 2]),
        lambda: plots.draw_confusion(np.eye(80, dtype=int), [str(k) for k in range(80)]),
        lambda: plots.draw_confusion(np.zeros((2, 2), int), ["a", "b"]),
        lambda: plots.draw_reliability(POINTS),
        lambda: plots.draw_reliability([]),
        lambda: plots.draw_curves(EPOCHS, "classification"),
        lambda: plots.draw_per_class(ROWS),
        lambda: plots.draw_per_class([]),
    ],
)
def test_figure_is_returned_and_saved_as_png(draw, tmp_path):
    figure = draw()
    assert isinstance(figure, Figure)
    file = plots.save_figure(figure, tmp_path / "f.png")
    with Image.open(file) as image:
        assert image.format == "PNG"
    assert [path.name for path in tmp_path.iterdir()] == ["f.png"]


def test_confusion_figure_shows_the_classes_in_the_given_order():
    axes = plots.draw_confusion(np.array([[5, 1], [0, 3]]), ["a", "b"], order=[1, 0]).axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["b", "a"]
    assert {text.get_text() for text in axes.texts} == {"5", "1", "3"}


def test_making_a_report_never_imports_pyplot():
    program = "import sys, vision_ft.reporting; sys.exit('matplotlib.pyplot' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
