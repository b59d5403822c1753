"""The report's tables as CSV files, and the one that every adapted run has."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from vision_ft.files import atomic_path
from vision_ft.reporting.collect.adapted import CameraScore, metric_of, read_candidates

Table = tuple[Sequence[str], Iterable[Sequence[Any]]]  # header and rows


def write_tables(tables: Mapping[str, Table], folder: Path, *, suffix: str = "") -> list[Path]:
    """Write tables as folder/<name><suffix>.csv; returns the files."""
    return [write_table(folder / f"{name}{suffix}.csv", table) for name, table in tables.items()]


def write_candidates(adaptation: Mapping[str, Any], folder: Path) -> Path:
    """Write candidates.csv: each model of an adaptation on the test images of both cameras; returns the file."""
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
