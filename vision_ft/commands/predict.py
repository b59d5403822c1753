"""`vision-ft predict`: the model's answers for files and folders, as a CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from vision_ft.commands.console import console
from vision_ft.data.decode import EXTENSIONS, printable
from vision_ft.deploy.predictor import load_predictor
from vision_ft.errors import DataError
from vision_ft.files import write_atomic


def run(run_folder: str, source: Path, *, out: Path, device: str) -> int:
    """Write the answer for each picture and a score a class; return the number of files that could not be read.

    The columns between path and scores are predicted and score, or labels (joined by semicolons), or the label columns.
    """
    predictor = load_predictor(run_folder, device=device)
    files = find_pictures(source)
    root = source if source.is_dir() else source.parent
    text = io.StringIO()
    writer = csv.writer(text)
    names = predictor.classes.names
    writer.writerow(["path", *predictor.answers.columns, *(f"score_{name}" for name in names)])
    failed = 0
    for file, answer in zip(files, predictor.predict_files(files), strict=True):
        if isinstance(answer, DataError):
            failed += 1
            console.print(f"left out: {answer}", highlight=False, markup=False)
            continue
        scores = [f"{answer.scores[name]:.6g}" for name in names]
        writer.writerow([file.relative_to(root).as_posix(), *predictor.answers.cells(answer), *scores])
    write_atomic(out, text.getvalue().encode("utf-8", errors="surrogateescape"))
    console.print(f"{len(files) - failed} predictions in {out}", highlight=False, markup=False)
    return failed


def find_pictures(source: Path) -> Sequence[Path]:
    """Return the picture files of a folder, at any depth and in order of their names, or the one file given.

    Raises:
        DataError: nothing is there.
    """
    if not source.exists():
        raise DataError(f"{printable(source)}: no such file or folder.")
    if source.is_file():
        return [source]
    files = sorted(
        file
        for file in source.rglob("*")
        if file.suffix.lower() in EXTENSIONS and file.is_file() and not file.name.startswith(".")
    )
    if not files:
        raise DataError(f"{source}: no picture found. Allowed extensions: {', '.join(sorted(EXTENSIONS))}.")
    return files
