"""An index file opened: its columns, paths below the root, splits, and errors that name the lines."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from vision_ft.data.images.decode import printable
from vision_ft.data.labels import SPLIT_BY_NAME
from vision_ft.data.reading.csv_text import MAX_LINES_SHOWN, CsvText
from vision_ft.errors import DataError, did_you_mean


@dataclass(frozen=True)
class Index:
    """The file and the columns that are read from it; a cell is a position in each row."""

    file: Path
    root: Path
    text: CsvText

    def column(self, name: str | None) -> list[str] | None:
        """Return the stripped values of a column, or None for no column."""
        if name is None:
            return None
        position = self.text.header.index(name)
        return [row[position].strip() for row in self.text.rows]

    def find(self, option: str, asked: str | None) -> str | None:
        """Return the column's name as the file writes it; without a wish the option's own name, None where absent.

        Raises:
            DataError: a column that was asked for is not there.
        """
        wanted = asked or option.removesuffix("_column")
        by_lower = {name.lower(): name for name in self.text.header}
        name = wanted if wanted in self.text.header else by_lower.get(wanted.lower())
        if name is None and asked:
            raise DataError(
                f"{printable(self.file)} line 1: no column {wanted!r}; found are {self.text.header}."
                f"{did_you_mean(wanted, self.text.header)} Name the column with data.{option}=..."
            )
        return name

    def fail(self, hits: Sequence[tuple[int, str]], fix: str) -> DataError:
        """Return an error that lists (row, complaint) with line numbers, the first ten of them."""
        listed = "; ".join(f"line {self.text.lines[row]}: {one_line(what)}" for row, what in hits[:MAX_LINES_SHOWN])
        more = f"; and {len(hits) - MAX_LINES_SHOWN} more" if len(hits) > MAX_LINES_SHOWN else ""
        return DataError(f"{printable(self.file)} {listed}{more}. {fix}")


def one_line(text: str) -> str:
    """Return text that fits on one line of a message and can be printed."""
    return printable(text.replace("\n", "\\n").replace("\r", "\\r"))


def relative_paths(index: Index, cells: Sequence[str]) -> list[str]:
    """Return the paths relative to the root, written one way only; none may leave the root."""
    root = os.path.abspath(index.root)  # noqa: PTH100 - plain text, for a million rows
    wrong: list[tuple[int, str]] = []
    paths = []
    for row, cell in enumerate(cells):
        path = _relative(cell, root)
        if not cell:
            wrong.append((row, "no path"))
        elif path.startswith("../") or path in ("..", "."):
            wrong.append((row, f"path {cell!r} leaves the data folder, or is no file in it"))
        paths.append(path)
    if wrong:
        raise index.fail(wrong, f"Paths start from {printable(root)} and may not leave it.")
    return paths


def _relative(cell: str, root: str) -> str:
    """Return a path relative to `root` without `.`, `..` and doubled slashes; links are not followed."""
    if "\\" in cell and not os.path.lexists(os.path.join(root, cell)):  # noqa: PTH110, PTH118 - plain text
        cell = cell.replace("\\", "/")  # written on Windows
    if cell.startswith("/"):
        return os.path.relpath(cell, root)
    return os.path.normpath(cell)


def checked_splits(index: Index, cells: list[str] | None) -> list[str | None] | None:
    """Return train, val, test or None (an empty cell: to be assigned) for each row."""
    if cells is None:
        return None
    wrong = [(row, f"split {cell!r}") for row, cell in enumerate(cells) if cell and cell.lower() not in SPLIT_BY_NAME]
    if wrong:
        raise index.fail(wrong, f"Known are {', '.join(SPLIT_BY_NAME)}, or an empty cell for an image to be assigned.")
    return [SPLIT_BY_NAME[cell.lower()] if cell else None for cell in cells]


def is_regular(path: str) -> bool:
    """Whether a path is a file that can be read to its end; devices and pipes are not."""
    try:
        return stat.S_ISREG(os.stat(path).st_mode)  # noqa: PTH116 - plain text, for a million rows
    except (OSError, ValueError):
        return False
