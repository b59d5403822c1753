"""Walk over a data folder: the images and folders in it, and what is ignored with the reason."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from vision_ft.data.images.decode import EXTENSIONS, printable
from vision_ft.data.names import escape_name
from vision_ft.errors import DataError
from vision_ft.types import Finding

# What systems and programs leave behind; hidden names are ignored besides.
LITTER = frozenset({"__macosx", "@eadir", "thumbs.db", "desktop.ini", "$recycle.bin"})
# Images that people expect to be read, but no allowed decoder opens.
FOREIGN_IMAGES = frozenset({".heic", ".heif", ".jp2", ".psd", ".svg", ".dng", ".cr2", ".nef", ".arw", ".raw", ".jxl"})
MAX_LISTED = 200  # ignored files that get a finding each; the rest is one finding with their number


@dataclass
class Walk:
    """What a walk over the folder found; paths are relative to its root, as the os module gives them."""

    pictures: list[str] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)
    remarks: list[Finding] = field(default_factory=list)


def walk(root: Path) -> Walk:
    """List images and folders below `root` in text order; links are followed, circles of links are not."""
    found = Walk()
    ignored: list[Finding] = []
    for path, is_folder, finding in _entries(os.fspath(root), "", frozenset()):
        if finding is not None:
            ignored.append(finding)
        elif is_folder:
            found.folders.append(path)
        else:
            found.pictures.append(path)
    found.pictures.sort()
    found.folders.sort()
    ignored.sort(key=lambda finding: (finding.level != "warning", finding.path))
    found.remarks = ignored[:MAX_LISTED]
    if len(ignored) > MAX_LISTED:
        more = len(ignored) - MAX_LISTED
        found.remarks.append(Finding("info", "ignored-file", "", f"{more} more files were ignored."))
    return found


def _entries(folder: str, prefix: str, above: frozenset[tuple[int, int]]) -> Iterator[tuple[str, bool, Finding | None]]:
    """Yield (relative path, is a folder, why it is ignored or None) of everything below `folder`."""
    try:
        about = os.stat(folder)  # noqa: PTH116 - names are kept as plain text for speed
        entries = list(os.scandir(folder))
    except OSError as err:
        raise DataError(f"{printable(folder)}: cannot be listed ({err.strerror}).") from err
    above = above | {(about.st_dev, about.st_ino)}
    for entry in entries:
        path = prefix + entry.name
        level, reason = _why_ignored(entry, above)
        if reason:
            yield path, False, Finding(level, "ignored-file", escape_name(path), reason)
        elif entry.is_dir():
            yield path, True, None
            yield from _entries(entry.path, path + "/", above)
        else:
            yield path, False, None


def _why_ignored(entry: os.DirEntry[str], above: frozenset[tuple[int, int]]) -> tuple[Literal["info", "warning"], str]:
    """Return (level, reason) for what is no sample, or ("info", "")."""
    name = entry.name.lower()
    if name.startswith("."):
        return "info", "hidden, ignored."
    if name in LITTER:
        return "info", "left behind by a system or program, ignored."
    if entry.is_dir():
        about = entry.stat()
        circular = entry.is_symlink() and (about.st_dev, about.st_ino) in above
        return ("warning", "a link to a folder above itself, ignored.") if circular else ("info", "")
    extension = os.path.splitext(name)[1]  # noqa: PTH122 - names are kept as plain text for speed
    if extension in FOREIGN_IMAGES:
        return "warning", f"{extension} images cannot be read, ignored. Save it as JPEG or PNG."
    if extension not in EXTENSIONS:
        return "info", "no image extension, ignored."
    if not entry.is_file():
        return "warning", "a broken link, or not a regular file; ignored."
    return "info", ""
