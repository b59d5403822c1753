"""Draw a run folder of predicted values as training leaves it: images, predictions, log, without training anything."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image, ImageDraw

from vision_ft.data.table import SampleTable
from vision_ft.evaluate import names
from vision_ft.evaluate.regression.predictions import ValuePredictions, write_value_predictions
from vision_ft.evaluate.regression.summary import summarise_values
from vision_ft.evaluate.scoring.regression import SCORING
from vision_ft.files import write_json
from vision_ft.reporting.pages import PAGES, regression
from vision_ft.types import ClassSpace

SEED = 7


@contextmanager
def registered() -> Iterator[None]:
    """Show the page even where the registries do not list the task."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(PAGES, "regression", regression.PAGE)
        patch.setitem(names.HEADLINES, "regression", SCORING.names)
        for metric in SCORING.metrics:
            patch.setitem(names.METRICS, metric.name, metric)
            patch.setitem(names.METRIC_NAMES, metric.name, metric.title)
        yield


def draw_image(file: Path, cells: int, rng: np.random.Generator) -> None:
    """Draw as many discs as there are cells."""
    shade = int(rng.integers(30, 110))
    image = Image.new("RGB", (96, 72), (shade, shade, shade + 20))
    for x, y in rng.integers(2, 64, (cells, 2)).tolist():
        ImageDraw.Draw(image).ellipse((x, y, x + 8, y + 8), fill=(230, 190, 210))
    file.parent.mkdir(parents=True, exist_ok=True)
    image.save(file)


def draw_values(rng: np.random.Generator, num: int, num_targets: int) -> tuple[np.ndarray, np.ndarray]:
    """Return true and predicted values (N, T): counts drawn to the middle, then sizes with errors of their own."""
    counts = rng.integers(2, 30, num).astype(np.float64)
    found = [np.round(16 + 0.75 * (counts - 16) + rng.normal(0, 2.4, num), 2)]
    true = [counts]
    for k in range(1, num_targets):
        sizes = np.round(rng.normal(900 * k, 120, num), 1)
        true.append(sizes)
        found.append(np.round(sizes + rng.normal(0, 90, num), 2))
    return np.stack(true, axis=1), np.stack(found, axis=1)


def make_value_run(
    folder: Path,
    *,
    targets: Sequence[str] = ("cells",),
    num: int = 51,
    splits: Sequence[str] = ("test", "val"),
    groups: Sequence[str | None] | None = ("north", "south"),
    images: bool = True,
    values: tuple[np.ndarray, np.ndarray] | None = None,
) -> Path:
    """Write a run of predicted values; every image of the second group is predicted 3 too high in the first target.

    Args:
        folder: gets run/ and images/.
        targets: names of the targets.
        num: images of each split.
        splits: that have predictions.
        groups: that images belong to by turns; None for no groups.
        images: whether the images are drawn.
        values: true and predicted (num, T) of every split, in place of drawn ones.
    """
    rng = np.random.default_rng(0)
    run, root = folder / "run", folder / "images"
    (run / "predictions").mkdir(parents=True)
    paths, all_splits, summaries = [], [], {}
    for split in splits:
        true, found = draw_values(rng, num, len(targets)) if values is None else values
        members = None if groups is None else np.array([groups[row % len(groups)] for row in range(num)], dtype=object)
        if members is not None and values is None:
            found[:, 0] += 3.0 * (members == groups[-1])
        here = [f"{split}/{row:04d}.png" for row in range(num)]
        for row, path in enumerate(here if images else ()):
            draw_image(root / path, int(np.nan_to_num(true[row, 0])) % 60, rng)
        ids = len(paths) + np.arange(num)
        predictions = ValuePredictions(tuple(targets), here, true, found, groups=members, ids=ids)
        write_value_predictions(run / "predictions" / f"{split}.parquet", predictions)
        summaries[split] = summarise_values(predictions, seed=SEED)
        paths += here
        all_splits += [split] * num
    write_table(run, root, paths, all_splits, targets=targets)
    write_metadata(run, targets, summaries)
    return run


def write_table(run: Path, root: Path, paths: list[str], splits: list[str], *, targets: Sequence[str]) -> None:
    rng = np.random.default_rng(1)
    size = pa.array(rng.integers(40, 300, len(paths)), pa.int32())
    shades = {name: pa.array(rng.random(len(paths)), pa.float32()) for name in ("brightness", "sharpness")}
    SampleTable.build(
        root=root,
        paths=paths,
        labels=[-1] * len(paths),
        classes=ClassSpace(tuple(targets)),
        splits=splits,
        extra={"width": size, "height": size, **shades},
    ).write(run / "data.parquet")


def write_metadata(run: Path, targets: Sequence[str], summaries: dict) -> None:
    selection = {"epoch": 5, "metric": "r2"}
    about = {"format_version": 1, "task": "regression", "classes": list(targets), "selection": selection}
    write_json(run / "metrics.json", about | {"splits": summaries})
    write_json(run / "environment.json", {"seed": SEED, "fingerprint": "ab12", "command": ["vision-ft", "train", "x"]})
    phase = {"name": "stage4", "epochs": 6, "solver": "gradient", "groups": {"head": 1e-3}, "trainable_parameters": 8}
    write_json(run / "plan.json", {"strategy": "gradual-unfreeze", "backbone": "resnet18", "phases": [phase]})
    (run / "recipe.yaml").write_text("model:\n  backbone: resnet18\n", encoding="utf-8")
    with (run / "log.jsonl").open("w", encoding="utf-8") as stream:
        for epoch, r2 in enumerate((-1.3, -0.2, 0.4, 0.6, 0.71, 0.7), 1):
            record = {"epoch": epoch, "phase": "stage4", "train_loss": 1 / epoch, "val_loss": 1.1 - 0.1 * epoch}
            record |= {"val_r2": r2, "val_mae": 9 - epoch, "val_rmse": 11 - epoch, "val_spearman": 0.1 * epoch}
            stream.write(json.dumps(record) + "\n")
