"""Pascal VOC: an XML file per image, as PASCAL, LabelImg and Roboflow write them (Everingham et al. 2010)."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from vision_ft.data.boxes import Box, Complaints, Picture, build_box_table, find_flaw, read_stated
from vision_ft.data.formats.voc.files import VocFolder, read_voc_folder
from vision_ft.data.formats.voc.write import write as write
from vision_ft.data.images.decode import printable
from vision_ft.data.labels import build_class_space, shorten
from vision_ft.data.names import escape_name
from vision_ft.data.reading.safe_xml import parse_xml
from vision_ft.data.table import SampleTable
from vision_ft.errors import DataError
from vision_ft.types import Finding

SIDES = ("xmin", "ymin", "xmax", "ymax")
MAX_XML_BYTES = 16 * 2**20


def read(
    source: Path,
    *,
    group_pattern: str | None = None,
    group_by: Sequence[str] | None = None,
    on_bad: Literal["fail", "drop"] = "fail",
) -> SampleTable:
    """Read a folder of VOC annotations into a detection table.

    Understood are Annotations/, JPEGImages/ and ImageSets/Main/ (also one folder further down), annotations/ beside
    images/, and XML files beside their images, in train/, valid/ and test/ or not. Coordinates are taken as they are,
    without the 1 that the first pixel has in PASCAL's own files. Classes are ordered as text.

    Args:
        source: the folder; it is only read.
        group_pattern: takes the group of each image from its path.
        group_by: fields of the pattern that make the group.
        on_bad: "drop" leaves out objects and files that cannot be read, "fail" refuses.

    Raises:
        DataError: no annotation, or one that cannot be meant.
    """
    source = Path(source)
    folder = read_voc_folder(source)
    complaints = Complaints(source, on_bad)
    remarks = list(folder.remarks)
    pictures: dict[str, Picture] = {}
    for xml in folder.annotations:
        try:
            picture = _read_file(folder, xml, complaints, remarks)
        except DataError as err:
            if on_bad == "fail":
                raise
            complaints.add(xml, printable(xml), str(err))
            continue
        if picture is None:
            continue
        if picture.path in pictures:
            raise DataError(f"{printable(source)}: {xml} describes {picture.path}, as another file does. Remove one.")
        pictures[picture.path] = picture
    remarks += complaints.settle("Mend the files")
    found = list(pictures.values())
    objects = [(name, one.split) for one in found for name in one.labels]
    names, splits = [name for name, _ in objects], [split for _, split in objects]
    classes, _ = build_class_space(names, splits, where=printable(source))
    for one in found:
        one.labels = classes.index_of(one.labels, where=printable(source))
    return build_box_table(folder.root, found, classes, group_pattern=group_pattern, group_by=group_by, remarks=remarks)


def _read_file(folder: VocFolder, xml: str, complaints: Complaints, remarks: list[Finding]) -> Picture | None:
    """Return the image that an XML file describes, or None when it is absent (which is noted)."""
    file = folder.root / xml
    if file.stat().st_size > MAX_XML_BYTES:
        raise DataError(f"{printable(file)}: larger than {MAX_XML_BYTES >> 20} MiB, which no annotation is.")
    tree = parse_xml(file.read_bytes(), printable(xml))
    if tree.tag != "annotation":
        raise DataError(f"{printable(xml)}: the XML holds <{tree.tag}>; VOC files hold <annotation>.")
    path = folder.find_picture(xml, _text(tree, "filename"))
    if path is None:
        name = printable(_text(tree, "filename") or Path(xml).stem)
        complaints.add(xml, printable(xml), f"its image {name!r} is not there")
        return None
    picture = Picture(path, folder.split_of(xml, path), stated=_stated(tree, xml, path, remarks))
    for number, node in enumerate(tree.iterfind("object"), start=1):
        where = f"{printable(xml)} object {number}"
        name = _text(node, "name")
        box, flaw = _read_box(node)
        if not name:
            flaw = "has no name"
        if flaw or box is None:
            complaints.add(path, where, flaw)
            continue
        picture.add(box, name, difficult=_text(node, "difficult") == "1")
    return picture


def _read_box(node: ElementTree.Element) -> tuple[Box | None, str]:
    """Return (box, what is wrong with it or '')."""
    texts = [_text(node, f"bndbox/{side}") for side in SIDES]
    missing = [side for side, text in zip(SIDES, texts, strict=True) if not text]
    if missing:
        return None, f"bndbox without {', '.join(missing)}"
    try:
        values = [float(text) for text in texts]
    except ValueError:
        return None, f"bndbox {shorten(texts)}: expected numbers"
    flaw = find_flaw(values)
    return (None, f"bndbox: {flaw}") if flaw else ((values[0], values[1], values[2], values[3]), "")


def _stated(tree: ElementTree.Element, xml: str, path: str, remarks: list[Finding]) -> tuple[int, int] | None:
    """Return the size that the file states; none, or a remark where it is no size."""
    texts = _text(tree, "size/width"), _text(tree, "size/height")
    if not any(texts):
        return None
    size = read_stated(*texts)
    if size is not None:
        return size
    detail = f"{printable(xml)} states the size {texts[0]!r:.40} x {texts[1]!r:.40}; the image's own is taken."
    remarks.append(Finding("warning", "no-size", escape_name(path), detail))
    return None


def _text(node: ElementTree.Element, path: str) -> str:
    """Return the stripped text below a node, '' when absent."""
    return (node.findtext(path) or "").strip()
