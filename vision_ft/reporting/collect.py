"""Read a run folder, or another tool's predictions, into the one value that every section of the report reads."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from vision_ft.data.names import unescape_name
from vision_ft.data.table import SampleTable
from vision_ft.errors import DataError
from vision_ft.evaluate.foreign import read_foreign
from vision_ft.evaluate.label_predictions import ColumnPredictions, LabelPredictions, read_several
from vision_ft.evaluate.metrics import summarise
from vision_ft.evaluate.predictions import Predictions, read_predictions
from vision_ft.reporting.flat import flatten

SPLIT_ORDER = ("test", "val", "train")  # the first one there is what the report opens with
ADAPTATION_VERSION = 1
SPLIT_LABELS = {"test": "Test", "val": "Validation", "train": "Training", "all": "All pictures"}


@dataclass(frozen=True)
class SplitView:
    """One split as the report sees it.

    Attributes:
        name: "test", "val", "train", or "all" for predictions that name no split.
        predictions: targets, predictions and scores.
        summary: the numbers of `evaluate.metrics.summarise`.
        confidence: (N,) calibrated probability of the predicted class, or None.
        properties: picture property -> (N,) values, NaN where unknown.
        cameras: domain -> its pictures in this split, for a run that was adapted to a new camera.
        several: of several labels a picture the answers as they were written; `predictions` then has a line a label.
    """

    name: str
    predictions: Predictions
    summary: Mapping[str, Any]
    confidence: np.ndarray | None
    properties: Mapping[str, np.ndarray] = field(default_factory=dict)
    cameras: Mapping[str, int] = field(default_factory=dict)
    several: LabelPredictions | ColumnPredictions | None = None

    @property
    def label(self) -> str:
        """What people call the split."""
        return SPLIT_LABELS.get(self.name, self.name)

    @property
    def mistakes(self) -> np.ndarray:
        """Rows that are labelled and wrong, most confident first."""
        targets, predicted = self.predictions.targets, self.predictions.predicted
        rows = np.flatnonzero((targets >= 0) & (targets != predicted))
        if self.confidence is None:
            return rows
        order: np.ndarray = rows[np.argsort(-self.confidence[rows], kind="stable")]
        return order


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
    splits: Mapping[str, SplitView]
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
        several = self.main.several
        if isinstance(several, ColumnPredictions):
            return f"{len(several.columns)} label columns of {len(several.classes)} classes"
        number = len(self.classes) if several is None else len(several.classes)
        noun = ("class", "classes") if several is None else ("label", "labels")
        return f"{number:,} {noun[number != 1]}"

    @property
    def main(self) -> SplitView:
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
    table = _table(run_dir / "data.parquet", data_root, problems)
    splits = {file.stem: _read_split(file, table) for file in files}
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
        log=_log(run_dir / "log.jsonl", problems),
        plan=_json(run_dir / "plan.json", problems),
        findings=_findings(run_dir / "findings.csv"),
        environment=_json(run_dir / "environment.json", problems),
        selection=_json(run_dir / "metrics.json", problems).get("selection") or {},
        recipe=recipe.read_text(encoding="utf-8", errors="replace") if recipe.is_file() else "",
        counts=_counts(table),
        augmentation=grid if grid.is_file() else None,
        adaptation=_adaptation(run_dir / "adaptation.json", problems),
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


def _read_split(file: Path, table: SampleTable | None) -> SplitView:
    several = read_several(file)
    if several is None:
        return _split(file.stem, read_predictions(file), table)
    flat, summary = flatten(several)
    return SplitView(file.stem, flat, summary, flat.confidence(), _properties(flat, table), several=several)


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
        _cameras(predictions, table),
    )


def _table(file: Path, data_root: Path | None, problems: list[str]) -> SampleTable | None:
    if not file.is_file():
        return None
    try:
        return SampleTable.read(file, root=data_root)
    except DataError as err:
        problems.append(str(err))
        return None


def _properties(predictions: Predictions, table: SampleTable | None) -> dict[str, np.ndarray]:
    """Picture properties from the audit's columns; empty when the run has no table or its rows do not fit."""
    ids = predictions.ids
    if table is None or ids is None or not _fits(ids, table):
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


def _cameras(predictions: Predictions, table: SampleTable | None) -> dict[str, int]:
    ids = predictions.ids
    if table is None or ids is None or "domain" not in table.arrow.column_names or not _fits(ids, table):
        return {}
    domains = table.arrow.column("domain").take(pa.array(ids)).to_pylist()
    return {name: domains.count(name) for name in ("new", "old") if name in domains}


def _fits(ids: np.ndarray, table: SampleTable) -> bool:
    return not len(ids) or (ids.min() >= 0 and ids.max() < len(table))


def _counts(table: SampleTable | None) -> dict[str, int]:
    if table is None:
        return {}
    return {split: int((table.splits == split).sum()) for split in ("train", "val", "test")}


def _json(file: Path, problems: list[str]) -> dict[str, Any]:
    if not file.is_file():
        return {}
    try:
        value = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as err:
        problems.append(f"{file.name} cannot be read: {err}")
        return {}
    return value if isinstance(value, dict) else {}


def _adaptation(file: Path, problems: list[str]) -> dict[str, Any]:
    """What the file says, or {} and a problem where it is not of the format that the sections read."""
    value = _json(file, problems)
    if not value:
        return {}
    version = value.get("format_version")
    if version != ADAPTATION_VERSION:
        problems.append(f"{file.name} has format_version {version!r}, this version reads {ADAPTATION_VERSION}")
        return {}
    if not isinstance(value.get("decision"), dict) or not isinstance(value.get("candidates"), list):
        problems.append(f"{file.name} lacks a decision or a list of candidates")
        return {}
    return value


def _log(file: Path, problems: list[str]) -> tuple[Mapping[str, Any], ...]:
    if not file.is_file():
        return ()
    records = []
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        try:
            record = json.loads(line)
        except ValueError:  # the last line of a killed run may be half written
            problems.append(f"{file.name} line {number} cannot be read")
            continue
        if isinstance(record, dict):
            records.append(record)
    return tuple(records)


def _findings(file: Path) -> tuple[Mapping[str, str], ...]:
    if not file.is_file():
        return ()
    with file.open(encoding="utf-8", errors="replace", newline="") as stream:
        names = ("level", "kind", "path", "detail")
        return tuple({name: row.get(name) or "" for name in names} for row in csv.DictReader(stream))
