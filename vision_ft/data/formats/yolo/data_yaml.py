"""YOLO's data.yaml: class names and where the images of each split lie, all inside its own folder."""

from __future__ import annotations

import os
import re
import reprlib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vision_ft.data.images.decode import EXTENSIONS, open_regular, printable
from vision_ft.data.labels import SPLIT_BY_NAME, shorten
from vision_ft.data.names import escape_name
from vision_ft.data.reading.safe_yaml import MAX_BYTES, parse_yaml
from vision_ft.data.reading.walk import walk
from vision_ft.errors import DataError
from vision_ft.types import Finding

_KEYPOINTS = re.compile("[0-9]{1,4}")
SPLIT_KEYS = [key for key in SPLIT_BY_NAME if key not in ("training", "testing", "dev")]


@dataclass(frozen=True)
class YoloSet:
    """What data.yaml says.

    Attributes:
        file: where it lies.
        names: class names by index.
        pictures: split -> paths relative to its folder.
        keypoints: (number, 2 or 3 values each) of the keypoints that follow the box in a row, or None.
        remarks: what was ignored or odd.
    """

    file: Path
    names: tuple[str, ...]
    pictures: dict[str, list[str]]
    keypoints: tuple[int, int] | None
    remarks: list[Finding]


def find_yaml(folder: Path) -> Path | None:
    """Return the YAML file of a folder that has class names and a split, or None; data.yaml before others."""
    files = [file for file in sorted(folder.glob("*.y*ml")) if file.suffix in (".yaml", ".yml") and file.is_file()]
    for file in sorted(files, key=lambda one: one.stem not in ("data", "dataset")):
        try:
            content = parse_yaml(_head(file), printable(file))
        except (OSError, DataError):
            if file.stem in ("data", "dataset"):
                return file  # reading it will say what is wrong
            continue
        if isinstance(content, dict) and "names" in content and any(key in content for key in SPLIT_KEYS):
            return file
    return None


def load_yaml(file: Path) -> YoloSet:
    """Read a data.yaml and list the images of its splits; nothing in it is ever run or downloaded.

    Raises:
        DataError: it is damaged, its names do not number the classes, or a path leaves its folder.
    """
    content = parse_yaml(_head(file), printable(file))
    if not isinstance(content, dict):
        got = reprlib.repr(content)
        raise DataError(f"{printable(file)}: expected keys such as names, train and val, got {got}.")
    remarks = []
    if "download" in content:
        remarks.append(Finding("warning", "download-key", "", f"{file.name}: its download key is ignored, never run."))
    base = _base(content.get("path"), file, remarks)
    pictures: dict[str, list[str]] = {}
    for key in SPLIT_KEYS:
        if content.get(key):
            pictures.setdefault(SPLIT_BY_NAME[key], []).extend(_list_split(content[key], base, file, remarks))
    if not pictures:
        raise DataError(f"{printable(file)}: names no split; give train: and val: with folders of images.")
    _remark_shared(pictures, file, remarks)
    return YoloSet(file, _names(content, file), pictures, _keypoints(content.get("kpt_shape"), file), remarks)


def _head(file: Path) -> bytes:
    """Return the file's bytes, or as many as show that it is too large."""
    with open_regular(file) as stream:
        return stream.read(MAX_BYTES + 1)


def _names(content: dict[Any, Any], file: Path) -> tuple[str, ...]:
    """Return the class names; a mapping must number them 0, 1, 2 ..."""
    names = content.get("names")
    if isinstance(names, dict):
        if set(names) != {str(index) for index in range(len(names))}:
            raise DataError(
                f"{printable(file)}: names has the numbers {shorten(sorted(map(str, names)))}; they must be "
                f"0..{len(names) - 1} without a gap."
            )
        names = [names[str(index)] for index in range(len(names))]
    if not isinstance(names, list) or not names or any(not isinstance(name, str | None) for name in names):
        got = reprlib.repr(names)
        raise DataError(f"{printable(file)}: names must be a list of class names, or number: name; got {got}.")
    for number, name in enumerate(names):
        if name is None or not name.strip():
            raise DataError(
                f"{printable(file)}: the name of class {number} is blank. Give each class a name; ~ and null must be "
                "quoted."
            )
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise DataError(f"{printable(file)}: names holds {shorten(twice)} twice. Each class needs a name of its own.")
    stated = content.get("nc")
    if stated is not None and stated != str(len(names)):
        raise DataError(
            f"{printable(file)}: nc is {stated!s:.40}, but names has {len(names)} names. Correct one of the two."
        )
    return tuple(names)


def _keypoints(shape: Any, file: Path) -> tuple[int, int] | None:
    """Return how many keypoints a row has and how many values each, or None for a set without any."""
    if shape is None:
        return None
    texts = shape if isinstance(shape, list) and len(shape) == 2 else [""]
    if not all(isinstance(text, str) and _KEYPOINTS.fullmatch(text) for text in texts) or texts[1] not in ("2", "3"):
        got = reprlib.repr(shape)
        raise DataError(f"{printable(file)}: kpt_shape must be [number of keypoints, 2 or 3]; got {got}.")
    return int(texts[0]), int(texts[1])


def _base(path: Any, file: Path, remarks: list[Finding]) -> Path:
    """Return the folder that the splits start from: `path` as far as it lies inside the file's folder."""
    folder = file.absolute().parent
    if path is None:
        return folder
    inside = Path(os.path.normpath(folder / str(path)))
    if inside == folder or (folder in inside.parents and inside.is_dir()):
        return inside
    remarks.append(
        Finding("info", "yaml-path", "", f"{file.name}: path {path!r:.200} is not used; the file's folder is.")
    )
    return folder


def _list_split(given: Any, base: Path, file: Path, remarks: list[Finding]) -> list[str]:
    """Return the images of one split: of a folder, of a list in a text file, or of several of them."""
    paths: list[str] = []
    for entry in given if isinstance(given, list) else [given]:
        if not isinstance(entry, str):
            raise DataError(f"{printable(file)}: {reprlib.repr(entry)} is no folder of images.")
        found = _inside(entry, base, file)
        if found.is_dir():
            listed = walk(found)
            remarks += [one for one in listed.remarks if one.level == "warning"]
            paths += [os.path.relpath(found / one, file.absolute().parent) for one in listed.pictures]
        elif found.is_file() and found.suffix == ".txt":
            paths += _read_list(found, file.absolute().parent, base)
        else:
            raise DataError(f"{printable(file)}: {entry!r} is no folder and no list (.txt) below {printable(base)}.")
    return paths


def _inside(entry: str, base: Path, file: Path) -> Path:
    """Return the path of a split; it may not leave the file's folder."""
    folder = file.absolute().parent
    # some exports write ../train/images although the file lies beside train/
    for text in (entry, entry.removeprefix("../")):
        path = Path(os.path.normpath(base / text))
        if (path == folder or folder in path.parents) and path.exists():
            return path
    path = Path(os.path.normpath(base / entry))
    if path == folder or folder in path.parents:
        return path
    raise DataError(
        f"{printable(file)}: path {entry!r} leaves the data folder {printable(folder)}. Put data.yaml into the folder "
        "of the data set, and write paths from there."
    )


def _read_list(file: Path, folder: Path, base: Path) -> list[str]:
    """Return the images that a text file lists, one a line, from the folder of the set or of the list."""
    paths = []
    for number, line in enumerate(os.fsdecode(file.read_bytes()).splitlines(), start=1):
        name = line.strip()
        if not name:
            continue
        places = [Path(os.path.normpath(start / name)) for start in (base, file.parent)]
        good = [one for one in places if folder in one.parents and one.suffix.lower() in EXTENSIONS]
        if not good:
            raise DataError(f"{printable(file)} line {number}: {printable(name)!r} is no image in the data folder.")
        paths.append(os.path.relpath(next((one for one in good if one.is_file()), good[0]), folder))
    return paths


def _remark_shared(pictures: dict[str, list[str]], file: Path, remarks: list[Finding]) -> None:
    """Keep an image that several splits name in the first of them, and say so."""
    seen: dict[str, str] = {}
    for split, paths in pictures.items():
        shared = {path for path in paths if path in seen and seen[path] != split}
        if shared:
            others = sorted({seen[path] for path in shared})
            example = escape_name(min(shared))
            detail = (
                f"{file.name}: {len(shared)} images of {split} are also in {', '.join(others)} (leak), first "
                f"{example}; they stay there and are left out of {split}."
            )
            remarks.append(Finding("warning", "split-overlap", "", detail))
        pictures[split] = [path for path in dict.fromkeys(paths) if path not in seen]
        seen |= dict.fromkeys(pictures[split], split)
