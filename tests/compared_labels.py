"""Predictions of labels, label sets and label columns that differ in a known way, without training anything."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from vision_ft.evaluate.classification.predictions import Predictions
from vision_ft.evaluate.labels.predictions import ColumnPredictions, LabelPredictions
from vision_ft.evaluate.regression.predictions import ValuePredictions
from vision_ft.evaluate.scoring import SCORINGS
from vision_ft.files import write_json
from vision_ft.types import LabelColumn

COUNT = 240
GROUPS = np.array([f"site {row % 10}" for row in range(COUNT)], dtype=object)
PATHS = [f"{row:03d}.png" for row in range(COUNT)]
COLUMNS = (LabelColumn("light", ("day", "night")), LabelColumn("kind", ("bus", "car", "van")))


def _shares(targets: np.ndarray, size: int, mended: float, seed: int) -> np.ndarray:
    """Probabilities (N, K), right in about two thirds; of a share of the images always right."""
    rng = np.random.default_rng(seed)
    raw = rng.random((len(targets), size)) + 0.5 * np.eye(size)[np.maximum(targets, 0)]
    fixed = np.random.default_rng(seed + 1).random(len(targets)) < mended
    raw[fixed] += np.eye(size)[np.maximum(targets[fixed], 0)]
    return (raw / raw.sum(axis=1, keepdims=True)).astype(np.float32)


def answers(*, mended: float = 0.0, **changes) -> Predictions:
    """One label an image of three classes; every twentieth image has none."""
    targets = np.random.default_rng(5).integers(0, 3, COUNT)
    targets[::20] = -1
    scores = _shares(targets, 3, mended, seed=0)
    held = {"paths": PATHS, "groups": GROUPS, "ids": np.arange(COUNT)} | changes
    return Predictions(
        classes=("bus", "car", "van"), targets=targets, predicted=scores.argmax(axis=1), scores=scores, **held
    )


def label_sets(*, mended: float = 0.0, **changes) -> LabelPredictions:
    """Four labels an image; one in ten is not known."""
    rng = np.random.default_rng(6)
    applies = rng.random((COUNT, 4)) < (0.2, 0.3, 0.4, 0.5)
    scores = 0.35 * applies + 0.65 * rng.random((COUNT, 4))
    fixed = np.random.default_rng(7).random(COUNT) < mended
    scores[fixed] = np.where(applies[fixed], 0.9, 0.1)
    targets = np.where(rng.random((COUNT, 4)) < 0.1, np.nan, applies).astype(np.float32)
    held = {"paths": PATHS, "groups": GROUPS, "ids": np.arange(COUNT)} | changes
    return LabelPredictions(
        classes=("bus", "car", "rain", "snow"),
        targets=targets,
        scores=scores.astype(np.float32),
        thresholds=np.full(4, 0.5),
        **held,
    )


def label_columns(*, mended: float = 0.0, **changes) -> ColumnPredictions:
    """Two label columns; every tenth label of the second is missing."""
    rng = np.random.default_rng(8)
    targets = np.stack([rng.integers(0, 2, COUNT), rng.integers(0, 3, COUNT)], axis=1)
    parts = [_shares(targets[:, place], len(column.classes), mended, seed=3) for place, column in enumerate(COLUMNS)]
    targets[::10, 1] = -1
    held = {"paths": PATHS, "groups": GROUPS, "ids": np.arange(COUNT)} | changes
    return ColumnPredictions(
        columns=COLUMNS, targets=targets, scores=np.concatenate(parts, axis=1), temperatures=np.ones(2), **held
    )


def values(*, mended: float = 0.0, **changes) -> ValuePredictions:
    """One number per image, off by about half its spread; every twentieth image has none."""
    rng = np.random.default_rng(9)
    targets = rng.normal(50, 10, (COUNT, 1))
    predicted = targets + rng.normal(0, 5, (COUNT, 1))
    fixed = np.random.default_rng(10).random(COUNT) < mended
    predicted[fixed] = targets[fixed]
    targets[::20] = np.nan
    held = {"paths": PATHS, "groups": GROUPS, "ids": np.arange(COUNT)} | changes
    return ValuePredictions(classes=("cells",), targets=targets, predicted=predicted, **held)


def label_run(folder: Path, predictions: Predictions | LabelPredictions | ColumnPredictions) -> Path:
    """Write the folder of a run that answered like this."""
    (folder / "predictions").mkdir(parents=True)
    SCORINGS[predictions.task].write(folder / "predictions" / "test.parquet", predictions)
    write_json(folder / "plan.json", {"strategy": "full", "backbone": "resnet18", "groups": [], "phases": []})
    return folder
