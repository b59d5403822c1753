"""`vision-ft predict`: what a model says of files and folders, as its predictor writes it; or of a feed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vision_ft.cli.console import console
from vision_ft.cli.predict import feed
from vision_ft.cli.predict.feed import FeedOptions
from vision_ft.data.images.decode import printable
from vision_ft.deploy.images import find_images
from vision_ft.deploy.options import Options, Tile
from vision_ft.deploy.writers.writer import Writer
from vision_ft.errors import DataError, RecipeError
from vision_ft.wiring.predictor import AnyPredictor, load_predictor, predictor_of


@dataclass(frozen=True)
class Asked:
    """What the person asked for besides run and source; None where nothing.

    Attributes:
        feed: options of a feed, `annotate` of images too.
        tile: "auto", "off" or pixels.
        threshold: score from which on a box or a label is given.
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
    annotate = asked.feed.annotate
    # what is not drawn on images is drawn on the frames of a feed
    if feed.is_feed(source, asked.feed) or (annotate and not predictor_of(run_folder).draws):
        return feed.run(run_folder, source, options=asked.feed, asked=options, out=asked.out, device=asked.device)
    predictor = load_predictor(run_folder, device=asked.device)
    writer = predictor.writer()
    files = find_images(Path(source))
    out = asked.out or writer.default_out
    _check_out(out, Path(source), writer=writer, annotate=annotate)
    found = _Found(Path(source), files, predictor, options)
    console.print(writer.write(found, out, annotate=annotate), highlight=False, markup=False)
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
        self._predictions = predictor.predict_each(files, options=options)
        root = source if source.is_dir() else source.parent
        self.names: Sequence[Path] = [file.relative_to(root) for file in files]
        self.failed = 0

    def __iter__(self) -> Iterator[tuple[Path, Path, Any]]:
        """Give out (file, its path below the source, prediction)."""
        for file, name, prediction in zip(self._files, self.names, self._predictions, strict=True):
            if isinstance(prediction, DataError):
                self.failed += 1
                console.print(f"left out: {prediction}", highlight=False, markup=False)
            else:
                yield file, name, prediction


def _check_out(out: Path, source: Path, *, writer: Writer[Any], annotate: bool) -> None:
    """Refuse a file where a folder is written, a folder where a file is, and images among those of the source.

    Raises:
        RecipeError: naming what was given.
    """
    writer.check(out)
    if writer.writes_images(annotate=annotate) and source.is_dir() and out.resolve().is_relative_to(source.resolve()):
        raise RecipeError(
            f"out: {out} lies inside {printable(source)}, whose images are read at any depth: the images written "
            "would be read the next time. Name a place outside."
        )
