"""Read the predictions of several runs and bring their images into one order."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from vision_ft.errors import DataError
from vision_ft.evaluate.read import read_any_predictions, take_rows
from vision_ft.evaluate.scoring import SCORINGS

SPLITS_TO_COMPARE = ("test", "val")  # the first that every run has


@dataclass(frozen=True)
class RunPredictions:
    """What a finished run left behind, as far as a comparison reads it.

    Attributes:
        name: the end of its path that tells it from the others.
        path: its folder.
        predictions: of the compared split, of the class of the task.
        hashes: content hash of each predicted image, or None where the run keeps none.
        plan: plan.json, {} if there is none.
        environment: environment.json, {} if there is none.
    """

    name: str
    path: Path
    predictions: Any
    hashes: tuple[str, ...] | None = None
    plan: dict[str, Any] = field(default_factory=dict)
    environment: dict[str, Any] = field(default_factory=dict)


def read_runs(folders: Sequence[str | Path]) -> tuple[str, list[RunPredictions]]:
    """Read the runs' predictions of test, or of val where a run has no test; returns the split and the runs.

    Raises:
        DataError: fewer than two runs, one given twice, no finished run, or runs of several tasks.
    """
    paths = [Path(folder) for folder in folders]
    if len(paths) < 2:
        raise DataError(f"compare: needs at least two runs, got {len(paths)}. Give two or more run folders.")
    twice = [str(path) for path, count in Counter(path.resolve() for path in paths).items() if count > 1]
    if twice:
        raise DataError(f"compare: {twice[0]} is given more than once. Give each run folder once.")
    held = {split: [path for path in paths if _predictions(path, split).is_file()] for split in SPLITS_TO_COMPARE}
    for path in paths:
        if not any(path in having for having in held.values()):
            raise DataError(
                f"{path}: no predictions/test.parquet or predictions/val.parquet, so this is no finished run. "
                "Give run folders."
            )
    split = next((split for split, having in held.items() if len(having) == len(paths)), None)
    if split is None:
        lacking = [str(path) for path in paths if path not in held["test"]]
        raise DataError(f"compare: {', '.join(lacking)} has no test images, and not all runs have val images.")
    runs = [_read(path, name, split) for path, name in zip(paths, name_runs(paths), strict=True)]
    _refuse_tasks(runs)
    return split, runs


def _refuse_tasks(runs: Sequence[RunPredictions]) -> None:
    for run in runs:
        if run.predictions.task != runs[0].predictions.task:
            raise DataError(
                f'compare: "{runs[0].name}" is a run of {runs[0].predictions.task}, "{run.name}" of '
                f"{run.predictions.task}. Give runs of one task."
            )


def _predictions(folder: Path, split: str) -> Path:
    return folder / "predictions" / f"{split}.parquet"


def name_runs(paths: Sequence[Path]) -> list[str]:
    """What tells the paths apart: their last part, or an earlier one, as "monday" of "monday/run", "tuesday/run"."""
    parts = [path.resolve().parts for path in paths]
    for length in range(1, max(len(part) for part in parts) + 1):
        names = ["/".join(part[-length:]) for part in parts]
        if len(set(names)) == len(names):
            break
    common = 0
    while common < length - 1 and len({part[-1 - common] for part in parts}) == 1:
        common += 1
    return ["/".join(part[-length : len(part) - common]) for part in parts]


def _read(path: Path, name: str, split: str) -> RunPredictions:
    predictions = read_any_predictions(_predictions(path, split))
    return RunPredictions(
        name=name,
        path=path,
        predictions=predictions,
        hashes=_hashes(path / "data.parquet", predictions.paths),
        plan=_json(path / "plan.json"),
        environment=_json(path / "environment.json"),
    )


def _hashes(file: Path, paths: Sequence[str]) -> tuple[str, ...] | None:
    """Content hashes from the run's table, or None when it has none for an image."""
    try:
        table = pq.read_table(file, columns=["path", "hash"])
    except (OSError, pa.ArrowException, KeyError):
        return None
    by_path = dict(zip(table.column("path").to_pylist(), table.column("hash").to_pylist(), strict=True))
    found = [by_path.get(path) or "" for path in paths]
    return tuple(found) if all(found) else None


def _json(file: Path) -> dict[str, Any]:
    try:
        value = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):  # a comparison needs it only for the costs
        return {}
    return value if isinstance(value, dict) else {}


def order_alike(runs: Sequence[RunPredictions]) -> tuple[list[RunPredictions], list[str]]:
    """Bring the images of all runs into one order, and say in sentences what was matched by content.

    Raises:
        DataError: images or contents differ between the first run and another; says how many and names one.
    """
    first, notes = runs[0], []
    ordered = [_sorted(first, by_content=False)]
    for run in runs[1:]:
        moved = Counter(run.predictions.paths) != Counter(first.predictions.paths)
        if moved and _same_contents(first, run):
            notes.append(f'The images of "{run.name}" lie at other paths than those of "{first.name}" and were '
                         "matched by their content.")  # fmt: skip
            ordered.append(_follow(_sorted(run, by_content=True), first))
            continue
        if moved:
            raise DataError(_other_pictures(first, run))
        ordered.append(_sorted(run, by_content=False))
        _refuse_other_contents(ordered[0], ordered[-1])
    return ordered, notes


def _sorted(run: RunPredictions, *, by_content: bool) -> RunPredictions:
    keys = run.hashes if by_content and run.hashes is not None else run.predictions.paths
    names = _target_names(run)
    order = sorted(range(len(keys)), key=lambda row: (keys[row], names[row]))  # equal images stand by label
    return _take(run, np.array(order, np.int64))


def _follow(run: RunPredictions, first: RunPredictions) -> RunPredictions:
    """Rows of `run`, sorted by content, in the order in which `first` has them sorted by path."""
    paths, hashes, names = first.predictions.paths, first.hashes or (), _target_names(first)
    by_path = sorted(range(len(paths)), key=lambda row: (paths[row], names[row]))
    by_content = sorted(by_path, key=lambda row: (hashes[row], names[row]))
    position = {row: place for place, row in enumerate(by_content)}
    return _take(run, np.array([position[row] for row in by_path], np.int64))


def _take(run: RunPredictions, rows: np.ndarray) -> RunPredictions:
    hashes = run.hashes and tuple(run.hashes[row] for row in rows)
    return replace(run, predictions=take_rows(run.predictions, rows), hashes=hashes)


def _target_names(run: RunPredictions) -> list[str]:
    """What is true of each image in a word, "" where there is none: it tells apart images that are given twice."""
    return SCORINGS[run.predictions.task].compared.truth_of(run.predictions)


def _same_contents(first: RunPredictions, run: RunPredictions) -> bool:
    return first.hashes is not None and run.hashes is not None and Counter(first.hashes) == Counter(run.hashes)


def _other_pictures(first: RunPredictions, run: RunPredictions) -> str:
    parts = []
    for one, other in ((first, run), (run, first)):
        alone = sorted((Counter(one.predictions.paths) - Counter(other.predictions.paths)).elements())
        if alone:
            parts.append(f'{len(alone)} of {len(one.predictions)} only in "{one.name}" (such as {alone[0]})')
    return (
        f'compare: "{first.name}" and "{run.name}" were tested on different images: {"; ".join(parts)}. '
        "Only predictions for the same images can be compared: train the runs on one table with a split column."
    )


def _refuse_other_contents(first: RunPredictions, run: RunPredictions) -> None:
    if first.hashes is None or run.hashes is None:
        return
    changed = [path for path, a, b in zip(first.predictions.paths, first.hashes, run.hashes, strict=True) if a != b]
    if changed:
        raise DataError(
            f'compare: {len(changed)} of {len(first.predictions)} images changed between "{first.name}" and '
            f'"{run.name}" although their names are the same (such as {changed[0]}). Train one of the runs again.'
        )
