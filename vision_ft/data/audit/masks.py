"""The audit of masks: unreadable, lossy, of another size, with unknown values, wholly ignored."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from vision_ft.data.audit.presence import check_presence
from vision_ft.data.class_table import ClassTable
from vision_ft.data.images.decode import ImageError
from vision_ft.data.masks import read_mask
from vision_ft.data.names import unescape_name
from vision_ft.data.strata import count_pixels
from vision_ft.data.table import MASK_HASH, SampleTable
from vision_ft.types import Finding

Counts = npt.NDArray[np.int64]
Measured = tuple[Counts, str]  # pixels of each class and ignored ones, and a hash of the class indices


def scan_masks(table: SampleTable, *, workers: int) -> tuple[SampleTable, list[Finding]]:
    """Read every mask once and return the table with `class_pixels` and `mask_hash`, and the findings.

    `class_pixels` holds, for each image, the number of pixels of each class, and of ignored ones last; null where
    the mask cannot be used or is not there. `mask_hash` tells masks apart by what they say, not by their files. The
    table needs the columns `width` and `height` of the scan.
    """
    codes = ClassTable.from_meta(table.classes.names, table.meta["masks"])
    masks = table.arrow.column("mask").to_pylist()
    sizes = zip(*(table.arrow.column(name).to_pylist() for name in ("width", "height")), strict=True)

    def one(task: tuple[str, str | None, tuple[int | None, int | None]]) -> tuple[Measured | None, Finding | None]:
        path, mask, size = task
        if mask is None:
            return None, None
        try:
            return _measure(table, mask, codes, size)
        except ImageError as err:
            kind = err.kind if err.kind.startswith("mask-") else f"mask-{err.kind}"
            return None, Finding("error", kind, path, f"{mask}: {err.reason}")

    paths = table.arrow.column("path").to_pylist()
    tasks = zip(paths, masks, sizes, strict=True)
    with ThreadPoolExecutor(max(1, workers)) as pool:
        results = list(pool.map(one, tasks))
    findings = []
    for path, mask, (measured, finding) in zip(paths, masks, results, strict=True):
        if finding is not None:
            findings.append(Finding(finding.level, finding.kind, path, finding.detail))
        elif measured is not None and measured[0][-1] == measured[0].sum():
            detail = f"{mask}: every pixel is ignored; nothing can be learnt from it."
            findings.append(Finding("warning", "mask-all-ignored", path, detail))
    counts = [None if measured is None else measured[0].tolist() for measured, _ in results]
    hashes = [None if measured is None else measured[1] for measured, _ in results]
    table = table.with_column("class_pixels", pa.array(counts, pa.list_(pa.int64())))
    return table.with_column(MASK_HASH, pa.array(hashes, pa.string())), findings


def check_masks(table: SampleTable) -> Iterator[Finding]:
    """Find classes without a pixel, and sets where the ignored value seems to be the object."""
    if "class_pixels" not in table.arrow.column_names:
        return
    pixels = count_pixels(table)
    if len(table.classes) < 2:
        detail = (
            f"the class table has the one class {table.classes.names[0]!r}, so there is nothing to tell apart. Ignored "
            "pixels are no background: give it a class of its own, such as 'background,0'."
        )
        yield Finding("error", "one-class", "", detail)
    yield from check_presence(table, pixels[:, :-1] > 0, what="pixel")
    totals = pixels.sum(axis=0)
    if len(table.classes) > 1 and totals[-1] and totals[0] and not totals[1:-1].any():
        detail = (
            f"all masks hold only {table.classes.names[0]!r} and ignored pixels: are those the object (a 0/255 mask)? "
            "Then give the value to a class in the class table."
        )
        yield Finding("warning", "mask-binary", "", detail)


def _measure(
    table: SampleTable, mask: str, codes: ClassTable, size: tuple[int | None, int | None]
) -> tuple[Measured | None, Finding | None]:
    """Return (what is measured of the mask, None), or (None, why it cannot be used)."""
    indices = read_mask(table.root / unescape_name(mask), codes)
    height, width = indices.shape
    if size[0] is not None and (width, height) != size:
        turned = " The sides are swapped: was the image turned (EXIF)?" if (height, width) == size else ""
        detail = f"{mask} is {width} x {height} px, its image {size[0]} x {size[1]}; they must be equal.{turned}"
        return None, Finding("error", "mask-size", mask, detail)
    counts = np.bincount(indices.ravel() + 1, minlength=len(codes.names) + 1)
    digest = hashlib.blake2b(repr(indices.shape).encode(), digest_size=16)
    digest.update(np.ascontiguousarray(indices, dtype="<i2").tobytes())  # there are 255 classes at most
    return (np.append(counts[1:], counts[0]).astype(np.int64), digest.hexdigest()), None
