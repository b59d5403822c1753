"""Draw run folders of masks and of boxes as training leaves them, without training anything."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
from PIL import Image, ImageDraw

from vision_ft.data.boxes import BOXES
from vision_ft.data.table import SampleTable
from vision_ft.evaluate.boxes.predictions import BoxPredictions, write_box_predictions
from vision_ft.evaluate.masks.boundary import boundary_counts
from vision_ft.evaluate.masks.metrics import confusion_of
from vision_ft.evaluate.masks.predictions import MaskPredictions, write_mask_predictions
from vision_ft.files import write_json
from vision_ft.types import ClassSpace

SIDE = (48, 64)  # height, width in pixels
MASK_CLASSES = ("background", "tree", "kerb")
BOX_CLASSES = ("red", "blue", "never")
IGNORED = 255


def make_mask_run(
    folder: Path, *, classes: Sequence[str] = MASK_CLASSES, num: int = 6, splits: Sequence[str] = ("test", "val")
) -> Path:
    """Write a run of drawn label maps: image k of a split is predicted k pixels too far to the right."""
    run, root = folder / "run", folder / "data"
    rng = np.random.default_rng(0)
    paths, masks, names = [], [], []
    for split in splits:
        judged = []
        for number in range(num):
            name, row = f"{split}{number}", len(paths)
            truth = draw_truth(len(classes))
            picture = np.where(truth[..., None] == 1, (40, 130, 50), (150, 150, 160)) + rng.integers(0, 40, (*SIDE, 3))
            save(Image.fromarray(picture.astype(np.uint8)), root / "images" / f"{name}.png")
            save(Image.fromarray(truth), root / "masks" / f"{name}.png")
            predicted = np.roll(np.where(truth == IGNORED, 0, truth), number, axis=1).astype(np.uint8)
            save(Image.fromarray(predicted), run / "predictions" / split / f"{row:06d}.png")
            judged.append(judge(truth, predicted, len(classes)) | {"mask": f"{split}/{row:06d}.png", "id": row})
            paths.append(f"images/{name}.png")
            masks.append(f"masks/{name}.png")
            names.append(split)
        write_masks(run / "predictions" / f"{split}.parquet", judged, paths=paths, masks=masks, classes=classes)
    build = {"labels": [-1] * len(paths), "classes": ClassSpace(tuple(classes)), "splits": names}
    meta = {"masks": {"codes": list(range(len(classes))), "ignored": [IGNORED]}}
    SampleTable.build(
        root=root, paths=paths, **build, task="segmentation", extra={"mask": pa.array(masks)}, meta=meta
    ).write(run / "data.parquet")
    write_beside(run, metric="miou", others=("dice", "pixel_accuracy"))
    return run


def draw_truth(num_classes: int) -> np.ndarray:
    """A block of class 1, a small one of each further class, and a strip at the bottom that does not count."""
    truth = np.zeros(SIDE, np.uint8)
    truth[8:30, 10:34] = 1 % num_classes
    for index in range(2, num_classes):
        truth[34:40, 8 * (index - 1) : 8 * index] = index
    truth[-4:] = IGNORED
    return truth


def judge(truth: np.ndarray, predicted: np.ndarray, num_classes: int) -> dict:
    true = np.where(truth == IGNORED, -1, truth.astype(np.int64))
    return {
        "confusion": confusion_of(true, predicted, num_classes),
        "boundary": boundary_counts(true, predicted, num_classes),
        "ignored": int((true < 0).sum()),
    }


def write_masks(file: Path, judged: list[dict], *, paths: list[str], masks: list[str], classes: Sequence[str]) -> None:
    rows = [one["id"] for one in judged]
    predictions = MaskPredictions(
        classes=tuple(classes),
        paths=[paths[row] for row in rows],
        confusion=np.stack([one["confusion"] for one in judged]),
        boundary=np.stack([one["boundary"] for one in judged]),
        confidence=np.full(len(rows), 0.9),
        ignored=np.array([one["ignored"] for one in judged]),
        groups=np.array(["park north", "park south"] * len(rows), dtype=object)[: len(rows)],
        ids=np.array(rows),
        masks=[one["mask"] for one in judged],
        targets=[masks[row] for row in rows],
    )
    write_mask_predictions(file, predictions)


def make_box_run(
    folder: Path, *, classes: Sequence[str] = BOX_CLASSES, splits: Sequence[str] = ("test", "val"), num: int = 6
) -> Path:
    """Write a run of drawn boxes; in every image after the first one kind of error, see `found_in`."""
    run, root = folder / "run", folder / "data"
    paths, all_true, names = [], [], []
    for split in splits:
        first = len(paths)
        found = []
        for number in range(num):
            true = np.array([[4, 4, 20, 20], [30, 8, 50, 28], [40, 34, 60, 46]], np.float32)
            image = Image.new("RGB", SIDE[::-1], (120, 130, 120))
            for box, label in zip(true.tolist(), (0, 1, 0), strict=True):
                ImageDraw.Draw(image).rectangle(box, fill=(200, 60, 50) if label == 0 else (60, 80, 200))
            save(image, root / f"{split}{number}.png")
            paths.append(f"{split}{number}.png")
            names.append(split)
            all_true.append(true)
            found.append(found_in(number, true))
        (run / "predictions").mkdir(parents=True, exist_ok=True)
        predictions = BoxPredictions(
            classes=tuple(classes),
            paths=paths[first:],
            sizes=np.array([SIDE] * num),
            boxes=[boxes for boxes, _, _ in found],
            labels=[labels for _, labels, _ in found],
            scores=[scores for _, _, scores in found],
            target_boxes=all_true[first:],
            target_labels=[np.array([0, 1, 0])] * num,
            ignored=[np.array([False, False, True])] * num,
            thresholds=np.array([0.5, 0.5, 0.5])[: len(classes)],
            groups=np.array(["gate", "yard"] * num, dtype=object)[:num],
            ids=np.arange(first, first + num),
        )
        write_box_predictions(run / "predictions" / f"{split}.parquet", predictions)
    labels = pa.array([[0, 1, 0]] * len(paths), pa.list_(pa.int32()))
    extra = {"boxes": pa.array([boxes.tolist() for boxes in all_true], BOXES), "box_labels": labels}
    build = {"labels": [-1] * len(paths), "classes": ClassSpace(tuple(classes)), "splits": names}
    SampleTable.build(root=root, paths=paths, **build, task="detection", extra=extra).write(run / "data.parquet")
    write_beside(run, metric="map", others=("map50",))
    return run


def found_in(number: int, true: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Both objects are found; then one is missed, of another class, loose, found twice, or joined by a ghost."""
    boxes, labels, scores = [true[0], true[1]], [0, 1], [0.95 - 0.01 * number, 0.9]
    kind = ("hit", "missed", "class", "localisation", "duplicate", "background")[number % 6]
    if kind == "missed":
        scores[1] = 0.2
    elif kind == "class":
        labels[1] = 0
    elif kind == "localisation":
        boxes[1] = true[1] + np.array([9, 0, 9, 0])
    elif kind == "duplicate":
        boxes, labels, scores = [*boxes, true[0] + 1], [*labels, 0], [*scores, 0.7]
    elif kind == "background":
        boxes, labels, scores = [*boxes, np.array([2, 30, 14, 44])], [*labels, 1], [*scores, 0.8]
    return np.array(boxes, np.float32), np.array(labels), np.array(scores, np.float32)


def write_beside(run: Path, *, metric: str, others: Sequence[str]) -> None:
    """Write the log, the plan, the environment and the selection."""
    with (run / "log.jsonl").open("w", encoding="utf-8") as stream:
        for epoch in range(1, 6):
            values = {f"val_{name}": 0.3 + 0.1 * epoch for name in (metric, *others)}
            record = {"epoch": epoch, "phase": "fit head", "train_loss": 2 / epoch, "val_loss": 1.5 / epoch, **values}
            stream.write(json.dumps(record | {"train_accuracy": None}) + "\n")
    write_json(run / "plan.json", {"backbone": "test_resnet", "head": "fpn", "strategy": "full"})
    write_json(run / "environment.json", {"seed": 3, "command": ["vision-ft", "train", "data"]})
    write_json(run / "metrics.json", {"selection": {"metric": metric, "epoch": 5}})


def save(image: Image.Image, file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    image.save(file)
