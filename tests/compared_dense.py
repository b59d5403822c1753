"""Finished runs of masks and boxes whose answers differ in a known way, without training anything."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from tests.evaluate.boxes import drawn
from tests.evaluate.masks import judged, label_maps
from vision_ft.evaluate.boxes.predictions import BoxPredictions, write_box_predictions
from vision_ft.evaluate.masks.predictions import MaskPredictions, write_mask_predictions
from vision_ft.files import write_json

GROUPS = np.array([f"site {row % 10}" for row in range(40)], dtype=object)


def masks(*, mended: float = 0.0, seed: int = 0, **changes) -> MaskPredictions:
    """Forty images; `mended` is the share of the wrong pixels that are put right."""
    maps = label_maps(40, seed=seed)
    rng = np.random.default_rng(7)
    right = [
        (truth, np.where((rng.random(truth.shape) < mended) & (truth >= 0), truth, predicted))
        for truth, predicted in maps
    ]
    return judged(right, **({"groups": GROUPS} | changes))


def boxes(*, mended: float = 0.0, **changes) -> BoxPredictions:
    """Forty images; `mended` is how far each found box is moved onto the true one of its image that is nearest."""
    made = drawn(3, pictures=40, **({"groups": GROUPS} | changes))
    moved = [_towards(found, true, mended) for found, true in zip(made.boxes, made.target_boxes, strict=True)]
    return replace(made, boxes=moved)


def _towards(found: np.ndarray, true: np.ndarray, share: float) -> np.ndarray:
    if not len(true) or not len(found):
        return found
    nearest = true[np.abs(found[:, None] - true[None]).sum(axis=2).argmin(axis=1)]
    return found + np.float32(share) * (nearest - found)


def dense_run(folder: Path, predictions: MaskPredictions | BoxPredictions, *, split: str = "test") -> Path:
    """Write the folder of a run that answered like this."""
    write = write_mask_predictions if isinstance(predictions, MaskPredictions) else write_box_predictions
    (folder / "predictions").mkdir(parents=True)
    write(folder / "predictions" / f"{split}.parquet", predictions)
    groups = [{"name": "stem", "parameters": 1000}, {"name": "head", "parameters": 500}]
    phases = [{"name": "fit head", "groups": {"head": 0.1}}]
    write_json(folder / "plan.json", {"strategy": "full", "backbone": "resnet18", "groups": groups, "phases": phases})
    write_json(folder / "environment.json", {"seconds": {"training": 12.5}})
    return folder
