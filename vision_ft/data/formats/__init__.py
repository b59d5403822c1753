"""Dataset formats: each reads a folder or an index file into a SampleTable."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, Protocol

from vision_ft.data.formats.recognise import recognise_file, recognise_folder
from vision_ft.data.images.decode import printable
from vision_ft.data.placement import Transfer
from vision_ft.data.table import SampleTable
from vision_ft.errors import DataError, did_you_mean
from vision_ft.plugins.registry import Registry
from vision_ft.types import Finding


class Reader(Protocol):
    """Reads a dataset; every format takes these options, its own come on top."""

    def __call__(
        self,
        root: Path,
        /,
        *,
        group_pattern: str | None = None,
        group_by: Sequence[str] | None = None,
        on_bad: Literal["fail", "drop"] = "fail",
    ) -> SampleTable:
        """Return the table of the dataset at `root`, or raise DataError."""


class Writer(Protocol):
    """Writes a dataset into a new or empty folder."""

    def __call__(self, table: SampleTable, root: Path, /, *, transfer: Transfer = "copy") -> list[Finding]:
        """Write images and annotations; return what the format cannot hold, or raise DataError."""


MODULES = {
    "imagefolder": "imagefolder",
    "csv": "csv.labels",
    "coco": "coco.read",
    "voc": "voc.read",
    "yolo": "yolo.read",
    "masks": "masks.read",
    "boxes_csv": "csv.boxes",
}
FORMATS: Registry[Reader] = Registry(
    "format",
    key="data.format",
    built_in={name: f"vision_ft.data.formats.{module}:read" for name, module in MODULES.items()},
)
WRITERS: Registry[Writer] = Registry(
    "written format", built_in={name: f"vision_ft.data.formats.{module}:write" for name, module in MODULES.items()}
)


def register_format(name: str, read: Reader) -> None:
    """Make a dataset format available as `data.format=name`.

    Args:
        name: in recipes; what lies in a folder is never taken for it by itself.
        read: gives the table of a dataset; `SampleTable.build` makes one.

    Raises:
        RecipeError: the name is taken.
    """
    FORMATS.register(name, read)


def detect(path: Path) -> str:
    """Return the format of a dataset by what lies at `path`; a folder without annotations is an image folder.

    Raises:
        DataError: nothing lies there, or a file of another kind.
    """
    if path.is_dir():
        return recognise_folder(path)
    if not path.exists():
        near = did_you_mean(path.name, (entry.name for entry in _siblings(path)))
        raise DataError(f"{printable(path)}: no such folder or file.{near}")
    name = recognise_file(path)
    if name is None:
        raise DataError(
            f"{printable(path)}: not a dataset. Give a folder of class folders, or a CSV file with the columns "
            "path,label; for boxes and masks a COCO file, a folder with data.yaml, or one of VOC or masks."
        )
    return name


def _siblings(path: Path) -> list[Path]:
    """Return what lies beside a path, to suggest a name."""
    parent = path.absolute().parent
    return sorted(parent.iterdir()) if parent.is_dir() else []
