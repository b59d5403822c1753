"""What every dataset format keeps: files that exist, an untouched source, DataError for a broken one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from vision_ft.data.formats import FORMATS
from vision_ft.data.table import SampleTable
from vision_ft.errors import DataError


def check_format(name: str, source: Path, *, broken: Path | None = None, **options: Any) -> SampleTable:
    """Check a registered format on a small data set, and return its table.

    Args:
        name: in the registry.
        source: a data set that can be read.
        broken: one that must be refused.
        options: of the reader.

    Raises:
        AssertionError: it does not keep the contract of formats.
    """
    root = source if source.is_dir() else source.parent
    before = _times(root)
    table = FORMATS[name](source, **options)
    assert _times(root) == before, f"{name} changed files while it read: reading leaves the source as it is"
    assert isinstance(table, SampleTable), f"{name} gives a {type(table).__name__}; build one with SampleTable.build"
    check_rows(table)
    again = FORMATS[name](source, **options)
    assert table.fingerprint() == again.fingerprint(), f"{name}: two readings differ; sort what the disk lists"
    if broken is not None:
        check_refusal(name, broken)
    return table


def check_rows(table: SampleTable) -> None:
    """There are rows, each with a file and with a label that has a name."""
    assert len(table), "the table has no row"
    gone = [table.relative_path(row) for row in range(len(table)) if not table.path(row).is_file()]
    assert not gone, f"rows without a file below {table.root}: {gone[:3]}"
    assert len(set(table.arrow["path"].to_pylist())) == len(table), "a path stands in two rows"
    assert len(set(table.classes.names)) == len(table.classes), "a class name stands twice"


def check_refusal(name: str, broken: Path) -> None:
    """A broken set raises DataError, which the command line prints, and nothing else."""
    try:
        FORMATS[name](broken)
    except DataError as err:
        said = str(err)
    else:
        raise AssertionError(f"{name}: the broken set {broken} was read; raise DataError with the place")
    assert said, f"{name}: the error says nothing; name the place and what to do"


def _times(root: Path) -> dict[Path, int]:
    return {file: file.stat().st_mtime_ns for file in root.rglob("*")}
