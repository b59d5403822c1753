"""Two cameras and a run trained on the first, small enough to adapt in a second."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

import vision_ft as vf
from tests.pictures import COLOURS, draw_picture
from vision_ft.config.yaml_text import dump
from vision_ft.data.table import SampleTable

QUICK: dict[str, Any] = {"adapt.min_steps": 4, "adapt.next_labels": 5, "run.device": "cpu"}
SWAPPED = {"amber": "blue", "blue": "amber"}  # what one camera calls amber, the other calls blue


class Killed(BaseException):
    """Stands for SIGKILL in a test of one process: nothing in the package may catch it."""


def draw_camera(
    root: Path,
    *,
    seed: int,
    classes: Sequence[str] = ("amber", "blue", "crimson"),
    per_class: int = 10,
    size: int = 40,
    dim: float = 1.0,
    swap: bool = False,
    mode: str = "RGB",
) -> Path:
    """Write root/<class>/<number>.png as a camera with its own light sees the discs; `swap` changes two labels."""
    rng = np.random.default_rng(seed)
    for name in classes:
        folder = root / (SWAPPED.get(name, name) if swap else name)
        folder.mkdir(parents=True, exist_ok=True)
        for number in range(per_class):
            pixels = np.asarray(draw_picture(COLOURS[name], rng, size)) * dim
            Image.fromarray(pixels.astype(np.uint8)).convert(mode).save(folder / f"{number:03d}.png")
    return root


def adapt_tiny(
    run: Path,
    new: Path | None,
    out: Path,
    *,
    strategy: str | Sequence[str] | None = "head",
    resume: bool = False,
    **options: Any,
) -> vf.Adaptation:
    """Adapt with few steps; keys of options with `__` are recipe values, the others arguments of `vf.adapt`."""
    overrides = {key.replace("__", "."): value for key, value in options.items() if "__" in key}
    given = {key: value for key, value in options.items() if "__" not in key}
    return vf.adapt(run, new, out=out, strategy=strategy, resume=resume, overrides=QUICK | overrides, **given)


def hash_folder(folder: Path) -> dict[str, str]:
    """Return relative path -> hash of every file."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {file.relative_to(folder).as_posix(): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def weights_of(run: Path) -> bytes:
    """Return the weights file of a run, or of a candidate's folder."""
    return (run / "model" / "model.safetensors").read_bytes()


def outcome_without_time(run: Path) -> dict[str, Any]:
    """Return adaptation.json without what differs between two equal jobs: seconds, and where they lie."""
    outcome = json.loads((run / "adaptation.json").read_text())
    del outcome["seconds"], outcome["lineage"][-1]["run"]
    for entry in outcome["candidates"]:
        del entry["seconds"]
    return dict(outcome)


def candidate(adaptation: vf.Adaptation, name: str) -> dict[str, Any]:
    """Return a candidate's entry of adaptation.json."""
    return dict(next(entry for entry in adaptation.outcome["candidates"] if entry["name"] == name))


def table_of(run: Path) -> SampleTable:
    """Return the run's sample table."""
    return SampleTable.read(run / "data.parquet")


def camera_of(table: SampleTable) -> np.ndarray:
    """Return "old" or "new" of each row."""
    return np.array(table.arrow.column("domain").to_pylist(), dtype=object)


def paths_of(table: SampleTable, *, camera: str, split: str | None) -> set[Path]:
    """Return the files of a camera in a split; None for those that are in no split."""
    chosen = (camera_of(table) == camera) & (table.splits == split)
    return {table.path(int(row)) for row in np.flatnonzero(chosen)}


def findings_of(run: Path) -> str:
    """Return findings.csv."""
    return (run / "findings.csv").read_text()


def write_recipe(file: Path, values: dict[str, Any]) -> Path:
    """Write a recipe."""
    file.write_text(dump(values))
    return file
