"""The end of a segmentation run: masks in the pixels of the pictures, their counts, metrics."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from torch import Tensor

from vision_ft.data.loading.targets import IGNORED_PIXEL, MaskTruth
from vision_ft.data.table import SampleTable
from vision_ft.evaluate.masks.boundary import boundary_counts
from vision_ft.evaluate.masks.metrics import confusion_of
from vision_ft.evaluate.masks.predictions import MaskPredictions, write_mask_predictions
from vision_ft.evaluate.masks.summary import summarise_masks
from vision_ft.files import atomic_path
from vision_ft.finishing.material import JUDGED, Finish
from vision_ft.models.masks import label_map
from vision_ft.types import UNLABELLED, Batch, Preprocessing
from vision_ft.wiring.targets import build_targets


@dataclass(frozen=True)
class JudgedMask:
    """One picture's mask, judged in its own pixels.

    Attributes:
        confusion: (K, K) counted pixels by true and predicted class.
        boundary: (K, 4) boundary pixels, see `MaskPredictions`.
        confidence: mean of the highest probability over the pixels.
        ignored: pixels that do not count.
        file: of the predicted label map, relative to the folder of predictions; None where it is not written.
    """

    confusion: np.ndarray
    boundary: np.ndarray
    confidence: float
    ignored: int
    file: str | None


def finish(done: Finish) -> None:
    """Answer val and test in the pixels of the pictures; write masks, predictions, metrics and the model folder."""
    splits: dict[str, Any] = {}
    preprocessing = done.run.model.backbone.preprocessing
    for split in JUDGED:
        rows = done.labelled(split)
        if not len(rows):
            continue
        folder = done.folder.predictions(split).parent
        judged = done.answers(split, rows, mask_judge(done.table, preprocessing, folder=folder, split=split))
        if done.run.runtime.is_main:
            predictions = collect_masks(done.table, rows, judged)
            write_mask_predictions(done.folder.predictions(split), predictions)
            splits[split] = summarise_masks(predictions, seed=done.recipe.run.seed)
    if done.run.runtime.is_main:
        done.write(splits, extra={"picture_size": median_size(done.table, done.table.rows("train"))})


def median_size(table: SampleTable, rows: np.ndarray) -> list[int]:
    """Return the median height and width of pictures, in pixels; of training, larger ones are answered in tiles."""
    sides = [np.median(table.arrow.column(name).to_numpy()[rows]) for name in ("height", "width")]
    return [int(side) for side in sides]


def mask_judge(
    table: SampleTable, preprocessing: Preprocessing, *, folder: Path | None = None, split: str = ""
) -> Callable[[Tensor, Batch], Sequence[JudgedMask]]:
    """Return what turns a batch's logits (B, K, h, w) into judged masks.

    Args:
        table: of masks.
        preprocessing: of the model.
        folder: of predictions, which gets the label maps below `split`; None writes none.
        split: name of the pictures' split.
    """
    truth = build_targets(table, preprocessing)
    if not isinstance(truth, MaskTruth):
        raise TypeError(f"{table.root}: holds no masks")
    num_classes = len(table.classes)

    def judge_one(logits: Tensor, row: int) -> JudgedMask:
        true = truth.read(row).astype(np.int64)
        true[true == IGNORED_PIXEL] = UNLABELLED
        predicted, confidence = label_map(logits, (true.shape[0], true.shape[1]))
        name = f"{split}/{row:06d}.png"
        if folder is not None:
            write_label_map(folder / name, predicted)
        return JudgedMask(
            confusion_of(true, predicted, num_classes),
            boundary_counts(true, predicted, num_classes),
            float(confidence.mean()),
            int((true == UNLABELLED).sum()),
            None if folder is None else name,
        )

    return lambda logits, batch: [judge_one(*pair) for pair in zip(logits, batch.ids.tolist(), strict=True)]


def write_label_map(file: Path, labels: np.ndarray) -> None:
    """Write a label map (H, W) as a grey PNG whose values are class indices."""
    with atomic_path(file) as temporary:
        Image.fromarray(labels.astype(np.uint8)).save(temporary, format="PNG")


def collect_masks(table: SampleTable, rows: np.ndarray, judged: Sequence[JudgedMask]) -> MaskPredictions:
    """Put the judged masks of rows together with what the table knows of them."""
    size = len(table.classes)
    return MaskPredictions(
        classes=table.classes.names,
        paths=[table.relative_path(int(row)) for row in rows],
        groups=None if table.groups is None else table.groups[rows],
        ids=rows,
        confusion=np.array([one.confusion for one in judged], dtype=np.int64).reshape(-1, size, size),
        boundary=np.array([one.boundary for one in judged], dtype=np.int64).reshape(-1, size, 4),
        confidence=np.array([one.confidence for one in judged], dtype=np.float64),
        masks=[one.file for one in judged],
        targets=table.arrow.column("mask").take(rows).to_pylist(),
        ignored=np.array([one.ignored for one in judged], dtype=np.int64),
    )
