"""The class table of masks: which pixel value or colour is which class, and which is ignored."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from vision_ft.data.images.decode import open_regular, printable
from vision_ft.data.labels import shorten
from vision_ft.errors import DataError

Code = int | tuple[int, int, int]
IGNORED_NAMES = {"ignore", "ignored", "void", "unlabelled", "unlabeled"}
TABLE_NAMES = ("classes.csv", "class_dict.csv", "classes.txt", "label_colors.txt", "labels.txt", "labelmap.txt")
MAX_VALUE = 65535
BINARY_NAMES = ("background", "foreground")
_CVAT = re.compile("([^#:][^:]*):([0-9 ]+(?:,[0-9 ]+)+)(?::.*)?")


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
    """Read a class table: a text file of lines such as 'name', 'value name' and 'name:r,g,b::', or a CSV.

    Names without codes have the values 0, 1, 2 ... A CSV has the columns name,value or name,r,g,b. Names such as "void"
    and "ignore" mark pixels of no class.

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
    """Return (name, code) of each line, all written alike; '#' starts a comment.

    Lines are 'name', a value or R G B before or after the name, or CVAT's 'name:r,g,b:parts:actions'.
    """
    rows: list[tuple[str, Code]] = []
    first: tuple[int, str] | None = None
    for number, line in enumerate(text.splitlines(), start=1):
        where, shown, kept = f"{printable(file)} line {number}", f"{line.strip()!r:.60}", line.split("#")[0].strip()
        cvat = _CVAT.fullmatch(line.strip()) or _CVAT.fullmatch(kept)  # a name of CVAT may hold #
        if (cvat is not None and cvat[2].count(",") != 2) or (cvat is None and "::" in kept):
            raise DataError(f"{where}: {shown} has no colour; expected is name:r,g,b:parts:actions.")
        if cvat is None and not kept:
            continue
        style, name, cells = _split_line(kept.split(), where) if cvat is None else ("name:r,g,b", *_split_cvat(cvat))
        first = first or (number, style)
        if style.replace("R G B", "value") != first[1].replace("R G B", "value"):
            raise DataError(
                f"{where}: {shown} is written as {style!r}, line {first[0]} as {first[1]!r}. Write all lines alike, or "
                "name,value into classes.csv."
            )
        rows.append((name, _parse_code(cells, file, number) if cells else len(rows)))
    return rows


def _split_cvat(line: re.Match[str]) -> tuple[str, Sequence[str]]:
    return line[1].strip(), [cell.strip() for cell in line[2].split(",")]


def _split_line(parts: Sequence[str], where: str) -> tuple[str, str, Sequence[str]]:
    """Return how a line of a text file is written, the name in it, and the cells of its code ([] for none)."""
    line = " ".join(parts)
    before = next((index for index, part in enumerate(parts) if not part.isdecimal()), len(parts))
    after = next((index for index, part in enumerate(reversed(parts)) if not part.isdecimal()), len(parts))
    if before and after and before < len(parts):
        raise DataError(
            f"{where}: {line!r:.60} has a number at both ends, and either may be the code. Write name,value or "
            "name,r,g,b into classes.csv."
        )
    if not before and not after:
        return "name", line, []
    if before in (1, 3) and not after:
        return "value name" if before == 1 else "R G B name", " ".join(parts[before:]), parts[:before]
    if after in (1, 3) and not before:
        return "name value" if after == 1 else "name R G B", " ".join(parts[:-after]), parts[-after:]
    raise DataError(
        f"{where}: expected 'name', 'value name', 'name value', 'R G B name' or 'name R G B', got {line!r:.60}."
    )


def _parse_code(cells: Sequence[str], file: Path, number: int) -> Code:
    """Return a value or a colour."""
    limit = MAX_VALUE if len(cells) == 1 else 255
    # the length first: Python refuses to read whole numbers of some thousand digits
    if not all(cell.isascii() and cell.isdecimal() and len(cell) < 10 and int(cell) <= limit for cell in cells):
        raise DataError(f"{printable(file)} line {number}: {shorten(cells)} is no code; expected are 0..{limit}.")
    return _code([int(cell) for cell in cells] if len(cells) > 1 else int(cells[0]))


def _code(code: Any) -> Code:
    return (int(code[0]), int(code[1]), int(code[2])) if isinstance(code, list | tuple) else int(code)


def _plain(code: Code) -> Any:
    return list(code) if isinstance(code, tuple) else code


def describe_codes(codes: Sequence[Code], limit: int = 10) -> str:
    """Return codes as text: the first ones and how many more."""
    shown = ", ".join(str(code) for code in codes[:limit])
    return shown if len(codes) <= limit else f"{shown} and {len(codes) - limit} more"
