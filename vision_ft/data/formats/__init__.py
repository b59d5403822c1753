"""Dataset formats: each reads a folder or an index file into a SampleTable."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, Protocol

from vision_ft.data.decode import printable
from vision_ft.data.formats import csv, imagefolder
from vision_ft.data.table import SampleTable
from vision_ft.errors import DataError, did_you_mean


class Reader(Protocol):
    """Reads a dataset; every format takes these options, its own come on top."""

    def __call__(
        self,
        root: Path,
        /,
        *,
        group_pattern: str | None = None,
        group_by: Sequence[str] | None = None,
        on_bad: Literal["fail", "drop"] = "fail",
    ) -> SampleTable:
        """Return the table of the dataset at `root`, or raise DataError."""


FORMATS: dict[str, Reader] = {
    "imagefolder": imagefolder.read,
    "csv": csv.read,
}
_FORMAT_BY_SUFFIX = {".csv": "csv", ".tsv": "csv", ".txt": "csv"}


def detect(path: Path) -> str:
    """Return the format of a dataset by what lies at `path`: a folder is an image folder, a .csv file an index.

    Raises:
        DataError: nothing lies there, or a file of another kind.
    """
    if path.is_dir():
        return "imagefolder"
    if not path.exists():
        near = did_you_mean(path.name, (entry.name for entry in _siblings(path)))
        raise DataError(f"{printable(path)}: no such folder or file.{near}")
    if path.suffix.lower() not in _FORMAT_BY_SUFFIX:
        raise DataError(
            f"{printable(path)}: not a dataset. Give a folder of class folders, or a CSV file with the columns "
            "path,label."
        )
    return _FORMAT_BY_SUFFIX[path.suffix.lower()]


def _siblings(path: Path) -> list[Path]:
    """Return what lies beside a path, to suggest a name."""
    parent = path.absolute().parent
    return sorted(parent.iterdir()) if parent.is_dir() else []
