"""One CSV with a line per image: what was predicted, and the score of each output."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from vision_ft.deploy.writers.writer import DEFAULT_CSV, Found, write_csv
from vision_ft.errors import RecipeError


class Scored(Protocol):
    """A prediction with a score for each output."""

    @property
    def scores(self) -> Mapping[str, float]:
        """Name of the output -> score."""
        ...


S = TypeVar("S", bound=Scored)


@dataclass(frozen=True)
class TableWriter(Generic[S]):
    """Writes `path,<columns>,score_<name>,...`, a line per image.

    Attributes:
        task: what messages call the model.
        columns: what the table says of an image besides its scores.
        cells: prediction -> the values of `columns`.
        names: of the outputs.
        default_out: where it writes when the person does not say.
    """

    task: str
    columns: tuple[str, ...]
    cells: Callable[[S], list[str]]
    names: Sequence[str]
    default_out: Path = DEFAULT_CSV

    def check(self, out: Path) -> None:
        """Refuse a folder.

        Raises:
            RecipeError: `out` is one.
        """
        check_table(out, task=self.task)

    def writes_images(self, *, annotate: bool) -> bool:
        """Whether image files are written: never."""
        del annotate
        return False

    def write(self, found: Found[S], out: Path, *, annotate: bool) -> str:
        """Write the table, and return a line that says how many predictions it holds."""
        del annotate
        count = 0

        def rows() -> Iterator[list[str]]:
            nonlocal count
            for _, name, prediction in found:
                count += 1
                scores = [f"{prediction.scores[label]:.6g}" for label in self.names]
                yield [name.as_posix(), *self.cells(prediction), *scores]

        write_csv(out, ["path", *self.columns, *(f"score_{name}" for name in self.names)], rows())
        return f"{count} predictions in {out}"


def check_table(out: Path, *, task: str) -> None:
    """Refuse a folder where one table is written.

    Raises:
        RecipeError: `out` is a folder.
    """
    if out.is_dir():
        raise RecipeError(f"out: {out} is a folder; {task} writes one table. Name a .csv file.")
