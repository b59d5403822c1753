"""Tell the format of a data set by what lies there, without reading it whole."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator
from pathlib import Path

from vision_ft.data.formats.coco.files import find_coco
from vision_ft.data.formats.csv.boxes import has_box_columns
from vision_ft.data.formats.masks.pairs import MASK_ENDINGS, mask_folders
from vision_ft.data.formats.yolo.data_yaml import find_yaml
from vision_ft.data.images.decode import EXTENSIONS

HEAD_BYTES = 4096
MAX_DEPTH = 3  # folders below the root; train/images is two
MAX_FOLDERS = 2000  # looked into; a folder with more holds classes or individuals, not annotations


def recognise_file(path: Path) -> str | None:
    """Return the format of an index file, or None for a file of another kind."""
    suffix = path.suffix.lower()
    if suffix == ".json":
        return "coco"
    if suffix in (".yaml", ".yml"):
        return "yolo"
    if suffix in (".csv", ".tsv", ".txt"):
        return "boxes_csv" if has_box_columns(_header(path)) else "csv"
    return None


def is_data_yaml(path: Path) -> bool:
    """Whether a YAML file describes a YOLO data set, and is no recipe: it has names and says where the images are."""
    try:
        with path.open("rb") as stream:
            head = stream.read(HEAD_BYTES).decode("utf-8-sig", "replace")
    except OSError:
        return False
    keys = {line.split(":")[0].strip("\"' ") for line in head.splitlines() if ":" in line and line[:1] not in " #\t-"}
    return "names" in keys and not keys.isdisjoint(("train", "val", "test", "path"))


def recognise_folder(folder: Path) -> str:
    """Return "yolo", "coco", "voc" or "masks" where their annotations lie, else "imagefolder"."""
    if find_yaml(folder) is not None:
        return "yolo"
    if find_coco(folder):
        return "coco"
    folders = dict(_folders(folder))
    if any(_is_voc(folder / name, files) for name, files in folders.items()):
        return "voc"
    return "masks" if any(_has_masks(name, folders) for name in folders) else "imagefolder"


def _header(path: Path) -> list[str]:
    """Return the column names of a CSV file as far as they can be seen; reading it will say what is wrong."""
    try:
        with path.open("rb") as stream:
            head = stream.read(HEAD_BYTES)
    except OSError:
        return []
    encoding = "utf-16" if head[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    lines = [line for line in head.decode(encoding, "replace").splitlines() if line.strip()]
    delimiter = max(",;\t", key=lines[0].count) if lines else ","
    try:
        return next(csv.reader(lines[:1], delimiter=delimiter), [])
    except csv.Error:
        return []


def _folders(root: Path) -> Iterator[tuple[str, list[str]]]:
    """Yield (path below the root, names of its files) of the folders down to the depth."""
    for seen, (folder, folders, files) in enumerate(os.walk(root), start=1):
        name = os.path.relpath(folder, root)
        depth = 0 if name == "." else name.count("/") + 1
        folders[:] = sorted(one for one in folders if not one.startswith(".")) if depth < MAX_DEPTH else []
        yield ("" if name == "." else name), files
        if seen >= MAX_FOLDERS:
            return


def _is_voc(folder: Path, files: list[str]) -> bool:
    """Whether the first XML file of a folder is a VOC annotation."""
    first = min((name for name in files if name.lower().endswith(".xml")), default=None)
    if first is None:
        return False
    try:
        with (folder / first).open("rb") as stream:
            head = stream.read(HEAD_BYTES).replace(b"\0", b"")  # UTF-16 too
    except OSError:
        return False
    return b"<annotation" in head


def _has_masks(name: str, folders: dict[str, list[str]]) -> bool:
    """Whether a folder of images has a twin of masks with at least one equal name."""
    stems = {stem + end for stem in _picture_stems(folders[name]) for end in MASK_ENDINGS}
    twins = (twin for twin in mask_folders(name) if name and twin in folders)
    return any(not stems.isdisjoint(_picture_stems(folders[twin])) for twin in twins)


def _picture_stems(files: list[str]) -> set[str]:
    """Return the names without extension of the images among files."""
    pairs = (os.path.splitext(name) for name in files)  # noqa: PTH122 - names are kept as plain text
    return {stem for stem, extension in pairs if extension.lower() in EXTENSIONS}
