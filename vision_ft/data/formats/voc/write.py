"""Write a detection table as Pascal VOC."""

from __future__ import annotations

import os
import re
import xml.etree.ElementTree as ElementTree
from collections import defaultdict
from pathlib import Path, PurePosixPath

from vision_ft.data.boxes import Picture, pictures_of, shortest
from vision_ft.data.images.size import read_size
from vision_ft.data.names import escape_name
from vision_ft.data.placement import (
    Transfer,
    find_losses,
    open_target,
    place_pictures,
    require_format,
    short_names,
)
from vision_ft.data.table import SampleTable
from vision_ft.errors import DataError
from vision_ft.files import write_atomic
from vision_ft.types import Finding

# https://www.w3.org/TR/xml/#charsets, without the surrogates that stand for bytes that are not UTF-8
_ALLOWED = re.compile("[\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]*")


def write(table: SampleTable, root: Path, *, transfer: Transfer = "copy") -> list[Finding]:
    """Write Annotations/, JPEGImages/ and ImageSets/Main/ into a new folder; return what could not be held.

    Raises:
        DataError: the table holds no boxes, a name that XML cannot hold, or the folder holds something.
    """
    require_format(table, "voc", name="VOC")
    wrong = [name for name in table.classes.names if not is_xml_text(name) or name != name.strip()]
    if wrong:
        raise DataError(f"{table.root}: XML cannot hold the class names {wrong}. Rename them.")
    root, names = open_target(root), short_names(table)
    place_pictures(table, root / "JPEGImages", names, transfer=transfer)
    listed = defaultdict(list)
    for row, (picture, name) in enumerate(zip(pictures_of(table), names, strict=True)):
        stem = os.path.splitext(name)[0]  # noqa: PTH122 - names are kept as plain text
        size = picture.stated or read_size(table.path(row))
        tree = _tree(picture, PurePosixPath(name).name, size, table.classes.names)
        ElementTree.indent(tree)
        write_atomic(root / "Annotations" / f"{stem}.xml", ElementTree.tostring(tree, encoding="utf-8") + b"\n")
        if picture.split is not None:
            listed[picture.split].append(stem)
    for split, stems in listed.items():
        text = "".join(f"{stem}\n" for stem in stems)
        write_atomic(root / "ImageSets" / "Main" / f"{split}.txt", os.fsencode(text))
    return find_losses(table, held=("difficult", "open-splits"))


def _tree(
    picture: Picture, filename: str, size: tuple[int, int] | None, classes: tuple[str, ...]
) -> ElementTree.Element:
    """Return the XML of one image."""
    tree = ElementTree.Element("annotation")
    _add(tree, "folder", "JPEGImages")
    _add(tree, "filename", escape_name(filename) if is_xml_text(filename) else "")
    if size is not None:
        node = _add(tree, "size")
        for name, value in zip(("width", "height", "depth"), (*size, 3), strict=True):
            _add(node, name, str(value))
    _add(tree, "segmented", "0")
    for box, label, difficult in zip(picture.boxes, picture.labels, picture.difficult, strict=True):
        node = _add(tree, "object")
        _add(node, "name", classes[label])
        _add(node, "difficult", str(int(difficult)))
        corners = _add(node, "bndbox")
        for side, corner in zip(("xmin", "ymin", "xmax", "ymax"), box, strict=True):
            _add(corners, side, str(shortest(corner)))
    return tree


def _add(parent: ElementTree.Element, name: str, text: str = "") -> ElementTree.Element:
    node = ElementTree.SubElement(parent, name)
    node.text = text or None
    return node


def is_xml_text(text: str) -> bool:
    """Whether XML can hold a text."""
    return _ALLOWED.fullmatch(text) is not None
