"""Masks judged in the pixels of the images: what is counted of each, and the label maps on disk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
from PIL import Image
from torch import Tensor

from vision_ft.data.loading.targets import MaskTruth
from vision_ft.data.masks import IGNORED_PIXEL
from vision_ft.evaluate.masks.boundary import boundary_counts
from vision_ft.evaluate.masks.metrics import confusion_of
from vision_ft.evaluate.masks.predictions import MaskPredictions
from vision_ft.files import atomic_path
from vision_ft.models.masks import label_map
from vision_ft.tasks.spec import Judging, ReadOut
from vision_ft.types import UNLABELLED


@dataclass(frozen=True)
class JudgedMask:
    """One image's mask, judged in its own pixels.

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


def read_out(where: Judging) -> ReadOut:
    """Return what turns a batch's logits (B, K, h, w) into judged masks."""
    truth, folder = cast("MaskTruth", where.truth), where.folder
    num_classes = len(where.table.classes)

    def judge_one(logits: Tensor, row: int) -> JudgedMask:
        true = truth.read(row).astype(np.int64)
        true[true == IGNORED_PIXEL] = UNLABELLED
        predicted, confidence = label_map(logits, (true.shape[0], true.shape[1]))
        name = f"{where.split}/{row:06d}.png"
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


def collect(where: Judging, rows: np.ndarray, judged: Sequence[JudgedMask]) -> MaskPredictions:
    """Put the judged masks of rows together with what the table knows of them."""
    classes = where.table.classes.names
    size = len(classes)
    return MaskPredictions(
        classes=classes,
        confusion=np.array([one.confusion for one in judged], dtype=np.int64).reshape(-1, size, size),
        boundary=np.array([one.boundary for one in judged], dtype=np.int64).reshape(-1, size, 4),
        confidence=np.array([one.confidence for one in judged], dtype=np.float64),
        masks=[one.file for one in judged],
        targets=where.table.arrow.column("mask").take(rows).to_pylist(),
        ignored=np.array([one.ignored for one in judged], dtype=np.int64),
        **where.about(rows),
    )
