"""The report's tables as CSV files."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from vision_ft.evaluate.calibration import score_of
from vision_ft.evaluate.classification.confusion import dense
from vision_ft.files import atomic_path
from vision_ft.reporting.collect.adapted import CameraScore, metric_of, read_candidates
from vision_ft.reporting.collect.run import SplitView

Table = tuple[Sequence[str], Iterable[Sequence[Any]]]
MAX_DENSE_CLASSES = 1000  # a wider matrix is written as rows true,predicted,count


def write_tables(split: SplitView, folder: Path, *, suffix: str = "") -> list[Path]:
    """Write per_class, confusion, confused_pairs and mistakes (all of them) of a split; returns the files."""
    tables = {
        "per_class": _per_class(split),
        "confusion": _confusion(split),
        "confused_pairs": _pairs(split),
        "mistakes": mistakes_table(split),
    }
    if split.summary["groups"]:
        tables["groups"] = _groups(split)
    return [write_table(folder / f"{name}{suffix}.csv", table) for name, table in tables.items()]


def write_candidates(adaptation: Mapping[str, Any], folder: Path) -> Path:
    """Write candidates.csv: each model of an adaptation on the test pictures of both cameras; returns the file."""
    cameras = ("new", "old")
    names = ("n", "value", "low", "high", "change", "change_low", "change_high")
    header = [
        "name",
        "title",
        "status",
        "verdict",
        "metric",
        *(f"{camera}_{name}" for camera in cameras for name in names),
    ]
    metric = metric_of(adaptation)
    rows = [
        [
            candidate.name,
            candidate.title,
            "done" if candidate.is_done else "skipped",
            candidate.verdict,
            metric,
            *_numbers(candidate.new),
            *_numbers(candidate.old),
        ]
        for candidate in read_candidates(adaptation)
    ]
    return write_table(folder / "candidates.csv", (header, rows))


def _numbers(score: CameraScore) -> list[Any]:
    nothing = (None, None)
    shares = [score.value, *(score.ends or nothing), score.change, *(score.change_ends or nothing)]
    return [score.n, *(None if share is None else round(share, 6) for share in shares)]


def write_table(file: Path, table: Table) -> Path:
    """Write a table as CSV, whole or not at all; returns the file."""
    header, rows = table
    with atomic_path(file) as temporary, temporary.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(header)
        writer.writerows(rows)
    return file


def _per_class(split: SplitView) -> Table:
    names = ("precision", "recall", "f1")
    header = ["class", "support", "predicted", "correct"]
    header += [column for name in names for column in (name, f"{name}_low", f"{name}_high")]
    rows = [
        [row[column] for column in header[:4]]
        + [value for name in names for value in (row[name], *row[f"{name}_interval"])]
        for row in split.summary["per_class"]
    ]
    return header, rows


def _confusion(split: SplitView) -> Table:
    classes, cells = split.predictions.classes, split.summary["confusion"]
    if len(classes) > MAX_DENSE_CLASSES:
        return ("true", "predicted", "count"), [(classes[t], classes[p], n) for t, p, n in cells]
    matrix = dense(cells, len(classes)).tolist()
    return ("true \\ predicted", *classes), [[name, *row] for name, row in zip(classes, matrix, strict=True)]


def _pairs(split: SplitView) -> Table:
    classes, support = split.predictions.classes, [row["support"] for row in split.summary["per_class"]]
    wrong = [cell for cell in split.summary["confusion"] if cell[0] != cell[1]]
    wrong.sort(key=lambda cell: (-cell[2], -cell[2] / support[cell[0]]))
    header = ("true", "predicted", "count", "of", "share")
    return header, [(classes[t], classes[p], n, support[t], round(n / support[t], 6)) for t, p, n in wrong]


def mistakes_table(split: SplitView) -> Table:
    """Return all mistakes of a split, most confident first."""
    predictions, rows = split.predictions, split.mistakes
    true_scores = None
    if predictions.scores is not None and len(rows):
        true_scores = score_of(predictions.scores[rows], predictions.targets[rows], temperature=predictions.temperature)
    table = []
    for place, row in enumerate(rows.tolist()):
        table.append(
            (
                predictions.paths[row],
                predictions.classes[predictions.targets[row]],
                predictions.classes[predictions.predicted[row]],
                "" if split.confidence is None else round(float(split.confidence[row]), 6),
                "" if true_scores is None else round(float(true_scores[place]), 6),
                "" if predictions.groups is None else predictions.groups[row],
            )
        )
    return ("path", "true", "predicted", "confidence", "score_of_true", "group"), table


def _groups(split: SplitView) -> Table:
    header = ("group", "n", "correct", "accuracy", "low", "high", "macro_f1")
    rows = [
        (row["group"], row["n"], row["correct"], row["accuracy"], *row["interval"], row["macro_f1"])
        for row in split.summary["groups"]
    ]
    return header, rows
