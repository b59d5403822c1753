"""Draw a run folder as training leaves it: images, predictions, log, plan, findings, without training anything."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
from PIL import Image, ImageDraw

from vision_ft.data.table import SampleTable
from vision_ft.evaluate.calibration import fit_temperature
from vision_ft.evaluate.classification.metrics import summarise
from vision_ft.evaluate.classification.predictions import Predictions, write_predictions
from vision_ft.files import write_json
from vision_ft.types import ClassSpace

HOSTILE = "<script>alert(1)</script>"
NAMES = ["Blue Grosbeak", "Indigo Bunting", "Lazuli Bunting", "Painted Bunting", "Cardinal", "Summer Tanager"]


def draw_picture(file: Path, label: int, rng: np.random.Generator, *, side: int = 64) -> None:
    hue = (37 * label) % 255
    image = Image.new("HSV", (side, side * 3 // 4), (hue, 120, int(rng.integers(90, 250)))).convert("RGB")
    x, y = rng.integers(6, side // 2, 2).tolist()
    ImageDraw.Draw(image).ellipse((x, y, x + 18, y + 14), fill=(250, 250, 245), outline=(20, 20, 20))
    file.parent.mkdir(parents=True, exist_ok=True)
    image.save(file, quality=85)


def draw_scores(targets: np.ndarray, num_classes: int, rng: np.random.Generator, *, strength: float = 4.0):
    """Softmax scores that favour the target, and its neighbour a little, so that pairs are confused."""
    logits = rng.normal(size=(len(targets), num_classes)) * 1.3
    logits[np.arange(len(targets)), targets] += strength
    logits[np.arange(len(targets)), targets ^ 1 if num_classes > 1 else targets] += 0.5 * strength
    scores = np.exp(logits)
    return (scores / scores.sum(axis=1, keepdims=True)).astype(np.float32)


def make_run(
    folder: Path,
    *,
    classes: Sequence[str] = tuple(NAMES),
    per_class: int = 12,
    splits: Sequence[str] = ("test", "val"),
    groups: Sequence[str] | None = ("camera north", "camera south"),
    pictures: bool = True,
    shared_pictures: int | None = None,
    epochs: int = 8,
    seed: int = 0,
) -> Path:
    """Write a whole run folder and return it.

    `shared_pictures` draws only that many files and names each of them many times, for sets of thousands.
    """
    rng = np.random.default_rng(seed)
    run, root, num_classes = folder / "run", folder / "pictures", len(classes)
    (run / "predictions").mkdir(parents=True)
    labels = np.tile(np.repeat(np.arange(num_classes), per_class), len(splits) + 1)
    names = np.repeat(["train", *splits], num_classes * per_class)
    cameras = None if groups is None else [groups[i] for i in rng.integers(0, len(groups), len(labels))]
    files = [f"c{label}/{row % (shared_pictures or len(labels))}.jpg" for row, label in enumerate(labels)]
    if shared_pictures:
        files = [f"shared/{row % shared_pictures}.jpg" for row in range(len(labels))]
    if pictures:
        for row, file in enumerate(files[: shared_pictures or len(files)]):
            draw_picture(root / file, int(labels[row]), rng)
    SampleTable.build(
        root=root,
        paths=files,
        labels=labels,
        classes=ClassSpace(tuple(classes)),
        splits=list(names),
        groups=cameras,
        extra={
            "width": pa.array(rng.integers(40, 300, len(labels)), pa.int32()),
            "height": pa.array(rng.integers(40, 300, len(labels)), pa.int32()),
            "brightness": pa.array(rng.random(len(labels)), pa.float32()),
            "sharpness": pa.array(rng.random(len(labels)) * 400, pa.float32()),
        },
    ).write(run / "data.parquet")
    summaries = {}
    for split in splits:
        rows = np.flatnonzero(names == split)
        scores = draw_scores(labels[rows], num_classes, rng)
        predictions = Predictions(
            classes=tuple(classes),
            paths=[files[row] for row in rows],
            targets=labels[rows],
            predicted=scores.argmax(axis=1),
            scores=scores,
            groups=None if cameras is None else np.array([cameras[row] for row in rows], dtype=object),
            ids=rows,
            temperature=fit_temperature(labels[rows], scores),
        )
        write_predictions(run / "predictions" / f"{split}.parquet", predictions)
        summaries[split] = summarise(predictions.targets, scores, predictions.predicted, classes=classes)
    write_metadata(run, classes=classes, summaries=summaries, epochs=epochs)
    return run


def write_metadata(run: Path, *, classes: Sequence[str], summaries: dict, epochs: int) -> None:
    write_json(
        run / "metrics.json",
        {"format_version": 1, "task": "classification", "classes": list(classes), "temperature": 1.3,
         "selection": {"epoch": 6, "metric": "macro_f1"}, "splits": summaries},
    )  # fmt: skip
    with (run / "log.jsonl").open("w", encoding="utf-8") as stream:
        for epoch in range(1, epochs + 1):
            done = epoch / epochs
            record = {
                "epoch": epoch,
                "phase": "stage4" if epoch <= epochs // 2 else "stage4 and stage3",
                "train_loss": 1.6 - 1.4 * done,
                "train_accuracy": 0.5 + 0.49 * done,
                "val_loss": 1.5 - 0.8 * done + 0.5 * done**2,
                "val_accuracy": 0.5 + 0.3 * done,
                "val_macro_f1": 0.48 + 0.3 * done,
                "lr": {"head": 1e-3},
                "seconds": 2.0,
                "images_per_s": 300.0,
            }
            stream.write(json.dumps(record) + "\n")
    write_json(
        run / "plan.json",
        {
            "strategy": "gradual-unfreeze",
            "groups": [{"name": "stage4", "parameters": 8_393_728}, {"name": "head", "parameters": 10_260}],
            "phases": [
                {"name": "head", "epochs": 0, "solver": "convex", "groups": {"head": 1.0}, "trainable_parameters": 9},
                {"name": "stage4", "epochs": epochs // 2, "solver": "gradient",
                 "groups": {"stage4": 3.8e-4, "head": 1e-3}, "trainable_parameters": 8403988},
            ],
        },
    )  # fmt: skip
    with (run / "findings.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["level", "kind", "path", "detail"])
        writer.writerow(["warning", "near-duplicate", "c0/1.jpg", "looks like c0/2.jpg (distance 2)"])
        writer.writerow(["warning", "near-duplicate", "c0/3.jpg", "looks like c0/4.jpg (distance 3)"])
        writer.writerow(["info", "exif-rotated", f"{HOSTILE}.jpg", "shown upright"])
    write_json(
        run / "environment.json",
        {"versions": {"torch": "2.9.0", "timm": "1.0.22"}, "hardware": "cpu, 2 cores", "seed": 0, "fingerprint": "ab12",
         "command": ["vision-ft", "train", "photos"], "timings": {"train_s": 16.123456}},
    )  # fmt: skip
    (run / "recipe.yaml").write_text("model:\n  backbone: resnet18\n# </script>\n", encoding="utf-8")
    (run / "report").mkdir(exist_ok=True)
    Image.effect_noise((240, 120), 60).convert("RGB").save(run / "report" / "augmentation.jpg")
