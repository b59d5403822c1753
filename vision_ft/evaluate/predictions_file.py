"""The file of predictions of any task: a parquet table with a row per image, and JSON about it in the schema."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from vision_ft.errors import DataError
from vision_ft.files import atomic_path

FORMAT_VERSION = 1
METADATA_KEY = b"vision_ft"


class OfImages(Protocol):
    """What the predictions of every task hold."""

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the outputs."""
        ...

    @property
    def paths(self) -> Sequence[str]:
        """Paths (N), relative to the root of the data."""
        ...

    @property
    def groups(self) -> np.ndarray | None:
        """Group (N,) of each image or None; None for all."""
        ...

    @property
    def ids(self) -> np.ndarray | None:
        """Row (N,) of each image in data.parquet, or None."""
        ...

    @property
    def task(self) -> str:
        """The task."""
        ...


def write_table(
    file: Path, predictions: OfImages, columns: Mapping[str, pa.Array], about: Mapping[str, Any] | None = None
) -> None:
    """Write predictions/<split>.parquet, whole or not at all.

    Args:
        file: where to.
        predictions: N images.
        columns: what the task holds of them, each of length N; `id`, `path` and `group` are added.
        about: what the task says of all images; the classes and the task are added.
    """
    count = len(predictions.paths)
    table = pa.table(
        {
            "id": pa.array(np.arange(count) if predictions.ids is None else predictions.ids, pa.int64()),
            "path": pa.array(list(predictions.paths), pa.string()),
            **columns,
            "group": pa.array([None] * count if predictions.groups is None else list(predictions.groups), pa.string()),
        }
    )
    facts = {
        "classes": list(predictions.classes),
        **(about or {}),
        "task": predictions.task,
        "format_version": FORMAT_VERSION,
    }
    with atomic_path(file) as temporary:
        pq.write_table(table.replace_schema_metadata({METADATA_KEY: json.dumps(facts).encode()}), temporary)


def open_table(file: Path) -> pa.Table:
    """Read a parquet table.

    Raises:
        DataError: the file is missing or damaged.
    """
    try:
        return pq.read_table(file)
    except FileNotFoundError as err:
        raise DataError(f"{file}: no such predictions file") from err
    except (pa.ArrowException, OSError) as err:
        raise DataError(f"{file}: not a readable parquet file ({err}). It may be cut or damaged.") from err


def read_metadata(table: pa.Table, file: Path) -> Mapping[str, Any] | None:
    """Return what is stored beside the columns of a predictions file, None where another tool wrote it.

    Raises:
        DataError: the file is of a newer format.
    """
    raw = (table.schema.metadata or {}).get(METADATA_KEY)
    if raw is None:
        return None
    about: dict[str, Any] = json.loads(raw)
    if about.get("format_version", 0) > FORMAT_VERSION:
        raise DataError(
            f"{file}: written by a newer vision-ft (format {about['format_version']}, this one reads up to "
            f"{FORMAT_VERSION}); update vision-ft"
        )
    return about


def read_of_task(file: Path, task: str, columns: Sequence[str]) -> tuple[pa.Table, Mapping[str, Any]]:
    """Return the table that `write_table` wrote, and what it says of all images.

    Args:
        file: predictions/<split>.parquet.
        task: that the predictions must be of.
        columns: that are needed beside `id` and `path`.

    Raises:
        DataError: the file is missing, damaged, of a newer format or of another task, or lacks a column.
    """
    table = open_table(file)
    about = read_metadata(table, file) or {}
    if about.get("task") != task:
        held = f'of the task "{about["task"]}"' if "task" in about else "that another tool wrote"
        raise DataError(f"{file}: predictions {held}; expected those that vision-ft wrote for {task}")
    missing = [name for name in ("id", "path", *columns) if name not in table.column_names]
    if missing:
        raise DataError(f"{file}: lacks the columns {missing}; it has {table.column_names}. Write it anew.")
    return table, about


def named_task(file: Path) -> str | None:
    """Return the task that a predictions file names; None for no readable one: who reads it says what is wrong."""
    try:
        about = json.loads((pq.read_schema(file).metadata or {}).get(METADATA_KEY, b"{}"))
    except (pa.ArrowException, OSError, ValueError):
        return None
    return str(about["task"]) if isinstance(about, dict) and "task" in about else None


def of_images(table: pa.Table) -> dict[str, Any]:
    """Return the fields that every task has: `paths`, `groups` (None where no image has one) and `ids`."""
    groups = texts(table, "group")
    return {
        "paths": table.column("path").to_pylist(),
        "groups": None if groups is None else np.array(groups, dtype=object),
        "ids": table.column("id").to_numpy() if "id" in table.column_names else None,
    }


def texts(table: pa.Table, name: str) -> list[str | None] | None:
    """Return the texts of a column, None where no row has one."""
    found = table.column(name).to_pylist() if name in table.column_names else []
    return found if any(text is not None for text in found) else None


def list_column(values: np.ndarray, mask: np.ndarray | None = None) -> pa.ListArray:
    """Return a column with the K values (N, K) of each row, null where `mask` is true."""
    count, width = values.shape
    flat = pa.array(
        np.ascontiguousarray(values).reshape(-1), mask=None if mask is None else np.ascontiguousarray(mask).reshape(-1)
    )
    offsets = pa.array(np.arange(count + 1, dtype=np.int64) * width)
    large = pa.LargeListArray.from_arrays(offsets, flat)
    return large if count * width >= 2**31 else large.cast(pa.list_(flat.type))


def matrix(table: pa.Table, name: str, width: int, kind: Any, *, file: Path) -> np.ndarray:
    """Return the lists of a column (N, width), NaN for null.

    Raises:
        DataError: a row holds more or fewer values.
    """
    whole = table.column(name).combine_chunks()
    lengths = np.asarray(whole.value_lengths().fill_null(0))
    wrong = np.flatnonzero(lengths != width)
    if wrong.size:
        raise DataError(f"{file} row {wrong[0] + 1}: {lengths[wrong[0]]} {name} for {width} classes")
    found: np.ndarray = whole.flatten().to_numpy(zero_copy_only=False).astype(kind, copy=False)
    return found.reshape(len(whole), width)
