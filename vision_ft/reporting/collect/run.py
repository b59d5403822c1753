"""Read a run folder, or another tool's predictions, into the one value that every section of the report reads."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from vision_ft.data.names import unescape_name
from vision_ft.data.table import SampleTable
from vision_ft.errors import DataError
from vision_ft.evaluate.classification.foreign import read_foreign
from vision_ft.evaluate.classification.metrics import summarise
from vision_ft.evaluate.classification.predictions import METADATA_KEY, Predictions, read_predictions
from vision_ft.evaluate.labels.predictions import ColumnPredictions, LabelPredictions, read_several
from vision_ft.reporting.collect.boxes import BoxSplit, read_box_split
from vision_ft.reporting.collect.files import read_adaptation, read_findings, read_log, read_object, read_table
from vision_ft.reporting.collect.flat import flatten
from vision_ft.reporting.collect.masks import MaskSplit, read_mask_split
from vision_ft.reporting.collect.split import SPLIT_ORDER, Split, count_cameras, fits


@dataclass(frozen=True)
class SplitView(Split):
    """One split of labels as the report sees it.

    Attributes:
        predictions: targets, predictions and scores.
        summary: the numbers of `evaluate.metrics.summarise`.
        confidence: (N,) calibrated probability of the predicted class, or None.
        properties: picture property -> (N,) values, NaN where unknown.
        cameras: domain -> its pictures in this split, for a run that was adapted to a new camera.
        several: of several labels a picture the answers as they were written; `predictions` then has a line a label.
    """

    predictions: Predictions
    summary: Mapping[str, Any]
    confidence: np.ndarray | None
    properties: Mapping[str, np.ndarray] = field(default_factory=dict)
    cameras: Mapping[str, int] = field(default_factory=dict)
    several: LabelPredictions | ColumnPredictions | None = None

    @property
    def mistakes(self) -> np.ndarray:
        """Rows that are labelled and wrong, most confident first."""
        targets, predicted = self.predictions.targets, self.predictions.predicted
        rows = np.flatnonzero((targets >= 0) & (targets != predicted))
        if self.confidence is None:
            return rows
        order: np.ndarray = rows[np.argsort(-self.confidence[rows], kind="stable")]
        return order


AnySplit = SplitView | MaskSplit | BoxSplit


@dataclass(frozen=True)
class RunView:
    """A run as the report sees it; what the run did not leave behind is empty.

    Attributes:
        name: of the run folder or the predictions file.
        task: which sections apply.
        classes: names of the class indices; of several labels a picture see `flat`.
        splits: by name, in the order of display.
        picture: absolute path of a picture from its path in the predictions.
        log: the lines of log.jsonl.
        plan: plan.json.
        findings: rows of findings.csv.
        environment: environment.json.
        selection: what was chosen on val, from metrics.json.
        recipe: text of recipe.yaml.
        counts: pictures of each split in data.parquet.
        augmentation: the grid of augmented pictures.
        adaptation: adaptation.json, of a run that was adapted to a new camera.
        problems: files of the run that could not be read, in words.
    """

    name: str
    task: str
    classes: tuple[str, ...]
    splits: Mapping[str, AnySplit]
    picture: Callable[[str], Path]
    log: tuple[Mapping[str, Any], ...] = ()
    plan: Mapping[str, Any] = field(default_factory=dict)
    findings: tuple[Mapping[str, str], ...] = ()
    environment: Mapping[str, Any] = field(default_factory=dict)
    selection: Mapping[str, Any] = field(default_factory=dict)
    recipe: str = ""
    counts: Mapping[str, int] = field(default_factory=dict)
    augmentation: Path | None = None
    adaptation: Mapping[str, Any] = field(default_factory=dict)
    problems: tuple[str, ...] = ()

    @property
    def answers(self) -> str:
        """What the model chooses from, as in "4 classes"."""
        several = self.main.several if isinstance(self.main, SplitView) else None
        if isinstance(several, ColumnPredictions):
            return f"{len(several.columns)} label columns of {len(several.classes)} classes"
        number = len(self.classes) if several is None else len(several.classes)
        noun = ("class", "classes") if several is None else ("label", "labels")
        return f"{number:,} {noun[number != 1]}"

    @property
    def main(self) -> AnySplit:
        """The split that the report opens with."""
        return next(iter(self.splits.values()))


def collect_run(run_dir: Path, *, data_root: Path | None = None) -> RunView:
    """Read what a run left behind.

    Args:
        run_dir: the run folder.
        data_root: where the pictures lie now, when they were moved.

    Raises:
        DataError: the folder holds no predictions, or they are damaged.
    """
    files = [run_dir / "predictions" / f"{split}.parquet" for split in SPLIT_ORDER]
    files = [file for file in files if file.is_file()]
    if not files:
        raise DataError(
            f"{run_dir}: no predictions/test.parquet or predictions/val.parquet, so this is no finished run. "
            "Give a run folder, or a predictions file (.csv, .parquet)."
        )
    problems: list[str] = []
    table = read_table(run_dir / "data.parquet", data_root, problems)
    environment = read_object(run_dir / "environment.json", problems)
    splits = {file.stem: _read_split(file, table, seed=environment.get("seed")) for file in files}
    root = data_root or (table.root if table else run_dir)
    first = next(iter(splits.values())).predictions
    grid = run_dir / "report" / "augmentation.jpg"
    recipe = run_dir / "recipe.yaml"
    return RunView(
        name=run_dir.resolve().name,
        task=first.task,
        classes=first.classes,
        splits=splits,
        picture=lambda path: root / unescape_name(path),
        log=read_log(run_dir / "log.jsonl", problems),
        plan=read_object(run_dir / "plan.json", problems),
        findings=read_findings(run_dir / "findings.csv"),
        environment=environment,
        selection=read_object(run_dir / "metrics.json", problems).get("selection") or {},
        recipe=recipe.read_text(encoding="utf-8", errors="replace") if recipe.is_file() else "",
        counts=_counts(table),
        augmentation=grid if grid.is_file() else None,
        adaptation=read_adaptation(run_dir / "adaptation.json", problems),
        problems=tuple(problems),
    )


def collect_predictions(file: Path, *, image_root: Path | None = None) -> RunView:
    """Read predictions that another tool made; pictures lie below `image_root`, else beside the file.

    Raises:
        DataError: the file cannot be read, or holds no row.
    """
    predictions = read_foreign(file)
    if not len(predictions):
        raise DataError(f"{file}: holds no row")
    root = image_root or file.parent
    return RunView(
        name=file.stem,
        task=predictions.task,
        classes=predictions.classes,
        splits={"all": _split("all", predictions, None)},
        picture=lambda path: root / path,
    )


def _read_split(file: Path, table: SampleTable | None, *, seed: Any) -> AnySplit:
    task, of_run = _stored_task(file), seed if isinstance(seed, int) else 0
    if task == "segmentation":
        return read_mask_split(file, table, seed=of_run)
    if task == "detection":
        return read_box_split(file, table, seed=of_run)
    several = read_several(file)
    if several is not None:
        flat, summary = flatten(several)
        return SplitView(file.stem, flat, summary, flat.confidence(), _properties(flat, table), several=several)
    return _split(file.stem, read_predictions(file), table)


def _stored_task(file: Path) -> str:
    """Task that a predictions file says it is of; "" where it cannot be read, which its reader then says."""
    try:
        raw = (pq.read_schema(file).metadata or {}).get(METADATA_KEY)
    except (pa.ArrowException, OSError):
        return ""
    return str(json.loads(raw or b"{}").get("task", ""))


def _split(name: str, predictions: Predictions, table: SampleTable | None) -> SplitView:
    summary = summarise(
        predictions.targets,
        predictions.scores,
        predictions.predicted,
        classes=predictions.classes,
        groups=predictions.groups,
        temperature=predictions.temperature,
    )
    return SplitView(
        name,
        predictions,
        summary,
        predictions.confidence(),
        _properties(predictions, table),
        count_cameras(predictions.ids, table),
    )


def _properties(predictions: Predictions, table: SampleTable | None) -> dict[str, np.ndarray]:
    """Picture properties from the audit's columns; empty when the run has no table or its rows do not fit."""
    ids = predictions.ids
    if table is None or ids is None or not fits(ids, table):
        return {}
    columns: dict[str, np.ndarray] = {}
    for name in ("brightness", "sharpness", "width", "height"):
        if name in table.arrow.column_names:
            columns[name] = table.arrow.column(name).to_numpy().astype(np.float64)[ids]
    found: dict[str, np.ndarray] = {name: columns[name] for name in columns if name in ("brightness", "sharpness")}
    if "width" in columns and "height" in columns:
        found["size"] = np.minimum(columns["width"], columns["height"])
        found["aspect"] = columns["width"] / np.where(columns["height"] > 0, columns["height"], np.nan)
    return found


def _counts(table: SampleTable | None) -> dict[str, int]:
    if table is None:
        return {}
    return {split: int((table.splits == split).sum()) for split in ("train", "val", "test")}
