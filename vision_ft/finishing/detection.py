"""The end of a detection run: boxes in the pixels of the pictures, thresholds fitted on val, metrics."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from vision_ft.data.loading.targets import BoxTruth
from vision_ft.data.table import SampleTable
from vision_ft.evaluate.boxes.curves import DEFAULT_THRESHOLD
from vision_ft.evaluate.boxes.predictions import BoxPredictions, write_box_predictions
from vision_ft.evaluate.boxes.summary import best_thresholds, summarise_boxes
from vision_ft.finishing.material import JUDGED, Finish
from vision_ft.finishing.segmentation import median_size
from vision_ft.types import Batch, Detections, Preprocessing
from vision_ft.wiring.targets import build_targets

Found = tuple[np.ndarray, np.ndarray, np.ndarray]  # boxes (M, 4) in pixels of the picture, scores (M,), labels (M,)


def finish(done: Finish) -> None:
    """Answer val and test in the pixels of the pictures; write boxes, thresholds, metrics and the model folder."""
    found: dict[str, BoxPredictions] = {}
    preprocessing = done.run.model.backbone.preprocessing
    for split in JUDGED:
        rows = done.labelled(split)
        if len(rows):
            answers = done.answers(split, rows, in_picture_pixels(done.table, preprocessing))
            found[split] = collect_boxes(done.table, preprocessing, rows=rows, answers=answers)
    if not done.run.runtime.is_main:
        return
    thresholds = (
        best_thresholds(found["val"]) if "val" in found else np.full(len(done.table.classes), DEFAULT_THRESHOLD)
    )
    splits: dict[str, Any] = {}
    for split, made in found.items():
        predictions = replace(made, thresholds=thresholds)
        write_box_predictions(done.folder.predictions(split), predictions)
        splits[split] = summarise_boxes(predictions, seed=done.recipe.run.seed)
    size = median_size(done.table, done.table.rows("train"))
    done.write(splits, extra={"thresholds": name_thresholds(done.table, thresholds), "picture_size": size})


def name_thresholds(table: SampleTable, thresholds: np.ndarray) -> dict[str, float]:
    """Return class name -> threshold, as the model folder keeps them."""
    return dict(zip(table.classes.names, (round(float(value), 4) for value in thresholds), strict=True))


def in_picture_pixels(
    table: SampleTable, preprocessing: Preprocessing
) -> Callable[[list[Detections], Batch], Sequence[Found]]:
    """Return what brings a batch's boxes from the pixels of the network's input into those of the pictures."""
    height, width = preprocessing.size[1:]
    sizes = picture_sizes(table)

    def scale(found: list[Detections], batch: Batch) -> list[Found]:
        scaled = []
        for one, row in zip(found, batch.ids.tolist(), strict=True):
            factor = np.array([sizes[row][1] / width, sizes[row][0] / height] * 2, dtype=np.float32)
            boxes = one.boxes.float().cpu().numpy() * factor
            scaled.append((boxes, one.scores.float().cpu().numpy(), one.labels.cpu().numpy()))
        return scaled

    return scale


def picture_sizes(table: SampleTable) -> np.ndarray:
    """Return height and width (N, 2) in pixels of every picture of the table."""
    columns = [table.arrow.column(name).to_numpy() for name in ("height", "width")]
    return np.stack(columns, axis=1).astype(np.int64)


def collect_boxes(
    table: SampleTable, preprocessing: Preprocessing, *, rows: np.ndarray, answers: Sequence[Found]
) -> BoxPredictions:
    """Put the boxes found in rows together with the true ones."""
    truth = build_targets(table, preprocessing)
    if not isinstance(truth, BoxTruth):
        raise TypeError(f"{table.root}: holds no boxes")
    true = [truth.read_all(int(row)) for row in rows]
    return BoxPredictions(
        classes=table.classes.names,
        paths=[table.relative_path(int(row)) for row in rows],
        groups=None if table.groups is None else table.groups[rows],
        ids=rows,
        sizes=picture_sizes(table)[rows],
        boxes=[boxes for boxes, _, _ in answers],
        scores=[scores for _, scores, _ in answers],
        labels=[labels for _, _, labels in answers],
        target_boxes=[boxes for boxes, _, _ in true],
        target_labels=[labels for _, labels, _ in true],
        ignored=[ignored for _, _, ignored in true],
        thresholds=np.full(len(table.classes), DEFAULT_THRESHOLD),
    )
