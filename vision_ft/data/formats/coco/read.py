"""COCO's JSON: instance boxes with outlines, one file a split (https://cocodataset.org/#format-data)."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from vision_ft.data.boxes import Box, Complaints, Picture, build_box_table, find_flaw
from vision_ft.data.formats.coco.files import (
    OUTLINES,
    CocoFile,
    default_root,
    find_coco,
    find_picture,
    load_coco,
    picture_bases,
)
from vision_ft.data.formats.coco.write import write as write
from vision_ft.data.images.decode import printable
from vision_ft.data.labels import shorten
from vision_ft.data.names import escape_name
from vision_ft.data.table import SampleTable
from vision_ft.errors import DataError
from vision_ft.types import ClassSpace, Finding

MIN_POINTS = 3  # of an outline


def read(
    source: Path,
    *,
    root: Path | None = None,
    group_pattern: str | None = None,
    group_by: Sequence[str] | None = None,
    on_bad: Literal["fail", "drop"] = "fail",
) -> SampleTable:
    """Read one COCO file, or a folder with one file a split, into a detection table.

    Classes are the categories in the order of their ids, which may have gaps; the ids are kept in
    `meta["category_ids"]`. The split is taken from names such as instances_train2017.json
    or valid/_annotations.coco.json.

    Args:
        source: the file or folder; it is only read.
        root: folder of the images, which no path may leave; by default the folder (of an `annotations` folder, that
            above it).
        group_pattern: takes the group of each image from its path instead of from a "group" in `images`.
        group_by: fields of the pattern that make the group.
        on_bad: "drop" leaves out annotations that cannot be read, "fail" refuses.

    Raises:
        DataError: a file, or an annotation in it, that cannot be meant.
    """
    source = Path(source)
    files = find_coco(source) if source.is_dir() else [source]
    if not files:
        raise DataError(f"{printable(source)}: no COCO file (JSON with images, annotations and categories) found.")
    loaded = [load_coco(file) for file in files]
    if (
        len(loaded) > 1
        and any(one.split is None for one in loaded)
        and len({one.split for one in loaded}) < len(loaded)
    ):
        raise DataError(
            f"{printable(source)}: {len(loaded)} COCO files, and not each name tells a split: "
            f"{shorten([one.file.name for one in loaded])}. Give one file, or put train, val or test into the names."
        )
    folder = Path(root).absolute() if root is not None else default_root(source)
    complaints = Complaints(source, on_bad)
    names, category_ids = _categories(loaded)
    pictures: dict[str, Picture] = {}
    remarks: list[Finding] = []
    for coco in loaded:
        _FileReader(coco, folder, category_ids, complaints, remarks).read_into(pictures)
    remarks += complaints.settle("Mend the file")
    return build_box_table(
        folder,
        list(pictures.values()),
        ClassSpace(tuple(names)),
        group_pattern=group_pattern,
        group_by=group_by,
        remarks=remarks,
        meta={"category_ids": list(category_ids)},
    )


def _categories(files: Sequence[CocoFile]) -> tuple[list[str], dict[Any, int]]:
    """Return the class names in the order of the category ids, and id -> class index; the same in all files."""
    by_id: dict[Any, str] = {}
    for coco in files:
        for row in coco.content["categories"]:
            key, name = row.get("id"), row.get("name")
            if not isinstance(key, int) or isinstance(key, bool) or not isinstance(name, str) or not name.strip():
                raise DataError(f"{printable(coco.file)}: category {row!s:.60} needs a whole number id and a name.")
            if by_id.setdefault(key, name) != name:
                raise DataError(f"{printable(coco.file)}: category {key} is {by_id[key]!r} and {name!r}.")
    twins = sorted(name for name, count in Counter(by_id.values()).items() if count > 1)
    if twins or not by_id:
        what = f"the categories {shorten(twins)} have two ids" if twins else "categories is empty"
        raise DataError(f"{printable(files[0].file)}: {what}. Each class needs one id.")
    ids = sorted(by_id)
    return [by_id[key] for key in ids], {key: index for index, key in enumerate(ids)}


class _FileReader:
    """Reads one file into images by path."""

    def __init__(
        self,
        coco: CocoFile,
        root: Path,
        category_ids: dict[Any, int],
        complaints: Complaints,
        remarks: list[Finding],
    ) -> None:
        self.coco, self.root, self.category_ids = coco, root, category_ids
        self.complaints, self.remarks = complaints, remarks
        self.by_id: dict[Any, Picture] = {}
        self.num_masks = 0

    def read_into(self, pictures: dict[str, Picture]) -> None:
        """Add the file's images with their boxes to `pictures`."""
        for key in self.coco.remarks:
            self._warn("doubled-key", "", f'"{key}" is written twice; the last one counts.')
        bases = picture_bases(self.coco, self.root)
        for row in self.coco.content["images"]:
            self._read_image(row, bases, pictures)
        seen: Counter[Any] = Counter()
        for row in self.coco.content["annotations"]:
            number = row.get("id")
            seen[number if isinstance(number, int | str) else None] += 1
            self._read_annotation(row)
        doubled = [number for number, count in seen.items() if count > 1 and number is not None]
        if doubled:
            detail = f"{len(doubled)} annotation ids are used more than once: {shorten(list(map(str, doubled)))}."
            self._warn("doubled-annotation-id", "", detail)
        if self.num_masks:
            self._warn("rle-mask", "", f"{self.num_masks} masks in RLE are not kept; their boxes are.")

    def _warn(self, kind: str, path: str, detail: str) -> None:
        self.remarks.append(Finding("warning", kind, escape_name(path), f"{self.coco.file.name}: {detail}"))

    def _read_image(self, row: dict[str, Any], bases: Sequence[str], pictures: dict[str, Picture]) -> None:
        key, name = row.get("id"), row.get("file_name")
        where = f"image {key!s:.60}"
        if not isinstance(key, int | str) or not isinstance(name, str) or not name or "\0" in name:
            raise DataError(f"{printable(self.coco.file)}: {where}: needs an id and a file_name.")
        if key in self.by_id:
            raise DataError(f"{printable(self.coco.file)}: {where}: the id is used twice. Ids must differ.")
        path = self._locate(name, bases, where)
        picture = Picture(path if path is not None else name, self.coco.split, _text(row.get("group")), _stated(row))
        self.by_id[key] = picture  # its annotations are known even where the file is absent
        if path is None:
            self.complaints.add(name, where, f"{printable(name)}: no such file below the data root {self.root}")
        elif path in pictures:
            self._merge(picture, pictures[path], key)
        else:
            pictures[path] = picture

    def _merge(self, picture: Picture, known: Picture, key: Any) -> None:
        if known.split != picture.split:
            raise DataError(
                f"{printable(self.coco.file)}: {printable(picture.path)} is in {known.split} and in {picture.split} "
                "(leak between splits). List each image once."
            )
        self.by_id[key] = known
        self._warn("doubled-picture", picture.path, "listed under two ids; their boxes are put together.")

    def _locate(self, name: str, bases: Sequence[str], where: str) -> str | None:
        """Return the image's path below the root, None when it is absent; nothing outside the root is looked at."""
        name = name if "\\" not in name else name.replace("\\", "/")
        if name.startswith("/") or os.path.normpath(name).startswith(".."):
            raise DataError(
                f"{printable(self.coco.file)}: {where}: path {name!r} leaves the data root {self.root}. Paths start "
                "there; set data.root if it is another folder."
            )
        found = find_picture(name, bases)
        return None if found is None else os.path.relpath(found, self.root)

    def _read_annotation(self, row: dict[str, Any]) -> None:
        key = row.get("id")
        where = f"annotation {key!s:.60}"
        reason = self._why_unusable(row)
        picture = self.by_id.get(row.get("image_id")) if not reason else None
        if reason or picture is None:
            known = self.by_id.get(row.get("image_id")) if isinstance(row.get("image_id"), int | str) else None
            self.complaints.add(known.path if known else "", where, reason)
            return
        x, y, width, height = (float(value) for value in row["bbox"])
        outlines = row.get(OUTLINES) or []
        if isinstance(outlines, dict):
            self.num_masks += 1
            outlines = []
        flat = [outline for outline in outlines if len(outline) < 2 * MIN_POINTS]
        if flat:
            self._warn("short-polygon", picture.path, f"{where}: an outline of {len(flat[0]) // 2} points is left out.")
        box: Box = (x, y, x + width, y + height)
        whole = [outline for outline in outlines if len(outline) >= 2 * MIN_POINTS]
        crowd = bool(row.get("iscrowd"))
        picture.add(box, self.category_ids[row["category_id"]], polygons=whole, iscrowd=crowd)

    def _why_unusable(self, row: dict[str, Any]) -> str:
        """Return what is wrong with an annotation, or ''."""
        image, category = row.get("image_id"), row.get("category_id")
        if "image_id" not in row:
            return "has no image_id"
        if not isinstance(image, int | str) or image not in self.by_id:
            kinds = {type(key).__name__ for key in self.by_id}
            hint = (
                f" (ids of images are of type {', '.join(sorted(kinds))})" if type(image).__name__ not in kinds else ""
            )
            return f"image_id {image!r:.60} is no image of the file{hint}"
        if not isinstance(category, int) or category not in self.category_ids:
            return (
                f"category_id {category!r:.60} is unknown; categories are {shorten(list(map(str, self.category_ids)))}"
            )
        bbox = row.get("bbox")
        flaw = find_flaw(bbox) or find_flaw([bbox[0] + bbox[2], bbox[1] + bbox[3]], count=2)  # type: ignore[index]
        if flaw:
            return f"bbox [x, y, width, height]: {flaw}"
        return _flaw_of_segmentation(row.get(OUTLINES), self.by_id[image].stated)


def _flaw_of_segmentation(outlines: Any, size: tuple[int, int] | None) -> str:
    """Return what is wrong with a segmentation: outlines, or a mask in run lengths; or ''."""
    if outlines is None:
        return ""
    if isinstance(outlines, dict):
        stated, counts = outlines.get("size"), outlines.get("counts")
        if not isinstance(stated, list) or find_flaw(stated, count=2):
            return "segmentation: an RLE mask needs a size [height, width]"
        if size is not None and stated != [size[1], size[0]]:
            return f"segmentation: the RLE mask is {stated[1]} x {stated[0]}, the image {size[0]} x {size[1]}"
        if isinstance(counts, str):
            return ""
        whole = isinstance(counts, list) and all(isinstance(one, int) and one >= 0 for one in counts)
        if not isinstance(counts, list) or not whole or sum(counts) != stated[0] * stated[1]:
            return f"segmentation: the RLE counts do not add up to {stated[0]} x {stated[1]} pixels"
        return ""
    if not isinstance(outlines, list):
        return f"segmentation: expected outlines or an RLE mask, got {outlines!r:.40}"
    for outline in outlines:
        flaw = find_flaw(outline, count=None)
        if flaw:
            return f"segmentation: {flaw}"
    return ""


def _stated(row: dict[str, Any]) -> tuple[int, int] | None:
    """Return the (width, height) that the file gives for an image, or None."""
    width, height = row.get("width"), row.get("height")
    good = all(isinstance(value, int) and 0 < value < 2**31 for value in (width, height))
    return (int(width), int(height)) if good else None  # type: ignore[arg-type]  # both are checked


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None
