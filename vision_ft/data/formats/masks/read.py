"""Mask folders: images and, for each, an image whose pixel values or colours are classes."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Any, Literal

import numpy as np
import pyarrow as pa
from PIL import Image

from vision_ft.data.boxes import Complaints
from vision_ft.data.class_table import (
    BINARY,
    BINARY_ONE,
    ClassTable,
    class_table_csv,
    describe_codes,
    find_class_table,
    read_class_table,
    soften,
)
from vision_ft.data.formats.masks.pairs import Pairs, find_pairs
from vision_ft.data.images.decode import ImageError, printable
from vision_ft.data.masks import read_codes, read_mask
from vision_ft.data.names import escape_name, unescape_name
from vision_ft.data.placement import (
    Transfer,
    find_losses,
    open_target,
    place_file,
    place_pictures,
    require_format,
    short_names,
)
from vision_ft.data.reading.patterns import compile_pattern
from vision_ft.data.reading.walk import walk
from vision_ft.data.table import SampleTable
from vision_ft.errors import DataError
from vision_ft.files import write_atomic
from vision_ft.types import SEGMENTATION, UNLABELLED, ClassSpace

MASKS_PEEKED = 20  # of a set without a class table; the audit reads them all


def read(
    source: Path,
    *,
    class_table: Path | None = None,
    mask_threshold: float | None = None,
    group_pattern: str | None = None,
    group_by: Sequence[str] | None = None,
    on_bad: Literal["fail", "drop"] = "fail",
    unlabelled: bool = False,
) -> SampleTable:
    """Read images and masks of the same name into a segmentation table.

    Understood are images/ beside masks/ (also below train/, val/ and test/, or with these below), JPEGImages/ beside
    SegmentationClass/, train/ beside trainannot/, and lists train.txt, val.txt and test.txt of images, names or
    'image mask' lines. The column `mask` holds each mask's path, `meta["masks"]` the codes of the classes.

    Args:
        source: the folder; it is only read.
        class_table: file with the classes and their values or colours; by default classes.csv, class_dict.csv or
            classes.txt in the folder. Without any, masks of 0 and 255, or 0 and 1, are background and foreground.
        mask_threshold: of soft masks, the share of white from which a pixel is foreground.
        group_pattern: takes the group of each image from its path.
        group_by: fields of the pattern that make the group.
        on_bad: "drop" leaves out images without a mask, "fail" refuses.
        unlabelled: whether images may lack a mask; they are kept, and `mask` is null.

    Raises:
        DataError: no pair, or a class table that is missing or cannot be meant.
    """
    source = Path(source)
    if not source.is_dir():
        raise DataError(f"{printable(source)}: give the folder that holds the images and the masks.")
    walked = walk(source)
    pairs = find_pairs(source, walked.pictures)
    complaints = Complaints(source, on_bad)
    for path in () if unlabelled else pairs.bare:
        complaints.add(path, printable(path), "has no mask of its name")
    for path, reason in sorted(pairs.unclear.items()):
        complaints.add(path, printable(path), reason)
    remarks = complaints.settle("Add the masks or remove the images")
    if not pairs.masks:
        raise DataError(
            f"{printable(source)}: no image with a mask found. Expected are images/ and masks/ with files of the "
            "same name, or train/ and trainannot/."
        )
    masked = sorted(pairs.masks)
    paths = sorted([*masked, *(pairs.bare if unlabelled else ())])
    table_file = Path(class_table) if class_table is not None else find_class_table(source)
    classes = _choose_table(source, table_file, mask_threshold, [pairs.masks[one] for one in masked])
    groups = None
    if group_pattern is not None:
        groups, _ = compile_pattern(group_pattern, group_by=group_by).match([escape_name(path) for path in paths])
    return SampleTable.build(
        root=source,
        paths=paths,
        labels=[UNLABELLED] * len(paths),
        classes=ClassSpace(classes.names),
        splits=_splits(pairs, paths),
        groups=groups,
        task=SEGMENTATION,
        extra={"mask": pa.array([_mask_of(pairs, path) for path in paths], pa.string())},
        remarks=[*walked.remarks, *pairs.remarks, *remarks],
        meta={"masks": classes.as_meta()},
    )


def _mask_of(pairs: Pairs, path: str) -> str | None:
    return escape_name(pairs.masks[path]) if path in pairs.masks else None


def _splits(pairs: Pairs, paths: Sequence[str]) -> list[str | None] | None:
    return [pairs.splits.get(path) for path in paths] if pairs.splits else None


def _choose_table(root: Path, file: Path | None, threshold: float | None, masks: Sequence[str]) -> ClassTable:
    """Return the class table of a file, or the one that masks without a file can have."""
    if threshold is not None:
        return soften(read_class_table(file) if file else BINARY, threshold)
    return read_class_table(file) if file else _infer_table(root, masks)


def _infer_table(root: Path, masks: Sequence[str]) -> ClassTable:
    """Return the table of binary masks; any others need a file.

    Raises:
        DataError: the first masks hold other values than 0 and 255, or 0 and 1.
    """
    found: set[int] = set()
    chosen = np.unique(np.linspace(0, len(masks) - 1, MASKS_PEEKED).astype(int))
    for position in chosen:
        try:
            codes: Any = read_codes(root / masks[position], coloured=False)
        except ImageError as err:
            if err.kind == "mask-colours":
                raise
            continue  # the audit says it
        found |= set(np.unique(codes).tolist())
    if found <= {0, 1}:
        return BINARY_ONE
    if found <= {0, 255}:
        return BINARY
    raise DataError(
        f"{printable(root)}: the masks hold the values {describe_codes(sorted(found), limit=20)}, and no class table "
        "says what they are. Put classes.csv with the columns name,value (or name,r,g,b for colours) beside them, or "
        "name the file with data.class_table. For grades between background and foreground set data.mask_threshold=0.5."
    )


def class_table_of(table: SampleTable) -> ClassTable:
    """Return the codes of a segmentation table's classes.

    Raises:
        DataError: the table has none.
    """
    if "masks" not in table.meta:
        raise DataError(f"{printable(table.root)}: the sample table has no class table for its masks.")
    return ClassTable.from_meta(table.classes.names, table.meta["masks"])


def write(table: SampleTable, root: Path, *, transfer: Transfer = "copy") -> list[Any]:
    """Write images/, masks/ (with folders of the splits) and classes.csv into a new folder.

    Raises:
        DataError: the table holds no masks, a file is absent, or the folder holds something.
    """
    require_format(table, "masks", name="a mask folder")
    root, names = open_target(root), short_names(table)
    names = [f"{split}/{name}" if split else name for split, name in zip(table.splits, names, strict=True)]
    place_pictures(table, root / "images", names, transfer=transfer)
    codes = class_table_of(table)
    for mask, name in zip(table.arrow.column("mask").to_pylist(), names, strict=True):
        source, target = table.root / unescape_name(mask), root / "masks" / PurePosixPath(name)
        if codes.threshold is None:
            place_file(source, target.with_suffix(PurePosixPath(mask).suffix), transfer)
        else:
            _write_hard(source, target.with_suffix(".png"), codes)
    write_atomic(root / "classes.csv", class_table_csv(codes).encode())
    return find_losses(table, held=("open-splits",))


def _write_hard(source: Path, target: Path, codes: ClassTable) -> None:
    """Write a soft mask as the values of its classes."""
    values = np.array(codes.codes, dtype=np.uint16)[read_mask(source, codes)]
    sink = io.BytesIO()
    Image.fromarray(values if values.max(initial=0) > 255 else values.astype(np.uint8)).save(sink, "PNG")
    target.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(target, sink.getvalue())
