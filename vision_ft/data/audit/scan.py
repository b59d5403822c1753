"""Scan all images of a table in a thread pool, and remember what was seen for the next run."""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from vision_ft.data.audit.record import Record, examine
from vision_ft.data.loading.cache import cache_dir
from vision_ft.data.names import unescape_name
from vision_ft.data.table import SampleTable
from vision_ft.files import atomic_path

log = logging.getLogger(__name__)

RECORD_VERSION = 1  # raise it when decoding or measuring changes: older records are then not believed
CHUNK = 4096  # files in flight at once; bounds the memory that waiting results take
RECORD_TYPES = pa.schema(
    [
        ("path", pa.string()),
        ("file_bytes", pa.int64()),
        ("mtime_ns", pa.int64()),
        ("hash", pa.string()),
        ("error_kind", pa.string()),
        ("error_reason", pa.string()),
        ("format", pa.string()),
        ("mode", pa.string()),
        ("animated", pa.bool_()),
        ("orientation", pa.int8()),
        ("width", pa.int32()),
        ("height", pa.int32()),
        ("brightness", pa.float32()),
        ("sharpness", pa.float32()),
        ("spread", pa.float32()),
        ("phash", pa.string()),
        ("phash_mirrored", pa.string()),
        ("thumb", pa.binary()),
    ]
)


def scan_records(table: SampleTable, *, workers: int, max_pixels: int) -> pa.Table:
    """Return one row of `RECORD_TYPES` an image, from the cache where size and time of the file are unchanged."""
    file = _cache_file(table.root, max_pixels)
    paths = table.arrow.column("path").to_pylist()
    known = _read_known(file)
    records = list(_examine_all(table.root, paths, known=known, workers=workers, max_pixels=max_pixels))
    columns = list(zip(*records, strict=True)) or [()] * len(Record._fields)
    arrays = [pa.array(values, kind) for values, kind in zip([paths, *columns], RECORD_TYPES.types, strict=True)]
    result = pa.Table.from_arrays(arrays, schema=RECORD_TYPES)
    if any(known.get(path) is not record for path, record in zip(paths, records, strict=True)):
        _write_known(file, result)
    return result


def _examine_all(
    root: Path, paths: Sequence[str], *, known: dict[str, Record], workers: int, max_pixels: int
) -> Iterator[Record]:
    """Yield the record of each path in order."""

    def one(path: str) -> Record:
        file = root / unescape_name(path)
        old = known.get(path)
        if old is not None and _is_current(file, old):
            return old
        return examine(file, max_pixels=max_pixels)

    remaining = iter(paths)
    with ThreadPoolExecutor(max(1, workers)) as pool:
        while chunk := list(islice(remaining, CHUNK)):
            yield from pool.map(one, chunk)


def _is_current(file: Path, record: Record) -> bool:
    """Whether a file still has the size and time that its record was made of."""
    try:
        about = os.stat(file)  # noqa: PTH116 - one call an image, a million times
    except (OSError, ValueError):
        return False
    return (about.st_size, about.st_mtime_ns) == (record.file_bytes, record.mtime_ns)


def _cache_file(root: Path, max_pixels: int) -> Path:
    """Return where the records of a data folder are kept."""
    name = hashlib.blake2b(f"{max_pixels}:".encode() + os.fsencode(root), digest_size=12).hexdigest()
    return cache_dir() / "audit" / f"v{RECORD_VERSION}-{name}.parquet"


def _read_known(file: Path) -> dict[str, Record]:
    """Return path -> record of an earlier scan; a cache that cannot be read is as good as none."""
    try:
        with file.open("rb") as stream:
            stored = pq.read_table(stream, schema=RECORD_TYPES)
    except (OSError, pa.ArrowException):
        return {}
    columns = [column.to_pylist() for column in stored.columns]
    return {path: Record(*values) for path, *values in zip(*columns, strict=True)}


def _write_known(file: Path, records: pa.Table) -> None:
    """Keep the records; a full or read-only disk only costs the next run its speed."""
    try:
        with atomic_path(file) as temporary, temporary.open("wb") as sink:
            pq.write_table(records, sink, compression="zstd")
    except OSError as err:
        log.warning("audit: results could not be cached (%s)", err)
