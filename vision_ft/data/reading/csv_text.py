"""A CSV file as rows with line numbers, whatever its encoding and delimiter."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from vision_ft.data.images.decode import open_regular, printable
from vision_ft.errors import DataError

DELIMITERS = (",", ";", "\t")  # comma; what Excel writes where the comma is a decimal sign; tab
MAX_LINES_SHOWN = 10


@dataclass(frozen=True)
class CsvText:
    """The content of a CSV file.

    Attributes:
        header: column names, stripped.
        rows: cells of each row, as many as the header has.
        lines: 1-based line of the file that each row starts on.
    """

    header: list[str]
    rows: list[list[str]]
    lines: list[int]


def read_csv_text(file: Path) -> CsvText:
    """Read a CSV file: UTF-8 or UTF-16, separated by comma, semicolon or tab, any line ends.

    Raises:
        DataError: the file is empty, has no row, a NUL byte, a doubled column, or rows of another length; with lines.
    """
    text = _decode_text(file)
    if not text.strip():
        raise DataError(
            f"{printable(file)}: the file is empty. Expected is a header line path,label and a row per image."
        )
    if "\0" in text:
        lines = [number for number, line in enumerate(text.split("\n"), start=1) if "\0" in line]
        raise DataError(f"{printable(file)}: NUL byte on {say_lines(lines)}. Save it as UTF-8 text.")
    rows, lines = _parse(text, file)
    header = [name.strip() for name in rows[0]]
    doubled = sorted({name for name in header if header.count(name) > 1})
    if doubled:
        raise DataError(f"{printable(file)} line {lines[0]}: column {doubled} is written twice. Rename or remove one.")
    if len(rows) == 1:
        raise DataError(f"{printable(file)}: 0 rows below the header {header}. Expected is a row per image.")
    ragged = [line for row, line in zip(rows, lines, strict=True) if len(row) != len(header)]
    if ragged:
        raise DataError(
            f"{printable(file)}: {say_lines(ragged)}: expected {len(header)} values ({', '.join(header)}), got another "
            "number. Put values that hold the delimiter into double quotes."
        )
    return CsvText(header, rows[1:], lines[1:])


def say_lines(lines: Sequence[int]) -> str:
    """Return 'line 6', 'lines 6, 7', or the first ones and how many more."""
    shown = ", ".join(str(line) for line in lines[:MAX_LINES_SHOWN])
    more = f" and {len(lines) - MAX_LINES_SHOWN} more" if len(lines) > MAX_LINES_SHOWN else ""
    return f"line {shown}" if len(lines) == 1 else f"lines {shown}{more}"


def _decode_text(file: Path) -> str:
    """Return the file's text; bytes that are not UTF-8 stay as surrogate escapes, since they may be file names."""
    with open_regular(file) as stream:
        content = stream.read()
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):  # Excel's "Unicode text"
        try:
            return content.decode("utf-16")
        except UnicodeDecodeError as err:
            raise DataError(f"{printable(file)}: damaged UTF-16 text ({err.reason}). Save it as UTF-8.") from err
    return content.decode("utf-8-sig", "surrogateescape")


def _parse(text: str, file: Path) -> tuple[list[list[str]], list[int]]:
    """Return all non-empty rows, the header first, and the line that each starts on."""
    first_line = next(line for line in text.splitlines() if line.strip())
    delimiter = max(DELIMITERS, key=first_line.count)  # the comma wins when none occurs
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    rows, lines, start = [], [], 1
    try:
        for row in reader:
            if any(cell.strip() for cell in row):
                rows.append(row)
                lines.append(start)
            start = reader.line_num + 1
    except csv.Error as err:
        raise DataError(
            f"{printable(file)} line {start}: not valid CSV ({err}). A value that holds quotes or line breaks is "
            "written in double quotes, with inner quotes doubled."
        ) from err
    return rows, lines
