"""Finished runs on the same images whose answers differ in a known way, without training anything."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from tests.report.fake_run import make_run
from vision_ft.evaluate.classification.predictions import Predictions, read_predictions, write_predictions

Change = Callable[[Predictions], Predictions]


def base_run(folder: Path, **options) -> Path:
    """A run of 240 test images from ten cameras, right in about 86%."""
    options = {"per_class": 40, "groups": [f"camera {k}" for k in range(10)]} | options
    return make_run(folder, **options)


def copy_run(run: Path, target: Path, change: Change = lambda predictions: predictions, splits=("test", "val")) -> Path:
    """Copy a run and change its predictions."""
    shutil.copytree(run, target)
    for split in splits:
        file = target / "predictions" / f"{split}.parquet"
        write_predictions(file, change(read_predictions(file)))
    return target


def better(share: float, seed: int = 0) -> Change:
    """Put right a share of the mistakes."""

    def change(predictions: Predictions) -> Predictions:
        mended = np.random.default_rng(seed).random(len(predictions)) < share
        return replace(predictions, predicted=np.where(mended, predictions.targets, predictions.predicted))

    return change


def rows(order: np.ndarray) -> Change:
    """Take the given rows, in this order."""

    def change(old: Predictions) -> Predictions:
        return replace(
            old,
            paths=[old.paths[row] for row in order],
            targets=old.targets[order],
            predicted=old.predicted[order],
            scores=old.scores[order],
            groups=None if old.groups is None else old.groups[order],
            ids=old.ids[order],
        )

    return change
