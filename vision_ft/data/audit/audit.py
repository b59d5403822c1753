"""The audit: scan the images, check the set, and fail or drop what cannot be trained on.

The order in `train` is scan -> apply_policy -> split.assign -> check -> apply_policy. The source folder is only read.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import pyarrow as pa

from vision_ft.data.audit.boxes import BOX_ERRORS
from vision_ft.data.audit.check import check
from vision_ft.data.audit.phash import THUMB_SIDE, near_duplicate_clusters
from vision_ft.data.audit.record import Record, describe
from vision_ft.data.audit.scan import scan_records
from vision_ft.data.images.decode import MAX_PIXELS, printable
from vision_ft.data.kinds import KINDS
from vision_ft.data.table import SampleTable
from vision_ft.errors import DataError
from vision_ft.types import Finding

__all__ = ["apply_policy", "check", "scan"]

MEASURED_COLUMNS = ("width", "height", "brightness", "sharpness", "hash", "phash")
MAX_SHOWN = 10


def scan(
    table: SampleTable, *, quick: bool = True, workers: int = 1, max_pixels: int = MAX_PIXELS
) -> tuple[SampleTable, list[Finding]]:
    """Look at every image once and return the table with what was measured, and the findings about single images.

    The table gains `width`, `height` (px, upright), `brightness` (mean grey in [0, 1]), `sharpness` (variance of the
    Laplacian at 128 px), `hash` (of the file content), `phash` and `cluster` (equal for near-duplicates, else null).
    Unreadable images have nulls and an error finding. Results are cached by path, size and time of change.
    Boxes and masks are looked at besides, see `audit.boxes` and `audit.masks`; bad boxes are taken out of the table.

    Args:
        table: the samples.
        quick: False looks for mirrored copies besides.
        workers: threads.
        max_pixels: larger images count as broken.
    """
    records = scan_records(table, workers=workers, max_pixels=max_pixels)
    for name in MEASURED_COLUMNS:
        table = table.with_column(name, records.column(name))
    rows, hashes, thumbs = _hashed(records, "phash")
    cluster = np.full(len(table), -1, dtype=np.int64)
    found = near_duplicate_clusters(hashes, thumbs)
    cluster[rows[found >= 0]] = rows[found[found >= 0]]
    table = table.with_column("cluster", pa.array(cluster, mask=cluster < 0))
    findings = _describe_all(records)
    kind = KINDS[table.task]
    if kind.spatial:
        findings = [_doubt_turn(finding) for finding in findings]
    table, more = kind.scan(table, workers=workers)
    findings += more
    return table, findings if quick else findings + _mirrored_copies(table, records)


def apply_policy(
    table: SampleTable, findings: Sequence[Finding], on_bad: Literal["fail", "drop"], *, strict: bool = True
) -> SampleTable:
    """Return the table without the images that have an error finding, or refuse it.

    Errors about the whole set (no path) cannot be dropped and are raised. Of a bad box only the box goes, which the
    scan has done already. Without `strict` what cannot be dropped is left to the findings, and no image may be left.

    Raises:
        DataError: what is wrong, the first ten, their number and the way out.
    """
    errors = list(dict.fromkeys(finding for finding in findings if finding.level == "error"))
    about_set = [finding for finding in errors if not finding.path]
    if about_set and strict:
        raise DataError(f"{printable(table.root)}: " + " ".join(f"{one.kind}: {one.detail}" for one in about_set))
    if not errors:
        return table
    bad = {finding.path for finding in errors}
    if on_bad == "fail":
        shown = "".join(f"\n  {one.path}: {one.kind}: {one.detail}" for one in errors[:MAX_SHOWN])
        more = f"\n  and {len(errors) - MAX_SHOWN} more" if len(errors) > MAX_SHOWN else ""
        raise DataError(
            f"{printable(table.root)}: {len(bad)} of {len(table)} images cannot be trained on:{shown}{more}\n"
            "Mend or remove them, or leave them out with data.on_bad=drop."
        )
    bad = {finding.path for finding in errors if finding.kind not in BOX_ERRORS}
    keep = np.array([path not in bad for path in table.arrow.column("path").to_pylist()], dtype=bool)
    if strict and not keep.any():
        raise DataError(f"{printable(table.root)}: all {len(table)} images have errors; the first: {errors[0].detail}")
    return table.take(keep)


def _describe_all(records: pa.Table) -> list[Finding]:
    """Return the findings about single images, in table order."""
    columns = [column.to_pylist() for column in records.columns]
    return [finding for path, *values in zip(*columns, strict=True) for finding in describe(path, Record(*values))]


def _doubt_turn(finding: Finding) -> Finding:
    """Raise the remark that EXIF turned an image: its masks or boxes may be drawn on the unturned one."""
    if finding.kind != "exif-rotated":
        return finding
    doubt = " Its mask or boxes must lie on the image as it is shown: look at them."
    return Finding("warning", finding.kind, finding.path, finding.detail + doubt)


def _hashed(records: pa.Table, name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return (rows that have a hash, the hashes as uint64, their thumbnails (N, 256) uint8)."""
    rows = np.flatnonzero(records.column("phash").is_valid().to_numpy())
    usable = records.take(pa.array(rows))
    hashes = np.array([int(text, 16) for text in usable.column(name).to_pylist()], dtype=np.uint64)
    thumbs = np.frombuffer(b"".join(usable.column("thumb").to_pylist()), dtype=np.uint8)
    return rows, hashes, thumbs.reshape(len(rows), THUMB_SIDE * THUMB_SIDE)


def _mirrored_copies(table: SampleTable, records: pa.Table) -> list[Finding]:
    """Return a finding for each image that is another one mirrored left to right."""
    rows, hashes, thumbs = _hashed(records, "phash")
    _, mirrored, _ = _hashed(records, "phash_mirrored")
    flipped = thumbs.reshape(-1, THUMB_SIDE, THUMB_SIDE)[:, :, ::-1].reshape(thumbs.shape)
    num = len(rows)
    cluster = near_duplicate_clusters(np.concatenate([hashes, mirrored]), np.concatenate([thumbs, flipped]))
    first_of = np.full(2 * num, -1, dtype=np.int64)  # cluster -> its first image that is not mirrored
    upright = cluster[:num]
    first_of[upright[::-1]] = np.where(upright[::-1] >= 0, np.arange(num)[::-1], -1)
    findings = []
    for index in np.flatnonzero(cluster[num:] >= 0):
        original = first_of[cluster[num + index]]
        # a symmetric image is its own mirror image; each pair is told once, at its second image
        if 0 <= original < index and upright[index] != upright[original]:
            detail = f"looks like {table.relative_path(int(rows[original]))} mirrored left to right."
            findings.append(Finding("warning", "mirrored", table.relative_path(int(rows[index])), detail))
    return findings
