"""Read predictions that another tool made, from CSV or parquet, with errors that name the column to mend."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from vision_ft.errors import DataError, did_you_mean
from vision_ft.evaluate.classification.predictions import (
    Predictions,
    index_names,
    read_predictions,
)
from vision_ft.evaluate.predictions_file import METADATA_KEY, matrix

SCORE_PREFIX = "score_"
TEXT_COLUMNS = ("path", "target", "predicted", "group", "scores")
SYNONYMS: Mapping[str, tuple[str, ...]] = {  # names other tools use, for the hint in the error
    "path": ("image", "file", "filename", "file_name", "image_path", "img", "filepath"),
    "target": ("label", "true", "truth", "y_true", "ground_truth", "gt", "class", "true_label", "actual"),
    "predicted": ("prediction", "pred", "y_pred", "predicted_label", "predicted_class", "output"),
}
EXPECTED = "expected path,target,predicted or path,target,score_<class>,... or path,target,scores"
SUM_TOLERANCE = 0.1  # K rounded decimals need not sum to 1 exactly; logits and percentages miss by far more


def read_foreign(file: Path, *, classes: Sequence[str] | None = None) -> Predictions:
    """Read a CSV or parquet of predictions; our own parquet is read as it is.

    Columns: `path`, `target` (empty = unlabelled), then `predicted`, or one `score_<class>` column a class, or a
    `scores` list; optional `confidence` and `group`.

    Args:
        file: ends in .csv, .tsv, .txt or .parquet.
        classes: names in the order of the `scores` list; default: all names seen, sorted.

    Raises:
        DataError: a column is missing or holds what it cannot; the message names the column or the row.
    """
    if not file.is_file():
        raise DataError(f"{file}: no such predictions file")
    if file.suffix.lower() == ".parquet":
        table = _read_parquet(file)
        if METADATA_KEY in (table.schema.metadata or {}):
            return read_predictions(file)
    elif file.suffix.lower() in {".csv", ".tsv", ".txt"}:
        table = _read_csv(file)
    else:
        raise DataError(f"{file}: cannot read {file.suffix or 'a file without ending'}; give a .csv or a .parquet file")
    return _interpret(table, file, classes)


def _read_parquet(file: Path) -> pa.Table:
    try:
        return pq.read_table(file)
    except (pa.ArrowException, OSError) as err:
        raise DataError(f"{file}: not a readable parquet file ({err})") from err


def _read_csv(file: Path) -> pa.Table:
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            first = stream.readline()
    except UnicodeDecodeError as err:
        raise DataError(f"{file}: not UTF-8 text; save it as CSV UTF-8") from err
    if not first.strip():
        raise DataError(f"{file}: empty; {EXPECTED}")
    delimiter = max(",;\t", key=first.count)
    names = [name.strip() for name in next(csv.reader([first], delimiter=delimiter), [])]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DataError(f"{file}: column {twice[0]!r} appears more than once")
    # Every text column is read as text: class names such as "1", "NA" or "2024-01-01" must stay as they are.
    types = {name: pa.float64() if name.startswith(SCORE_PREFIX) else pa.string() for name in names}
    types["confidence"] = pa.float64()
    try:
        return pyarrow.csv.read_csv(
            file,
            read_options=pyarrow.csv.ReadOptions(column_names=names, skip_rows=1),
            parse_options=pyarrow.csv.ParseOptions(delimiter=delimiter, newlines_in_values=True),
            convert_options=pyarrow.csv.ConvertOptions(column_types=types, strings_can_be_null=False),
        )
    except pa.ArrowInvalid as err:
        raise DataError(f"{file}: {err}") from err


def _interpret(table: pa.Table, file: Path, classes: Sequence[str] | None) -> Predictions:
    names = table.column_names
    score_names = [name for name in names if name.startswith(SCORE_PREFIX)]
    for needed in ("path", "target"):
        _require(needed, names, file)
    if not score_names and "scores" not in names:
        _require("predicted", names, file)
    targets = _texts(table, "target", file)
    predicted = _texts(table, "predicted", file) if "predicted" in names else None
    if score_names:
        scores = np.column_stack([table.column(name).to_numpy().astype(np.float64) for name in score_names])
        known = [name.removeprefix(SCORE_PREFIX) for name in score_names]
    else:
        scores, known = None, list(classes or [])
    seen = {name for name in [*targets, *(predicted or [])] if name is not None}
    all_classes = [*known, *sorted(seen - set(known), key=_natural)]
    if scores is None and "scores" in names:
        scores = _score_lists(table, len(all_classes), file)
    if scores is not None:
        scores = _probabilities(scores, file)
        scores = np.pad(scores, ((0, 0), (0, len(all_classes) - scores.shape[1])))
    groups = np.array(_texts(table, "group", file), dtype=object) if "group" in names else None
    return Predictions(
        classes=tuple(all_classes),
        paths=[path or "" for path in _texts(table, "path", file)],
        targets=index_names(pa.chunked_array([pa.array(targets, pa.string())]), all_classes, what="target", file=file),
        predicted=_predicted(predicted, scores, all_classes, file),
        scores=scores,
        groups=groups,
        confidences=_confidences(table, file) if scores is None and "confidence" in names else None,
    )


def _require(column: str, names: Sequence[str], file: Path) -> None:
    if column in names:
        return
    hint = did_you_mean(column, [name for name in names if name not in TEXT_COLUMNS])
    synonym = next((name for name in names if name.lower() in SYNONYMS.get(column, ())), None)
    if synonym:
        hint = f' Is it "{synonym}"? Rename that column to "{column}".'
    raise DataError(f"{file}: column {column!r} is missing; it has {list(names)[:20]}, {EXPECTED}.{hint}")


def _texts(table: pa.Table, column: str, file: Path) -> list[str | None]:
    try:
        values = table.column(column).cast(pa.string()).to_pylist()
    except pa.ArrowException as err:
        raise DataError(f"{file}: column {column!r} holds {table.column(column).type}, expected text") from err
    return [value.strip() or None if isinstance(value, str) else None for value in values]


def _natural(name: str) -> tuple[int, float, str]:
    """Sort key: numbers by value before words."""
    return (0, float(name), name) if name.isdecimal() else (1, 0.0, name)


def _score_lists(table: pa.Table, num_classes: int, file: Path) -> np.ndarray:
    column = table.column("scores")
    if pa.types.is_list(column.type) or pa.types.is_large_list(column.type):
        return matrix(table, "scores", num_classes, np.float32, file=file).astype(np.float64)
    rows = []
    for number, text in enumerate(column.to_pylist()):
        try:
            rows.append([float(value) for value in json.loads(text)])
        except (TypeError, ValueError) as err:
            raise DataError(f"{file} row {number + 1}: scores {text!r} is not a list such as [0.9, 0.1]") from err
        if len(rows[-1]) != num_classes:
            raise DataError(
                f"{file} row {number + 1}: {len(rows[-1])} scores for {num_classes} classes; give `classes`"
            )
    return np.array(rows, np.float64).reshape(len(rows), num_classes)


def _probabilities(scores: np.ndarray, file: Path) -> np.ndarray:
    sums = scores.sum(axis=1)
    wrong = np.flatnonzero(~np.isfinite(sums) | (scores < 0).any(axis=1) | (np.abs(sums - 1) > SUM_TOLERANCE))
    if wrong.size:
        raise DataError(
            f"{file} row {wrong[0] + 1}: scores sum to {sums[wrong[0]]:.3g}, smallest {scores[wrong[0]].min():.3g}; "
            "give probabilities that sum to 1 (softmax of the logits)"
        )
    found: np.ndarray = (scores / sums[:, None]).astype(np.float32)
    return found


def _predicted(
    names: list[str | None] | None, scores: np.ndarray | None, classes: Sequence[str], file: Path
) -> np.ndarray:
    if names is None:
        assert scores is not None, "columns were checked before"
        return scores.argmax(axis=1).astype(np.int64) if scores.size else np.zeros(len(scores), np.int64)
    return index_names(pa.chunked_array([pa.array(names, pa.string())]), classes, what="predicted", file=file)


def _confidences(table: pa.Table, file: Path) -> np.ndarray:
    values = table.column("confidence").to_numpy().astype(np.float64)
    wrong = np.flatnonzero(~((values >= 0) & (values <= 1)))
    if wrong.size:
        raise DataError(f"{file} row {wrong[0] + 1}: confidence {values[wrong[0]]:g} is outside 0..1")
    found: np.ndarray = values
    return found
