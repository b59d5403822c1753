"""Load a model, and watch a feed with it."""

from __future__ import annotations

from pathlib import Path

from vision_ft.watching import watch as watch
from vision_ft.wiring.predictor import AnyPredictor, load_predictor


def load(run: str | Path, *, device: str = "cpu") -> AnyPredictor:
    """Load the model of a run folder; `.predict([...])` takes files, PIL images and arrays.

    Raises:
        ModelError: there is no model, or its files are damaged.
    """
    return load_predictor(run, device=device)
