"""Slices are called different only where their intervals do not overlap."""

from __future__ import annotations

import numpy as np

from vision_ft.evaluate.slices import slice_sentences, slice_table


def test_a_dark_quarter_with_lower_accuracy_is_said_in_a_sentence():
    brightness = np.arange(400, dtype=float)
    correct = np.ones(400, bool)
    correct[:30] = False
    rows = slice_table(correct, {"brightness": brightness})
    assert [row["slice"] for row in rows] == [
        "darkest quarter",
        "quarter 2 of 4 by brightness",
        "quarter 3 of 4 by brightness",
        "brightest quarter",
    ]
    assert slice_sentences(rows)[0] == (
        "In the darkest quarter (100 images) accuracy is 70% [60%-78%], against 100% elsewhere."
    )


def test_noise_is_not_called_a_difference():
    rng = np.random.default_rng(0)
    rows = slice_table(rng.random(400) < 0.9, {"brightness": rng.random(400), "sharpness": rng.random(400)})
    assert len(rows) == 8
    assert slice_sentences(rows) == []


def test_constant_unknown_and_tiny_properties_are_left_out():
    correct = np.ones(100, bool)
    assert slice_table(correct, {"size": np.full(100, 227.0), "aspect": np.full(100, np.nan)}) == []
    assert slice_table(correct[:30], {"size": np.arange(30.0)}) == []


def test_unknown_values_stay_out_of_both_sides():
    values = np.arange(100, dtype=float)
    values[:20] = np.nan
    rows = slice_table(np.ones(100, bool), {"sharpness": values})
    assert sum(row["n"] for row in rows) == 80
