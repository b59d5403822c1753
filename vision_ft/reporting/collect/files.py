"""Read the files that a run leaves beside its predictions; what is damaged becomes a problem in words."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from vision_ft.data.table import SampleTable
from vision_ft.errors import DataError

ADAPTATION_VERSION = 1


def read_table(file: Path, data_root: Path | None, problems: list[str]) -> SampleTable | None:
    """Return data.parquet, None where it is missing or damaged."""
    if not file.is_file():
        return None
    try:
        return SampleTable.read(file, root=data_root)
    except DataError as err:
        problems.append(str(err))
        return None


def read_object(file: Path, problems: list[str]) -> dict[str, Any]:
    """Return a JSON object, {} where the file is missing, damaged or something else."""
    if not file.is_file():
        return {}
    try:
        value = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as err:
        problems.append(f"{file.name} cannot be read: {err}")
        return {}
    return value if isinstance(value, dict) else {}


def read_adaptation(file: Path, problems: list[str]) -> dict[str, Any]:
    """Return what the file says, or {} and a problem where it is not of the format that the sections read."""
    value = read_object(file, problems)
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


def read_log(file: Path, problems: list[str]) -> tuple[Mapping[str, Any], ...]:
    """Return the lines of log.jsonl that can be read."""
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


def read_findings(file: Path) -> tuple[Mapping[str, str], ...]:
    """Return the rows of findings.csv."""
    if not file.is_file():
        return ()
    with file.open(encoding="utf-8", errors="replace", newline="") as stream:
        names = ("level", "kind", "path", "detail")
        return tuple({name: row.get(name) or "" for name in names} for row in csv.DictReader(stream))


def read_seed(environment: Mapping[str, Any], recipe: str) -> int:
    """Return the seed of a run: what environment.json says, else the text of recipe.yaml, else the default 0."""
    try:
        of_recipe = yaml.safe_load(recipe)
    except yaml.YAMLError:
        of_recipe = None
    run = of_recipe.get("run") if isinstance(of_recipe, dict) else None
    known = (environment.get("seed"), run.get("seed") if isinstance(run, dict) else None)
    return next((seed for seed in known if isinstance(seed, int) and not isinstance(seed, bool)), 0)
