"""The end of a detection run: boxes in the pixels of the pictures, thresholds fitted on val, metrics."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from vision_ft.build.answers import build_truth
from vision_ft.data.truth import BoxTruth
from vision_ft.evaluate.box_predictions import BoxPredictions, write_box_predictions
from vision_ft.evaluate.detection import best_thresholds, summarise_boxes
from vision_ft.finishing.material import JUDGED, Finish
from vision_ft.finishing.segmentation import training_size
from vision_ft.types import Batch, Detections

Found = tuple[np.ndarray, np.ndarray, np.ndarray]  # boxes (M, 4) in pixels of the picture, scores (M,), labels (M,)


def finish(done: Finish) -> None:
    """Answer val and test in the pixels of the pictures; write boxes, thresholds, metrics and the model folder."""
    found: dict[str, BoxPredictions] = {}
    for split in JUDGED:
        rows = done.labelled(split)
        if len(rows):
            answers = done.answers(split, rows, _in_picture_pixels(done))
            found[split] = collect_boxes(done, rows, answers)
    if not done.run.runtime.is_main:
        return
    thresholds = best_thresholds(found["val"]) if "val" in found else np.full(len(done.table.classes), 0.5)
    splits: dict[str, Any] = {}
    for split, made in found.items():
        predictions = replace(made, thresholds=thresholds)
        write_box_predictions(done.folder.predictions(split), predictions)
        splits[split] = summarise_boxes(predictions, seed=done.recipe.run.seed)
    named = dict(zip(done.table.classes.names, (round(float(value), 4) for value in thresholds), strict=True))
    done.write(splits, extra={"thresholds": named, "picture_size": training_size(done)})


def _in_picture_pixels(done: Finish) -> Callable[[list[Detections], Batch], Sequence[Found]]:
    height, width = done.run.model.backbone.preprocessing.size[1:]
    sizes = picture_sizes(done)

    def scale(found: list[Detections], batch: Batch) -> list[Found]:
        scaled = []
        for one, row in zip(found, batch.ids.tolist(), strict=True):
            factor = np.array([sizes[row][1] / width, sizes[row][0] / height] * 2, dtype=np.float32)
            boxes = one.boxes.float().cpu().numpy() * factor
            scaled.append((boxes, one.scores.float().cpu().numpy(), one.labels.cpu().numpy()))
        return scaled

    return scale


def picture_sizes(done: Finish) -> np.ndarray:
    """Return height and width (N, 2) in pixels of every picture of the table."""
    columns = [done.table.arrow.column(name).to_numpy() for name in ("height", "width")]
    return np.stack(columns, axis=1).astype(np.int64)


def collect_boxes(done: Finish, rows: np.ndarray, answers: Sequence[Found]) -> BoxPredictions:
    """Put the boxes found in rows together with the true ones."""
    table = done.table
    truth = build_truth(table, done.run.model.backbone.preprocessing)
    if not isinstance(truth, BoxTruth):
        raise TypeError(f"{table.root}: holds no boxes")
    true = [truth.read_all(int(row)) for row in rows]
    return BoxPredictions(
        classes=table.classes.names,
        paths=done.paths_of(rows),
        groups=done.groups_of(rows),
        ids=rows,
        sizes=picture_sizes(done)[rows],
        boxes=[boxes for boxes, _, _ in answers],
        scores=[scores for _, scores, _ in answers],
        labels=[labels for _, _, labels in answers],
        target_boxes=[boxes for boxes, _, _ in true],
        target_labels=[labels for _, labels, _ in true],
        ignored=[ignored for _, _, ignored in true],
        thresholds=np.full(len(table.classes), 0.5),
    )
