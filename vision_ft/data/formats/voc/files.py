"""Which XML files, images and split lists a VOC folder holds, and which image an annotation means."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from vision_ft.data.images.decode import printable
from vision_ft.data.labels import SPLIT_BY_NAME, shorten
from vision_ft.data.names import escape_name
from vision_ft.data.reading.walk import walk
from vision_ft.errors import DataError
from vision_ft.types import Finding

XML_FOLDERS = {"annotations", "annotation", "labels", "xml", "xmls"}
IMAGE_FOLDERS = ("JPEGImages", "images", "Images", "imgs", "")


@dataclass(frozen=True)
class VocFolder:
    """What lies in the folder; all paths are relative to its root.

    Attributes:
        root: the absolute folder.
        annotations: XML files in text order.
        pictures: all images.
        by_stem: folder and name of an image without extension -> its path.
        listed: name in a split list -> split.
        remarks: what was odd.
    """

    root: Path
    annotations: list[str]
    pictures: frozenset[str]
    by_stem: dict[str, str]
    listed: dict[str, str]
    remarks: list[Finding]

    def find_picture(self, xml: str, filename: str) -> str | None:
        """Return the image of an annotation: the one it names, else the one that is called like it.

        Raises:
            DataError: the name leads out of the data folder.
        """
        filename = filename.replace("\\", "/")
        if filename.startswith("/") or ".." in filename.split("/"):
            raise DataError(f"{printable(xml)}: filename {filename!r} leaves the data folder {printable(self.root)}.")
        stem = os.path.splitext(xml)[0]  # noqa: PTH122 - names are kept as plain text
        for folder, inner in self._folders(stem):
            if filename:
                path = "/".join(part for part in (folder, *PurePosixPath(inner).parts[:-1], filename) if part)
                if path in self.pictures:
                    return path
            found = self.by_stem.get("/".join(part for part in (folder, inner) if part))
            if found is not None:
                return found
        return None

    def _folders(self, stem: str) -> list[tuple[str, str]]:
        """Return (folder where the image may lie, name below it without extension) of an annotation."""
        parts = stem.split("/")
        places = [("/".join(parts[:-1]), parts[-1])]  # beside the file
        for position, part in enumerate(parts[:-1]):
            if part.lower() in XML_FOLDERS:
                above, inner = parts[:position], "/".join(parts[position + 1 :])
                places += [("/".join([*above, name] if name else above), inner) for name in IMAGE_FOLDERS]
        return places

    def split_of(self, xml: str, picture: str) -> str | None:
        """Return the split of an annotation by its list, or by a folder such as train/."""
        if self.listed:
            names = (_inner(xml), PurePosixPath(xml).stem, PurePosixPath(picture).name)
            return next((self.listed[name] for name in names if name in self.listed), None)
        folders = [part.lower() for part in xml.split("/")[:-1]]
        return next((SPLIT_BY_NAME[part] for part in folders if part in SPLIT_BY_NAME), None)


def find_annotations(root: Path) -> list[str]:
    """Return the XML files in a folder, and up to three folders down, that are annotations by place or neighbour."""
    found = []
    for folder, folders, files in os.walk(root):
        depth = 0 if Path(folder) == root else len(Path(folder).relative_to(root).parts)
        folders[:] = sorted(name for name in folders if not name.startswith(".")) if depth < 4 else []
        found += [os.path.relpath(Path(folder) / name, root) for name in files if name.lower().endswith(".xml")]
    return sorted(found)


def read_voc_folder(source: Path) -> VocFolder:
    """List what lies in a VOC folder.

    Raises:
        DataError: no XML file lies there, or an image is listed in two splits.
    """
    if not source.is_dir():
        raise DataError(f"{printable(source)}: give the folder of a VOC data set, not a file of it.")
    root = source.absolute()
    annotations = find_annotations(root)
    if not annotations:
        raise DataError(f"{printable(source)}: no annotations (XML files) found.")
    pictures = walk(root).pictures
    by_stem = {os.path.splitext(path)[0]: path for path in reversed(pictures)}  # noqa: PTH122 - plain text
    listed = _read_lists(root)
    remarks = []
    described = {PurePosixPath(path).stem for path in annotations}
    bare = [escape_name(path) for path in pictures if PurePosixPath(path).stem not in described]
    if bare:
        detail = f"{len(bare)} images have no annotation file and are left out: {shorten(bare)}."
        remarks.append(Finding("warning", "unannotated", "", detail))
    return VocFolder(root, annotations, frozenset(pictures), by_stem, listed, remarks)


def _read_lists(root: Path) -> dict[str, str]:
    """Return name -> split of ImageSets/Main/{train,val,test}.txt, in the folder or one further down."""
    listed: dict[str, str] = {}
    for file in sorted([*root.glob("ImageSets/Main/*.txt"), *root.glob("*/ImageSets/Main/*.txt")]):
        split = SPLIT_BY_NAME.get(file.stem.lower())
        if split is None:
            continue  # trainval, and the lists of single classes
        for line in os.fsdecode(file.read_bytes()).splitlines():
            name = line.strip()
            if name and listed.setdefault(name, split) != split:
                raise DataError(f"{printable(file)}: {printable(name)} is in {listed[name]} too (leak between splits).")
    return listed


def _inner(xml: str) -> str:
    """Return an annotation's name below its folder of annotations, without extension: what a list holds."""
    parts = os.path.splitext(xml)[0].split("/")  # noqa: PTH122 - plain text
    for position, part in enumerate(parts[:-1]):
        if part.lower() in XML_FOLDERS:
            return "/".join(parts[position + 1 :])
    return parts[-1]
