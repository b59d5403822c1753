"""Where results that may be recomputed are kept between runs, and how a file is replaced without a torn state."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def cache_dir() -> Path:
    """Return the cache folder: $VISION_FT_CACHE, or ~/.cache/vision_ft; it may not exist yet."""
    chosen = os.environ.get("VISION_FT_CACHE")
    return Path(chosen).expanduser() if chosen else Path.home() / ".cache" / "vision_ft"


@contextmanager
def replacing(file: Path) -> Iterator[Path]:
    """Give a temporary file beside `file`; on success it is synced and takes the place of `file`, else it vanishes."""
    file.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.", suffix=".tmp")
    os.close(handle)
    temporary = Path(name)
    temporary.chmod(0o666 & ~_umask())  # mkstemp makes private files; a run folder is shared like any other file
    try:
        yield temporary
        _sync(temporary, os.O_RDWR)
        temporary.replace(file)
        _sync(file.parent, os.O_RDONLY)
    finally:
        temporary.unlink(missing_ok=True)


def _umask() -> int:
    """Read the process's umask, which can only be read by setting it."""
    mask = os.umask(0o022)
    os.umask(mask)
    return mask


def _sync(path: Path, flags: int) -> None:
    """Force a file or a folder onto the disk."""
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
