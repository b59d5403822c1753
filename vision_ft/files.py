"""Write files so that a crash leaves either the old content or the new, never half of it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4


@contextmanager
def atomic_path(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a temporary path beside `path`; what was written there replaces `path` when the block ends well.

    The data is fsynced before the rename and the folder after it, so the new name never points at missing bytes
    after a power cut. If the block raises, the temporary file is removed and `path` stays as it was.
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    # A suffix of its own keeps two writers apart; the leading dot hides an orphan of a killed process from globs.
    temporary = target.parent / f".{target.name}.{uuid4().hex[:8]}.tmp"
    try:
        yield temporary
        _fsync(temporary)
        temporary.replace(target)
        _fsync(target.parent)
    finally:
        temporary.unlink(missing_ok=True)


def write_atomic(path: str | os.PathLike[str], data: bytes) -> None:
    """Write bytes to `path`, replacing what was there in one step."""
    with atomic_path(path) as temporary:
        temporary.write_bytes(data)


def write_json(path: str | os.PathLike[str], value: Any) -> None:
    """Write `value` as indented UTF-8 JSON in one step; NaN and infinity are refused, as JSON has neither."""
    text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False)
    try:
        data = text.encode("utf-8")
    except UnicodeEncodeError:  # a file name that was never UTF-8: escaped as \\udcXX it survives the round trip
        data = json.dumps(value, indent=2, allow_nan=False).encode("ascii")
    write_atomic(path, data + b"\n")


def _fsync(path: Path) -> None:
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except PermissionError:
        return  # Windows cannot open a folder
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
