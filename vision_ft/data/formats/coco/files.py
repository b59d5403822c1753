"""Find and load the JSON files of a COCO data set, and the images that they name."""

from __future__ import annotations

import json
import mmap
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vision_ft.data.images.decode import open_regular, printable
from vision_ft.data.labels import SPLIT_BY_NAME, shorten
from vision_ft.errors import DataError

_SPLIT = re.compile(r"(?<![a-z])(" + "|".join(sorted(SPLIT_BY_NAME, key=len, reverse=True)) + r")(?![a-z])")
OUTLINES = "segmentation"  # the key of an object's polygons or run lengths
ANNOTATION_FOLDERS = {"annotations", "annotation", "labels"}


@dataclass(frozen=True)
class CocoFile:
    """One annotation file.

    Attributes:
        file: where it lies.
        content: images, annotations and categories, each a list of dicts.
        split: train, val or test by its name or folder, or None.
        remarks: keys that the file writes twice.
    """

    file: Path
    content: dict[str, list[dict[str, Any]]]
    split: str | None
    remarks: list[str]


def find_coco(folder: Path) -> list[Path]:
    """Return the COCO files in a folder, its `annotations/` and folders one level down; instances_* before others."""
    found = [*folder.glob("*.json"), *folder.glob("*/*.json")]
    files = sorted(file for file in found if file.is_file() and _looks_like_coco(file))
    instances = [file for file in files if file.name.startswith("instances")]
    return instances or files


def load_coco(file: Path) -> CocoFile:
    """Load one file and check that its three lists are there.

    Raises:
        DataError: not JSON, cut, or not of COCO's form.
    """
    doubled: list[str] = []

    def no_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        result = dict(pairs)
        if len(result) < len(pairs):
            keys = [key for key, _ in pairs]
            doubled.extend(sorted({key for key in keys if keys.count(key) > 1}))
        return result

    with open_regular(file) as stream:
        data = stream.read()
    try:
        content = json.loads(data, object_pairs_hook=no_doubles)
    except (ValueError, RecursionError) as err:
        raise DataError(f"{printable(file)}: not JSON, or cut or damaged ({str(err) or 'nested too deeply'}).") from err
    _check_form(content, file)
    lost = sorted(set(doubled) & {"images", "annotations", "categories"})
    if lost:
        raise DataError(f"{printable(file)}: {', '.join(lost)} is written twice, and only one can count. Join them.")
    return CocoFile(file, content, split_of(file), doubled)


def _check_form(content: Any, file: Path) -> None:
    """Refuse JSON that is not COCO's."""
    if not isinstance(content, dict):
        raise DataError(
            f"{printable(file)}: the top level is a {type(content).__name__}; COCO files are an object with images, "
            "annotations and categories."
        )
    for key in ("images", "annotations", "categories"):
        rows = content.get(key)
        if not isinstance(rows, list) or any(not isinstance(row, dict) for row in rows):
            got = "is missing" if rows is None else "is no list of objects"
            raise DataError(
                f"{printable(file)}: {key} {got}; found are {shorten(sorted(map(str, content)))}. COCO instance files "
                "hold the lists images, annotations and categories."
            )


def split_of(file: Path) -> str | None:
    """Return the split that a file's name, or else its folder, tells: instances_train2017.json is train."""
    for name in (file.stem, file.parent.name):
        hit = _SPLIT.search(name.lower())
        if hit:
            return SPLIT_BY_NAME[hit[1]]
    return None


def default_root(source: Path) -> Path:
    """Return the folder that images are looked up below: of a file in annotations/, the folder above that."""
    if source.is_dir():
        return source.absolute()
    folder = source.absolute().parent
    return folder.parent if folder.name.lower() in ANNOTATION_FOLDERS else folder


def find_picture(name: str, bases: Sequence[str]) -> str | None:
    """Return the first path of `name` below the bases that is a file, or None."""
    for base in bases:
        path = os.path.normpath(os.path.join(base, name))  # noqa: PTH118 - plain text, for many images
        if os.path.isfile(path):  # noqa: PTH113
            return path
    return None


def picture_bases(coco: CocoFile, root: Path) -> list[str]:
    """Return the folders, all inside the root, where the images of a file may lie."""
    hit = _SPLIT.search(coco.file.stem.lower())
    named = coco.file.stem[coco.file.stem.rfind("_") + 1 :]  # train2017 of instances_train2017
    splits = [named, *([hit[1]] if hit else []), *([coco.split] if coco.split else [])]
    below = ["", "images", *splits, *(f"images/{name}" for name in splits)]
    folders = [coco.file.absolute().parent, *(root / name for name in below), coco.file.absolute().parent / "images"]
    inside = [os.fspath(one) for one in folders if one == root or root in one.parents]
    return list(dict.fromkeys(inside))


def _looks_like_coco(file: Path) -> bool:
    """Whether a JSON file names images and annotations somewhere, without parsing it."""
    try:
        with file.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content:
            return all(content.find(key) >= 0 for key in (b'"images"', b'"annotations"', b'"categories"'))
    except (OSError, ValueError):  # unreadable or empty
        return False
