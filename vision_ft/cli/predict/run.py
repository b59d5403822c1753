"""`vision-ft predict`: the model's answers for files and folders as tables, masks and drawings; or a feed's."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from vision_ft.cli.console import console
from vision_ft.cli.predict import feed
from vision_ft.cli.predict.dense import write_boxes, write_masks
from vision_ft.cli.predict.feed import FeedOptions
from vision_ft.data.images.decode import EXTENSIONS, printable
from vision_ft.deploy.masks import MaskPredictor
from vision_ft.deploy.options import Options, Tile
from vision_ft.deploy.predictor import AnyPredictor, Predictor, load_predictor, task_of
from vision_ft.deploy.several import SeveralPredictor
from vision_ft.errors import DataError, RecipeError
from vision_ft.files import write_atomic
from vision_ft.types import Prediction

DEFAULT_CSV, DEFAULT_FOLDER = Path("predictions.csv"), Path("predictions")


@dataclass(frozen=True)
class Asked:
    """What the person asked for besides run and source; None where nothing.

    Attributes:
        feed: options of a feed, `annotate` of pictures too.
        tile: "auto", "off" or pixels.
        threshold: score from which on a box is given.
        out: file or folder to write.
        device: where the model computes.
    """

    feed: FeedOptions = FeedOptions()
    tile: str | None = None
    threshold: float | None = None
    out: Path | None = None
    device: str = "cpu"


def run(run_folder: str, source: str, asked: Asked) -> int:
    """Predict, and return the number of files that could not be read; of a feed, 1 when it ended early.

    Raises:
        VisionFTError: an option, the source or the run cannot be used.
    """
    options = Options(tile=parse_tile(asked.tile), threshold=asked.threshold)
    if feed.is_feed(source, asked.feed) or (asked.feed.annotate and task_of(run_folder) == Predictor.task):
        return feed.run(run_folder, source, options=asked.feed, dense=options, out=asked.out, device=asked.device)
    predictor = load_predictor(run_folder, device=asked.device)
    files = find_pictures(Path(source))
    out = asked.out or (DEFAULT_FOLDER if isinstance(predictor, MaskPredictor) else DEFAULT_CSV)
    _check_out(out, Path(source), predictor=predictor, annotate=asked.feed.annotate)
    found = _Found(Path(source), files, predictor, options)
    if isinstance(predictor, Predictor):
        _write_scores(found, out, predictor.classes.names)
    elif isinstance(predictor, SeveralPredictor):
        _write_labels(found, out, predictor)
    elif isinstance(predictor, MaskPredictor):
        write_masks(found, out, classes=predictor.classes.names, annotate=asked.feed.annotate)
    else:
        write_boxes(found, out, classes=predictor.classes.names, annotate=asked.feed.annotate)
    return found.failed


def parse_tile(text: str | None) -> Tile | None:
    """Return what `--tile` means: "auto", False for "off", or pixels.

    Raises:
        RecipeError: it is none of these.
    """
    if text is None:
        return None
    if text == "auto":
        return "auto"
    if text == "off":
        return False
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise RecipeError(f'tile: got "{text}"; allowed: auto, off, or the side of a tile in pixels, such as 512.')
    return int(text)


class _Found:
    """The files of a source with their predictions, in order; broken files are said and counted.

    Attributes:
        names: path of each file below the source.
        failed: files that could not be read, complete after the pass.
    """

    def __init__(self, source: Path, files: Sequence[Path], predictor: AnyPredictor, options: Options) -> None:
        self._files = files
        self._answers = predictor.predict_each(files, options=options)
        root = source if source.is_dir() else source.parent
        self.names: Sequence[Path] = [file.relative_to(root) for file in files]
        self.failed = 0

    def __iter__(self) -> Iterator[tuple[Path, Path, Prediction]]:
        """Give out (file, its path below the source, prediction)."""
        for file, name, answer in zip(self._files, self.names, self._answers, strict=True):
            if isinstance(answer, DataError):
                self.failed += 1
                console.print(f"left out: {answer}", highlight=False, markup=False)
            else:
                yield file, name, answer


def _write_scores(found: _Found, out: Path, names: Sequence[str]) -> None:
    """Write `path,predicted,score,<a column a class>`."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["path", "predicted", "score", *(f"score_{name}" for name in names)])
    for _, name, answer in found:
        scores = [f"{answer.scores[label]:.6g}" for label in names]
        writer.writerow([name.as_posix(), answer.label, f"{answer.score:.6g}", *scores])
    write_atomic(out, text.getvalue().encode("utf-8", errors="surrogateescape"))
    console.print(f"{len(found.names) - found.failed} predictions in {out}", highlight=False, markup=False)


def _write_labels(found: _Found, out: Path, predictor: SeveralPredictor) -> None:
    """Write `path,labels,<a column a label>`, or the label columns instead of `labels`."""
    names = predictor.classes.names
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["path", *predictor.columns, *(f"score_{name}" for name in names)])
    for _, name, answer in found:
        scores = [f"{answer.scores[label]:.6g}" for label in names]
        writer.writerow([name.as_posix(), *predictor.cells(answer), *scores])
    write_atomic(out, text.getvalue().encode("utf-8", errors="surrogateescape"))
    console.print(f"{len(found.names) - found.failed} predictions in {out}", highlight=False, markup=False)


def _check_out(out: Path, source: Path, *, predictor: AnyPredictor, annotate: bool) -> None:
    """Refuse a file where a folder is written, a folder where a file is, and pictures among those of the source.

    Raises:
        RecipeError: naming what was given.
    """
    if isinstance(predictor, MaskPredictor):
        if out.is_file() or out.suffix.lower() == ".csv":
            raise RecipeError(f"out: {out} is a file; masks are written into a folder. Name a folder.")
    elif out.is_dir():
        raise RecipeError(f"out: {out} is a folder; {predictor.task} writes one table. Name a .csv file.")
    if annotate and isinstance(predictor, SeveralPredictor):
        raise RecipeError(f"annotate: {predictor.task} gives labels, which are not drawn. Remove it.")
    writes_pictures = isinstance(predictor, MaskPredictor) or annotate
    if writes_pictures and source.is_dir() and out.resolve().is_relative_to(source.resolve()):
        raise RecipeError(
            f"out: {out} lies inside {printable(source)}, whose pictures are read at any depth: the pictures written "
            "would be read the next time. Name a place outside."
        )


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
