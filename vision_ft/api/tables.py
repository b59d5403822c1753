"""The tables beside a run's report as Arrow tables: what the page shows, to work on in a notebook."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from vision_ft.errors import DataError
from vision_ft.run_folder import RunFolder

if TYPE_CHECKING:  # pyarrow is loaded where a table is read
    import pyarrow as pa

PAGE_SPLITS = ("test", "val")  # the first that a run has is the page's own; files of the other end in its name
MATRIX = "true \\ predicted"  # how the head of a confusion matrix begins
TEXT = ("path", "true", "predicted", "class", "group", "kind", "label")  # never read as numbers: a class may be "007"


def read_per_class(run: Path, split: str) -> pa.Table:
    """Return a row a class with its numbers and their 95% intervals.

    Raises:
        DataError: the run has no such table.
    """
    return _read(_file(run, ("per_class",), split), text=("class",))


def read_mistakes(run: Path, split: str) -> pa.Table:
    """Return the images that are wrong, most confident first; of masks and boxes all images, the worst first.

    Raises:
        DataError: the run has no such table.
    """
    return _read(_file(run, ("mistakes", "pictures"), split), text=TEXT)


def read_confusion(run: Path, split: str) -> pa.Table:
    """Return the counts of a confusion matrix that are not zero: true, predicted, count; a matrix has no other cell.

    Raises:
        DataError: the run has no such table.
    """
    import pyarrow as pa

    file = _file(run, ("confusion",), split)
    with file.open(encoding="utf-8", newline="") as stream:
        head, *rows = csv.reader(stream)
    if head == ["true", "predicted", "count"]:  # of very many classes
        cells = [(true, predicted, int(count)) for true, predicted, count in rows]
    elif head[0] == MATRIX:
        cells = [
            (true, predicted, int(count))
            for true, *counts in rows
            for predicted, count in zip(head[1:], counts, strict=True)
            if int(count)
        ]
    else:
        raise DataError(f"{run}: the confusion of this task is no matrix of classes; see {file}.")
    columns = list(zip(*cells, strict=True)) or [(), (), ()]
    kinds = (("true", pa.string()), ("predicted", pa.string()), ("count", pa.int64()))
    return pa.table({name: pa.array(values, kind) for (name, kind), values in zip(kinds, columns, strict=True)})


def read_history(run: Path) -> pa.Table:
    """Return a row an epoch, as log.jsonl holds it.

    Raises:
        DataError: the run has no log.
    """
    import pyarrow as pa

    file = run / "log.jsonl"
    if not file.is_file():
        raise DataError(f"{run}: log.jsonl is missing, so no epoch is known.")
    records = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    epochs = [record for record in records if "epoch" in record]
    names = list(dict.fromkeys(name for record in epochs for name in record))  # phases may log different values
    return pa.table({name: pa.array([record.get(name) for record in epochs]) for name in names})


def _file(run: Path, names: Sequence[str], split: str) -> Path:
    """Find the first table of these names.

    Raises:
        DataError: the split or the table is not there; says which are.
    """
    known = [name for name in PAGE_SPLITS if RunFolder(run).predictions(name).is_file()]
    if split not in known:
        raise DataError(f'{run}: has no predictions of split "{split}"; it has: {", ".join(known) or "none"}.')
    suffix = "" if split == known[0] else f"_{split}"
    folder = RunFolder(run).report.with_suffix("")
    for name in names:
        if (folder / f"{name}{suffix}.csv").is_file():
            return folder / f"{name}{suffix}.csv"
    if not (folder / f"per_class{suffix}.csv").is_file():
        raise DataError(f"{run}: the tables beside the report are missing; Run.report() makes them again.")
    found = sorted(file.stem for file in folder.glob("*.csv"))
    raise DataError(f"{run}: this task has no table {' or '.join(names)}; it has: {', '.join(found)}.")


def _read(file: Path, *, text: Sequence[str]) -> pa.Table:
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    kinds = dict.fromkeys(text, pa.string())
    parse = arrow_csv.ParseOptions(newlines_in_values=True)
    return arrow_csv.read_csv(file, parse_options=parse, convert_options=arrow_csv.ConvertOptions(column_types=kinds))
