"""Put the images of a table into a new data folder: under which names, and copied or linked."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath
from typing import Literal

import numpy as np

from vision_ft.data.images.decode import printable
from vision_ft.data.kinds import KINDS
from vision_ft.data.labels import SPLIT_BY_NAME, shorten
from vision_ft.data.names import unescape_name
from vision_ft.data.table import SampleTable
from vision_ft.errors import DataError
from vision_ft.types import Finding

Transfer = Literal["copy", "link"]
# Folders that say what lies in them, not what the image is; formats write their own.
PLAIN_FOLDERS = {"images", "image", "imgs", "img", "jpegimages", "frames"} | set(SPLIT_BY_NAME)
ASKED_AS = {"boxes_csv": "csv"}  # format -> what --to calls it, where that is another name
FEATURES = {
    "polygons": "outlines (polygons)",
    "iscrowd": "crowd marks",
    "difficult": "difficult marks",
}


def short_names(table: SampleTable) -> list[str]:
    """Return a name for each image, unlike any other's also without its extension and in lower case.

    Leading folders such as images/ and train/ are left out as long as all names stay unlike; names that differ in the
    extension or case only get a number.
    """
    full = [unescape_name(path) for path in table.arrow.column("path").to_pylist()]
    names = [_without_plain_folders(path) for path in full]
    if len({_stem(name) for name in names}) < len(names):
        names = full
    return number_repeated(names, key=_stem)


def number_repeated(names: Sequence[str], *, key: Callable[[str], str] = str.lower) -> list[str]:
    """Return the names, where one whose key was there before gets a number: a.jpg, a-2.jpg."""
    taken: set[str] = set()
    result = []
    for name in names:
        path, number, unlike = PurePosixPath(name), 2, name
        while key(unlike) in taken:
            unlike = str(path.with_name(f"{path.stem}-{number}{path.suffix}"))
            number += 1
        taken.add(key(unlike))
        result.append(unlike)
    return result


def place_file(source: Path, target: Path, transfer: Transfer) -> None:
    """Copy a file, or link it under its absolute path.

    Raises:
        DataError: the file is absent or the target cannot be written.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        if transfer == "copy":
            shutil.copyfile(source, target)
        else:
            target.symlink_to(source.resolve(strict=True))
    except OSError as err:
        raise DataError(f"{printable(source)}: cannot be put to {printable(target)} ({err.strerror or err}).") from err


def place_pictures(table: SampleTable, root: Path, names: Sequence[str], *, transfer: Transfer) -> None:
    """Put each image at `root` / its name.

    Raises:
        DataError: an image is absent or cannot be written.
    """
    for row, name in enumerate(names):
        place_file(table.path(row), root / name, transfer)


def open_target(root: Path) -> Path:
    """Make an empty folder to write a data set into.

    Raises:
        DataError: something lies there already.
    """
    root = Path(root)
    if root.is_file() or (root.is_dir() and any(root.iterdir())):
        raise DataError(f"{printable(root)}: holds something already. Give a new or an empty folder.")
    root.mkdir(parents=True, exist_ok=True)
    return root


def find_losses(table: SampleTable, *, held: Sequence[str]) -> list[Finding]:
    """Return what the table has and a format cannot hold.

    `held` names features, and groups, open-splits, classes (all of them, in their order) and category-ids.
    """
    losses = []
    for column, what in FEATURES.items():
        if column in held or column not in table.arrow.column_names:
            continue
        count = sum(bool(one) for row in table.arrow.column(column).to_pylist() for one in row or ())
        if count:
            losses.append(not_held(f"{what} of {count} objects"))
    if "groups" not in held and table.groups is not None:
        losses.append(not_held("the groups; take them from the paths with data.group_pattern"))
    num_open = table.arrow.column("split").null_count
    if "open-splits" not in held and num_open > 0:
        losses.append(not_held(f"images without a split: {num_open} are written as train"))
    if "classes" not in held:
        losses += _find_lost_classes(table)
    ids = table.meta.get("category_ids")
    if "category-ids" not in held and ids and list(ids) != list(range(1, len(ids) + 1)):
        losses.append(not_held(f"the category ids {shorten(list(map(str, ids)))}, which become 1, 2, 3 and so on"))
    return losses


def _find_lost_classes(table: SampleTable) -> list[Finding]:
    """Return what is lost where the classes are those of the objects or images, ordered as text."""
    kind = KINDS[table.task]
    if not kind.carrier:
        return []
    what, used = kind.carrier, set(np.flatnonzero(kind.count(table, np.arange(len(table)))).tolist())
    names = table.classes.names
    kept = [name for index, name in enumerate(names) if index in used]
    losses = []
    if len(kept) < len(names):
        unused = [name for index, name in enumerate(names) if index not in used]
        losses.append(not_held(f"classes without {what}: {shorten(unused)}"))
    if kept != sorted(kept):
        losses.append(not_held(f"the order of the classes: they become {shorten(sorted(kept))}"))
    return losses


def not_held(what: str) -> Finding:
    """Return the finding that a format cannot hold something."""
    return Finding("warning", "not-held", "", f"the format cannot hold {what}.")


def format_for(table: SampleTable, asked: str) -> str:
    """Return the format that `--to` means for a table: a CSV holds labels, or boxes."""
    return next((name for name in KINDS[table.task].formats if ASKED_AS.get(name, name) == asked), asked)


def require_format(table: SampleTable, form: str, *, name: str) -> None:
    """Refuse to write a table in a format that cannot hold its labels.

    Args:
        table: to be written.
        form: key of the format.
        name: what the error calls it.

    Raises:
        DataError: with what the table holds and where it can go.
    """
    kind = KINDS[table.task]
    if form not in kind.formats:
        *others, last = (ASKED_AS.get(one, one) for one in kind.formats)
        allowed = f"{', '.join(others)} or {last}" if others else last
        raise DataError(f"{printable(table.root)}: holds {kind.holds}, which {name} cannot hold. Use --to {allowed}.")


def _without_plain_folders(path: str) -> str:
    parts = path.split("/")
    while len(parts) > 1 and parts[0].lower() in PLAIN_FOLDERS:
        parts.pop(0)
    return "/".join(parts)


def _stem(name: str) -> str:
    return os.path.splitext(name)[0].lower()  # noqa: PTH122 - names are kept as plain text
