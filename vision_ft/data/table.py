"""SampleTable: the one internal form of any dataset, an Arrow table with one row per image."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import weakref
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from vision_ft.data.names import escape_name, unescape_name
from vision_ft.errors import DataError
from vision_ft.files import atomic_path
from vision_ft.types import DEFAULT_TASK, SPLITS, UNLABELLED, ClassSpace, Finding, Task

FORMAT_VERSION = 1
METADATA_KEY = b"vision_ft"
REQUIRED_COLUMNS = ("path", "label", "split", "group")
PATH_COLUMNS = ("path", "mask")  # files of the data folder
ANNOTATION_COLUMNS = ("boxes", "box_labels", "polygons", "iscrowd", "difficult", "mask", "labels")  # of other tasks
MASK_HASH = "mask_hash"  # of what the mask's file holds; the audit adds it
LEAVES_ROOT = r"^/|(^|/)\.\.(/|$)"  # a path that a table may not hold: absolute, or with a `..` part


class SampleTable:
    """An immutable table of images; every change gives a new table.

    Columns: `path` (relative to the root, `/` between parts, see `names.py` for bytes that are not UTF-8), `label`
    (int32 index into `classes`, -1 = unlabelled), `split` (train, val, test or null), `group` (or null); the audit
    adds size, brightness, sharpness and hashes, and other tasks add columns of their own.

    Attributes:
        arrow: the columns.
        root: absolute folder that the paths start from.
        classes: names of the label indices.
        task: what the labels are for.
        remarks: what the reader saw and did not refuse, such as ignored files; not written to disk.
        meta: plain values that belong to the whole set, such as the class table of masks; written to disk.
    """

    def __init__(
        self,
        arrow: pa.Table,
        *,
        root: Path,
        classes: ClassSpace,
        task: Task,
        remarks: Sequence[Finding] = (),
        meta: Mapping[str, Any] | None = None,
    ) -> None:
        missing = [name for name in REQUIRED_COLUMNS if name not in arrow.column_names]
        if missing:
            raise DataError(f"{root}: the sample table has no column {missing}; it has {arrow.column_names}.")
        self.arrow = arrow.combine_chunks()
        self.root = Path(root).absolute()
        self.classes = classes
        self.task = task
        self.remarks = tuple(remarks)
        self.meta = dict(meta or {})
        self._spilled: str | None = None
        self._refuse_escaping_paths()
        self._refuse_wrong_labels()

    @classmethod
    def build(  # noqa: PLR0913 - one argument a column
        cls,
        *,
        root: Path,
        paths: Sequence[str] | pa.Array,
        labels: Sequence[int] | npt.NDArray[np.integer[Any]],
        classes: ClassSpace,
        splits: Sequence[str | None] | None = None,
        groups: Sequence[str | None] | None = None,
        task: Task = DEFAULT_TASK,
        extra: Mapping[str, pa.Array] | None = None,
        remarks: Sequence[Finding] = (),
        meta: Mapping[str, Any] | None = None,
    ) -> SampleTable:
        """Build a table from plain columns; `paths` are names as the os module gives them, relative to `root`."""
        if not isinstance(paths, pa.Array):
            paths = pa.array([escape_name(path) for path in paths], pa.string())
        nulls = pa.nulls(len(paths), pa.string())
        columns = {
            "path": paths,
            "label": pa.array(np.asarray(labels, dtype=np.int32)),
            "split": nulls if splits is None else pa.array(splits, pa.string()),
            "group": nulls if groups is None else pa.array(groups, pa.string()),
            **(extra or {}),
        }
        return cls(pa.table(columns), root=Path(root), classes=classes, task=task, remarks=remarks, meta=meta)

    def __len__(self) -> int:
        return int(self.arrow.num_rows)

    def relative_path(self, row: int) -> str:
        """Return the image's path as the table stores it: valid UTF-8, `/` between parts."""
        return cast(str, self.arrow.column("path")[row].as_py())

    def path(self, row: int) -> Path:
        """Return the image's file, with the very bytes of its name."""
        return self.root / unescape_name(self.relative_path(row))

    def label(self, row: int) -> int:
        """Return the class index of a row, -1 when unlabelled."""
        return int(self.labels[row])

    @cached_property
    def labels(self) -> npt.NDArray[np.int32]:
        """Class index of each row, -1 when unlabelled; a view into the table."""
        return cast("npt.NDArray[np.int32]", self._numpy("label"))

    @cached_property
    def splits(self) -> npt.NDArray[np.object_]:
        """Split name of each row, or None; not to be written to."""
        return cast("npt.NDArray[np.object_]", self._numpy("split"))

    @cached_property
    def groups(self) -> npt.NDArray[np.object_] | None:
        """Group name of each row (or None in it), or None when no image has a group; not to be written to."""
        if self.arrow.column("group").null_count == len(self):
            return None
        return cast("npt.NDArray[np.object_]", self._numpy("group"))

    def rows(self, split: str) -> npt.NDArray[np.int64]:
        """Return the row numbers of a split, in table order."""
        if split not in SPLITS:
            raise DataError(f"split {split!r} is not one of {', '.join(SPLITS)}.")
        hits = pc.fill_null(pc.equal(self.arrow.column("split"), split), False)
        return np.flatnonzero(hits.to_numpy()).astype(np.int64)

    def with_column(self, name: str, values: Any) -> SampleTable:
        """Return a table where `values` (one a row) is column `name`, added or replaced."""
        kind = self.arrow.schema.field(name).type if name in REQUIRED_COLUMNS else None
        column = values if isinstance(values, pa.Array | pa.ChunkedArray) else pa.array(values, kind)
        position = self.arrow.column_names.index(name) if name in self.arrow.column_names else -1
        if position < 0:
            return self._replace(self.arrow.append_column(name, column))
        return self._replace(self.arrow.set_column(position, name, column))

    def take(self, rows: Sequence[int] | npt.NDArray[Any]) -> SampleTable:
        """Return a table of the given rows, in the given order; a boolean array keeps the true ones."""
        chosen = np.asarray(rows)
        chosen = np.flatnonzero(chosen) if chosen.dtype == bool else chosen.astype(np.int64)
        return self._replace(self.arrow.take(pa.array(chosen)))

    def fingerprint(self) -> str:
        """Return a hash of what training reads: image contents (paths before the audit), labels, splits, classes."""
        digest = hashlib.blake2b(json.dumps(self.classes.names).encode(), digest_size=16)
        content = "hash" if "hash" in self.arrow.column_names else "path"
        for name in (content, "split"):
            digest.update("\n".join(value or "" for value in self.arrow.column(name).to_pylist()).encode())
        digest.update(self.labels.astype("<i4").tobytes())
        for name in (
            *ANNOTATION_COLUMNS,
            MASK_HASH,
            *(one for one in self.arrow.column_names if one.startswith("label:")),
        ):
            if name in self.arrow.column_names:
                digest.update(json.dumps([name, self.arrow.column(name).to_pylist()]).encode())
        return digest.hexdigest()

    def write(self, file: Path) -> None:
        """Write the table as Parquet; a reader sees the old file or the whole new one."""
        about = {
            "format_version": FORMAT_VERSION,
            "root": escape_name(os.fspath(self.root)),
            "classes": list(self.classes.names),
            "task": self.task,
        } | ({"meta": self.meta} if self.meta else {})
        table = self.arrow.replace_schema_metadata({METADATA_KEY: json.dumps(about)})
        # files are opened here because Arrow itself takes no folder name that is not UTF-8
        with atomic_path(file) as temporary, temporary.open("wb") as sink:
            pq.write_table(table, sink, compression="zstd")

    @classmethod
    def read(cls, file: Path, root: Path | None = None) -> SampleTable:
        """Read a table that `write` wrote; `root` tells where the images lie now if they moved.

        Raises:
            DataError: the file is absent, cut, damaged, of another program or of a newer version.
        """
        try:
            with Path(file).open("rb") as source:
                arrow = pq.read_table(source)
        except FileNotFoundError as err:
            raise DataError(f"{file}: no such file; train writes it as data.parquet into the run folder.") from err
        except (OSError, pa.ArrowException) as err:
            raise DataError(f"{file}: not a sample table, or cut or damaged ({err}). Run train again.") from err
        about = _read_metadata(arrow, file)
        folder = Path(unescape_name(about["root"])) if root is None else root
        classes = ClassSpace(tuple(about["classes"]))
        bare = arrow.replace_schema_metadata()
        return cls(bare, root=folder, classes=classes, task=about["task"], meta=about.get("meta"))

    def __getstate__(self) -> dict[str, Any]:
        """Spill the columns to a file once, so that a spawned worker maps them instead of receiving a copy."""
        if self._spilled is None:
            self._spilled = _spill(self.arrow)
            weakref.finalize(self, _remove_own, self._spilled, os.getpid())
        return {
            "spilled": self._spilled,
            "root": self.root,
            "classes": self.classes,
            "task": self.task,
            "remarks": self.remarks,
            "meta": self.meta,
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        try:
            with pa.memory_map(state["spilled"]) as source:
                self.arrow = pa.ipc.open_file(source).read_all()
        except FileNotFoundError as err:
            raise DataError(
                f"{state['spilled']}: a pickled sample table lives only as long as the process that pickled it. "
                "Use write() and read() to keep it."
            ) from err
        self.root, self.classes, self.task = state["root"], state["classes"], state["task"]
        self.remarks, self.meta, self._spilled = state["remarks"], state["meta"], state["spilled"]

    def _numpy(self, name: str) -> npt.NDArray[Any]:
        """Return a column as numpy; numbers without nulls are not copied."""
        values = self.arrow.column(name).to_numpy()
        if values.dtype == object:  # cached and handed out; torch, which warns of read-only arrays, takes numbers only
            values.setflags(write=False)
        return cast("npt.NDArray[Any]", values)

    def _replace(self, arrow: pa.Table) -> SampleTable:
        """Return a table with other columns and the same root, classes, task and remarks."""
        return SampleTable(
            arrow, root=self.root, classes=self.classes, task=self.task, remarks=self.remarks, meta=self.meta
        )

    def _refuse_escaping_paths(self) -> None:
        """Refuse paths that leave the root: a table may come from another machine."""
        for name in PATH_COLUMNS:
            if name not in self.arrow.column_names:
                continue
            hits = pc.fill_null(pc.match_substring_regex(self.arrow.column(name), LEAVES_ROOT), False)
            if pc.any(hits).as_py():
                row = int(np.flatnonzero(hits.to_numpy())[0])
                raise DataError(
                    f"row {row}: {name} {self.arrow.column(name)[row].as_py()!r} leaves the data folder {self.root}. "
                    "Paths must be relative to it and without '..'."
                )

    def _refuse_wrong_labels(self) -> None:
        """Refuse labels that no class has."""
        if len(self) and not (self.labels.min() >= UNLABELLED and self.labels.max() < len(self.classes)):
            row = int(np.flatnonzero((self.labels < UNLABELLED) | (self.labels >= len(self.classes)))[0])
            raise DataError(
                f"{self.relative_path(row)}: label {self.label(row)}, but the {len(self.classes)} classes are numbered "
                f"0..{len(self.classes) - 1} (-1 = unlabelled)."
            )


def _read_metadata(arrow: pa.Table, file: Path) -> dict[str, Any]:
    """Return what `write` stored beside the columns."""
    try:
        about = json.loads((arrow.schema.metadata or {})[METADATA_KEY])
        version = about["format_version"]
        complete = {"root", "classes", "task"} <= set(about)
    except (KeyError, ValueError, TypeError) as err:
        raise DataError(f"{file}: a Parquet file, but not a sample table written by vision-ft.") from err
    if version > FORMAT_VERSION or not complete:
        raise DataError(
            f"{file}: written in format version {version} by another vision-ft; this one reads up to "
            f"version {FORMAT_VERSION}. Update vision-ft, or run train again."
        )
    return cast("dict[str, Any]", about)


def _spill(arrow: pa.Table) -> str:
    """Write the columns to a temporary Arrow IPC file, which other processes can map."""
    handle, name = tempfile.mkstemp(prefix="vision-ft-", suffix=".arrow")
    os.close(handle)
    with pa.OSFile(name, "wb") as sink, pa.ipc.new_file(sink, arrow.schema) as writer:
        writer.write_table(arrow)
    return name


def _remove_own(file: str, owner: int) -> None:
    """Remove a spilled table, unless this is a forked child of the process that owns it."""
    if os.getpid() == owner:
        Path(file).unlink(missing_ok=True)
