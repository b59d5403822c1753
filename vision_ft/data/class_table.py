"""The class table of masks: which pixel value or colour is which class, and which is ignored."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from vision_ft.data.decode import open_regular, printable
from vision_ft.data.labels import shorten
from vision_ft.errors import DataError

Code = int | tuple[int, int, int]
IGNORED_NAMES = {"ignore", "ignored", "void", "unlabelled", "unlabeled"}
TABLE_NAMES = ("classes.csv", "class_dict.csv", "classes.txt", "label_colors.txt", "labels.txt", "labelmap.txt")
MAX_VALUE = 65535
BINARY_NAMES = ("background", "foreground")


@dataclass(frozen=True)
class ClassTable:
    """Pixel codes of the classes; a code is a value (0..65535) or an (R, G, B) colour, the same kind for all.

    Attributes:
        names: class names; the position is the class index.
        codes: the code of each class.
        ignored: codes of pixels that belong to no class.
        threshold: of soft masks, the share of white from which a pixel is of the class with the larger code.
    """

    names: tuple[str, ...]
    codes: tuple[Code, ...]
    ignored: tuple[Code, ...] = ()
    threshold: float | None = None

    @property
    def is_coloured(self) -> bool:
        """Whether the codes are colours."""
        return isinstance(self.codes[0], tuple)

    def as_meta(self) -> dict[str, Any]:
        """Return the codes as plain values for a sample table's metadata; the names are its classes."""
        codes = {"codes": [_plain(code) for code in self.codes], "ignored": [_plain(code) for code in self.ignored]}
        return codes | ({} if self.threshold is None else {"threshold": self.threshold})

    @classmethod
    def from_meta(cls, names: Sequence[str], meta: dict[str, Any]) -> ClassTable:
        """Return the table that `as_meta` wrote."""
        codes, ignored = (tuple(_code(code) for code in meta[key]) for key in ("codes", "ignored"))
        return cls(tuple(names), codes, ignored, meta.get("threshold"))


BINARY = ClassTable(BINARY_NAMES, (0, 255))
BINARY_ONE = ClassTable(BINARY_NAMES, (0, 1))


def soften(table: ClassTable, threshold: float) -> ClassTable:
    """Return the table for masks of grades between two classes.

    Raises:
        DataError: the table has not two classes of values, or ignores some.
    """
    if table.is_coloured or len(table.names) != 2 or table.ignored:
        raise DataError(
            f"data.mask_threshold: got {threshold}, which parts two classes; the class table has "
            f"{shorten(list(table.names))}{' and ignored values' if table.ignored else ''}"
            f"{' by colour' if table.is_coloured else ''}. Remove the threshold, or give two classes with values."
        )
    return replace(table, threshold=threshold)


def find_class_table(root: Path) -> Path | None:
    """Return the file with the class table in a folder, or None."""
    return next((root / name for name in TABLE_NAMES if (root / name).is_file()), None)


def read_class_table(file: Path) -> ClassTable:
    """Read a class table: a name a line (values 0, 1, 2 ...), 'value name', 'R G B name', or a CSV.

    A CSV has the columns name,value or name,r,g,b. Names such as "void" and "ignore" mark pixels of no class.

    Raises:
        DataError: a line that cannot be meant, or a code or name that is used twice.
    """
    with open_regular(file) as stream:
        text = stream.read().decode("utf-8-sig", "replace")
    rows = _csv_rows(text, file) if file.suffix.lower() == ".csv" else _text_rows(text, file)
    kinds = {isinstance(code, tuple) for _, code in rows}
    if len(kinds) != 1:
        what = "no class" if not kinds else "values and colours"
        raise DataError(f"{printable(file)}: holds {what}. Give each class one value, or each one colour.")
    for column, what in enumerate(("name", "code")):
        given = [str(row[column]) for row in rows if column or row[0].lower() not in IGNORED_NAMES]
        twice = sorted({one for one in given if given.count(one) > 1})
        if twice:
            raise DataError(f"{printable(file)}: the {what}s {shorten(twice)} are used twice.")
    kept = [(name, code) for name, code in rows if name.lower() not in IGNORED_NAMES]
    if not kept:
        raise DataError(f"{printable(file)}: all classes are ignored ones: {shorten([name for name, _ in rows])}.")
    ignored = tuple(code for name, code in rows if name.lower() in IGNORED_NAMES)
    return ClassTable(tuple(name for name, _ in kept), tuple(code for _, code in kept), ignored)


def class_table_csv(table: ClassTable) -> str:
    """Return the table as the CSV that `read_class_table` reads."""
    sink = io.StringIO()
    writer = csv.writer(sink, lineterminator="\n")
    writer.writerow(["name", "r", "g", "b"] if table.is_coloured else ["name", "value"])
    for name, code in [*zip(table.names, table.codes, strict=True), *(("ignore", code) for code in table.ignored)]:
        writer.writerow([name, *(code if isinstance(code, tuple) else (code,))])
    return sink.getvalue()


def _csv_rows(text: str, file: Path) -> list[tuple[str, Code]]:
    """Return (name, code) of each row of a CSV with a header."""
    lines = [row for row in csv.reader(io.StringIO(text)) if any(cell.strip() for cell in row)]
    header = [cell.strip().lower() for cell in lines[0]] if lines else []
    columns = next(
        (group for group in (["value"], ["r", "g", "b"], ["red", "green", "blue"]) if set(group) <= set(header)), None
    )
    if "name" not in header or columns is None:
        raise DataError(f"{printable(file)} line 1: expected the columns name,value or name,r,g,b; found are {header}.")
    rows = []
    for number, line in enumerate(lines[1:], start=2):
        if len(line) != len(header):
            raise DataError(f"{printable(file)} line {number}: expected {len(header)} values, got {len(line)}.")
        cells = dict(zip(header, (cell.strip() for cell in line), strict=True))
        rows.append((cells["name"], _parse_code([cells[name] for name in columns], file, number)))
    return rows


def _text_rows(text: str, file: Path) -> list[tuple[str, Code]]:
    """Return (name, code) of each line: 'name', 'value name' or 'R G B name'; '#' starts a comment."""
    lines = [(number, line.split("#")[0].split()) for number, line in enumerate(text.splitlines(), start=1)]
    lines = [(number, parts) for number, parts in lines if parts]
    rows: list[tuple[str, Code]] = []
    for number, parts in lines:
        digits = next((index for index, part in enumerate(parts) if not part.isdecimal()), len(parts))
        if digits in (1, 3) and len(parts) > digits:
            rows.append((" ".join(parts[digits:]), _parse_code(parts[:digits], file, number)))
        elif digits == 0:
            rows.append((" ".join(parts), len(rows)))
        else:
            raise DataError(f"{printable(file)} line {number}: expected 'name', 'value name' or 'R G B name'.")
    return rows


def _parse_code(cells: Sequence[str], file: Path, number: int) -> Code:
    """Return a value or a colour."""
    limit = MAX_VALUE if len(cells) == 1 else 255
    if not all(cell.isascii() and cell.isdecimal() and int(cell) <= limit for cell in cells):
        raise DataError(f"{printable(file)} line {number}: {list(cells)} is no code; expected are 0..{limit}.")
    return _code([int(cell) for cell in cells] if len(cells) > 1 else int(cells[0]))


def _code(code: Any) -> Code:
    return (int(code[0]), int(code[1]), int(code[2])) if isinstance(code, list | tuple) else int(code)


def _plain(code: Code) -> Any:
    return list(code) if isinstance(code, tuple) else code


def describe_codes(codes: Sequence[Code], limit: int = 10) -> str:
    """Return codes as text: the first ones and how many more."""
    shown = ", ".join(str(code) for code in codes[:limit])
    return shown if len(codes) <= limit else f"{shown} and {len(codes) - limit} more"
