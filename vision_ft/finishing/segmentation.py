"""The end of a segmentation run: masks in the pixels of the pictures, their counts, metrics."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from torch import Tensor

from vision_ft.build.answers import build_truth
from vision_ft.data.truth import IGNORED_PIXEL, MaskTruth
from vision_ft.evaluate.mask_boundary import boundary_counts
from vision_ft.evaluate.mask_predictions import MaskPredictions, write_mask_predictions
from vision_ft.evaluate.mask_summary import summarise_masks
from vision_ft.evaluate.segmentation import confusion_of
from vision_ft.files import atomic_path
from vision_ft.finishing.material import JUDGED, Finish
from vision_ft.models.masks import label_map
from vision_ft.types import UNLABELLED, Batch


@dataclass(frozen=True)
class _Judged:
    """One picture's mask, judged in its own pixels."""

    confusion: np.ndarray
    boundary: np.ndarray
    confidence: float
    ignored: int
    file: str


def finish(done: Finish) -> None:
    """Answer val and test in the pixels of the pictures; write masks, predictions, metrics and the model folder."""
    splits: dict[str, Any] = {}
    for split in JUDGED:
        rows = done.labelled(split)
        if not len(rows):
            continue
        judged = done.answers(split, rows, _judge_with(done, split))
        if done.run.runtime.is_main:
            predictions = _collect(done, rows, judged)
            write_mask_predictions(done.folder.predictions(split), predictions)
            splits[split] = summarise_masks(predictions, seed=done.recipe.run.seed)
    if done.run.runtime.is_main:
        done.write(splits, extra={"picture_size": training_size(done)})


def training_size(done: Finish) -> list[int]:
    """Return the median height and width of the training pictures, in pixels; larger ones are answered in tiles."""
    rows = done.table.rows("train")
    sides = [np.median(done.table.arrow.column(name).to_numpy()[rows]) for name in ("height", "width")]
    return [int(side) for side in sides]


def _judge_with(done: Finish, split: str) -> Any:
    truth = build_truth(done.table, done.run.model.backbone.preprocessing)
    if not isinstance(truth, MaskTruth):
        raise TypeError(f"{done.table.root}: holds no masks")
    num_classes = len(done.table.classes)

    def judge(logits: Tensor, batch: Batch) -> Sequence[_Judged]:
        found = []
        for one, row in zip(logits, batch.ids.tolist(), strict=True):
            true = truth.read(row).astype(np.int64)
            true[true == IGNORED_PIXEL] = UNLABELLED
            predicted, confidence = label_map(one, (true.shape[0], true.shape[1]))
            name = f"{split}/{row:06d}.png"
            write_label_map(done.folder.predictions(split).parent / name, predicted)
            found.append(
                _Judged(
                    confusion_of(true, predicted, num_classes),
                    boundary_counts(true, predicted, num_classes),
                    float(confidence.mean()),
                    int((true == UNLABELLED).sum()),
                    name,
                )
            )
        return found

    return judge


def write_label_map(file: Path, labels: np.ndarray) -> None:
    """Write a label map (H, W) as a grey PNG whose values are class indices."""
    with atomic_path(file) as temporary:
        Image.fromarray(labels.astype(np.uint8)).save(temporary, format="PNG")


def _collect(done: Finish, rows: np.ndarray, judged: Sequence[_Judged]) -> MaskPredictions:
    return MaskPredictions(
        classes=done.table.classes.names,
        paths=done.paths_of(rows),
        groups=done.groups_of(rows),
        ids=rows,
        confusion=np.stack([one.confusion for one in judged]),
        boundary=np.stack([one.boundary for one in judged]),
        confidence=np.array([one.confidence for one in judged]),
        masks=[one.file for one in judged],
        targets=done.table.arrow.column("mask").take(rows).to_pylist(),
        ignored=np.array([one.ignored for one in judged], dtype=np.int64),
    )
