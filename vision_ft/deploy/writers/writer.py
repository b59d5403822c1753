"""What `vision-ft predict` asks of the writer that a predictor brings."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeVar

from PIL import Image

from vision_ft.data.images.decode import decode
from vision_ft.files import atomic_path, write_atomic

P_co = TypeVar("P_co", covariant=True)
P_contra = TypeVar("P_contra", contravariant=True)

ANNOTATED = "annotated"  # folder, or end of the folder's name, of the copies that are drawn upon
DEFAULT_CSV, DEFAULT_FOLDER = Path("predictions.csv"), Path("predictions")

Draw = Callable[[Image.Image, Any], Image.Image]


class Found(Protocol[P_co]):
    """The files of a source with their predictions.

    Attributes:
        names: path of each file below the source.
    """

    names: Sequence[Path]

    def __iter__(self) -> Iterator[tuple[Path, Path, P_co]]:
        """Give out (file, its path below the source, prediction)."""
        ...


class Writer(Protocol[P_contra]):
    """Writes the predictions of files."""

    @property
    def default_out(self) -> Path:
        """Where it writes when the person does not say."""
        ...

    def check(self, out: Path) -> None:
        """Refuse a file where a folder is written, or a folder where a file is.

        Raises:
            RecipeError: naming what was given.
        """

    def writes_images(self, *, annotate: bool) -> bool:
        """Whether image files are written, which must not lie among those that are read."""
        ...

    def write(self, found: Found[P_contra], out: Path, *, annotate: bool) -> str:
        """Write everything, and return a line that says what was written.

        Args:
            found: images with predictions.
            out: file or folder.
            annotate: whether to write copies of the images with the predictions drawn too.
        """
        ...


def write_csv(out: Path, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Write a table in one step, after the last row is made."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(header)
    writer.writerows(rows)
    write_atomic(out, text.getvalue().encode("utf-8", errors="surrogateescape"))


def short_names(names: Sequence[Path]) -> dict[Path, str]:
    """Return each path without its extension, or with it where two would then be the same."""
    seen = Counter(name.with_suffix("").as_posix().casefold() for name in names)
    return {
        name: (short if seen[short.casefold()] == 1 else name.as_posix())
        for name in names
        for short in [name.with_suffix("").as_posix()]
    }


def save_drawn(file: Path, prediction: Any, target: Path, *, draw: Draw) -> None:
    """Write a copy of an image file with its prediction drawn as JPEG."""
    with atomic_path(target) as temporary:
        draw(decode(file), prediction).save(temporary, format="JPEG", quality=90)
