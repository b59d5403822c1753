"""The learning curves: which panels a log makes, and which epoch the page names as chosen."""

from __future__ import annotations

import re
from pathlib import Path

from vision_ft.reporting.collect.log_lines import panels
from vision_ft.reporting.collect.view import RunView
from vision_ft.reporting.sections import curves


def run_of(values: list[float], *, selection: dict, metric: str = "macro_f1") -> RunView:
    log = [
        {"epoch": epoch, "train_loss": 1 / epoch, "val_loss": 1.0, f"val_{metric}": value}
        for epoch, value in enumerate(values, 1)
    ]
    return RunView("run", "classification", ("a", "b"), {}, Path, log=tuple(log), selection=selection)


def test_of_equal_epochs_the_one_that_the_selection_names_is_said_and_marked():
    view = curves.SECTION.build(run_of([0.5, 0.8, 0.8, 0.6], selection={"metric": "macro_f1", "epoch": 3}))
    assert view["chosen"] == "Epoch 3 was chosen on validation (macro-F1 80.0%)."
    assert len(view["charts"]) == 2
    assert all("epoch 3, chosen on validation" in chart["svg"] for chart in view["charts"])


def test_a_mixture_of_weights_is_said_and_without_a_selection_nothing_is():
    selection = {"metric": "macro_f1", "epoch": 2, "alpha": 0.25}
    assert (
        "alpha 0.25 was kept (0: head-only, 1: tuned)"
        in curves.SECTION.build(run_of([0.5, 0.8], selection=selection))["chosen"]
    )
    view = curves.SECTION.build(run_of([0.5, 0.8], selection={}))
    assert view["chosen"] is None
    assert "chosen on validation" not in view["charts"][0]["svg"]


def test_metrics_that_are_no_fractions_get_axes_of_their_own():
    log = [
        {"epoch": 1, "val_r2": -0.4, "val_mae": 12.5, "val_accuracy": 0.5, "val_loss": 2.0},
        {"epoch": 2, "val_r2": 0.3, "val_mae": 8.0, "val_accuracy": 0.6, "val_loss": 1.0},
    ]
    assert [([line.key for line in panel.lines], panel.is_share) for panel in panels(log, "classification")] == [
        (["train_loss", "val_loss"], False),
        (["val_accuracy"], True),
        (["val_r2"], False),
        (["val_mae"], False),
    ]


def test_a_metric_below_zero_stays_inside_its_axes():
    view = curves.SECTION.build(run_of([-0.9, 0.3], selection={"metric": "r2"}, metric="r2"))
    heights = [float(y) for y in re.findall(r'cy="(-?[\d.]+)"', view["charts"][1]["svg"])]
    assert len(heights) == 2
    assert all(12 <= y <= 300 - 44 for y in heights)
