"""What a page of the report is: everything that the report of one task has of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from vision_ft.data.table import SampleTable
from vision_ft.reporting.collect.split import Split
from vision_ft.reporting.page_one import PageOne
from vision_ft.reporting.section import Section
from vision_ft.reporting.sections import augmentation, curves, lineage
from vision_ft.reporting.sections.adaptation import budget, candidates, decision, honest_split, next_labels, shift
from vision_ft.reporting.sections.overview import overview
from vision_ft.reporting.tables.base import Table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Only where the run was adapted to a new camera; each is left out where adaptation.json says nothing of it.
ADAPTATION = (
    decision.SECTION,
    shift.SECTION,
    candidates.SECTION,
    budget.SECTION,
    next_labels.SECTION,
    honest_split.SECTION,
)
TRAINING = (curves.SECTION, augmentation.SECTION, lineage.SECTION)


class ReadSplit(Protocol):
    """Reads predictions/<split>.parquet with its numbers."""

    def __call__(self, file: Path, table: SampleTable | None, *, seed: int) -> Split:
        """Return the split.

        Args:
            file: the predictions.
            table: data.parquet, None where it is missing.
            seed: of the run, so that intervals are those of metrics.json.
        """


@dataclass(frozen=True)
class ImageList:
    """How a split lists its images for the page's script, which shows them behind cells and in galleries.

    Attributes:
        choose: split -> rows in the order in which they deserve a thumbnail.
        items: split, rows, position of a path's thumbnail -> what the script knows of each row.
    """

    choose: Callable[[Any], list[int]]
    items: Callable[[Any, Sequence[int], Mapping[str, int]], list[list[Any]]]


@dataclass(frozen=True)
class Page:
    """The report of one task. Adding a task is a file with a `PAGE` here and a line in `PAGES`.

    The functions get a split that `read_split` of the same page made.

    Attributes:
        read_split: reads predictions with their numbers.
        describe_outputs: split -> what the model chooses from, as in "4 classes".
        page_one: what the overview says.
        own_sections: between the overview and the learning curves, in order.
        tables: split -> CSV tables beside the page, by name.
        figures: split -> figures beside the page as PNG, by name.
        footnote: where the reader finds what the page leaves out, as in "every mistake is in mistakes.csv".
        scripts: files of templates/ that show this task's images.
        picture_list: lists images for the script; None where sections bring their own.
        cells: whether the script shows cells of the confusion matrix as counts or as shares of their row.
        extra_classes: rows and columns of the matrix after the classes.
    """

    read_split: ReadSplit
    describe_outputs: Callable[[Any], str]
    page_one: PageOne
    own_sections: tuple[Section, ...]
    tables: Callable[[Any], Mapping[str, Table]]
    figures: Callable[[Any], Iterable[tuple[str, Figure]]]
    footnote: str
    scripts: tuple[str, ...] = ()
    picture_list: ImageList | None = None
    cells: Literal["counts", "shares"] = "counts"
    extra_classes: tuple[str, ...] = ()

    @cached_property
    def sections(self) -> tuple[Section, ...]:
        """All sections in the order of the page."""
        return (*ADAPTATION, overview(self.page_one), *self.own_sections, *TRAINING)
