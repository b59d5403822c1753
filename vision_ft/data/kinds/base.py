"""What the data side asks of a task: where its labels stand, how they are read, checked, split and joined."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import pyarrow as pa

from vision_ft.data.reading.index import Index
from vision_ft.data.reading.labels import LabelCells, LabelOptions
from vision_ft.data.table import SampleTable
from vision_ft.types import ClassSpace, Finding, LabelColumn

if TYPE_CHECKING:  # reading and checking data load no torch
    from vision_ft.data.loading.targets import PlainMovement, Truth


class BuildTargets(Protocol):
    """Builds the targets of a table's images."""

    def __call__(self, table: SampleTable, movement: PlainMovement, *, keep_bytes: int = 0) -> Truth:
        """Return the targets, moved as evaluation moves an image; decoded masks stay up to `keep_bytes` in memory."""


class RowLabels(Protocol):
    """The labels of each row, to be compared and named."""

    ids: np.ndarray  # (N,) equal where the labels are equal

    def differ(self, one: int, other: int) -> bool:
        """Whether two rows contradict each other; what is not known contradicts nothing."""

    def text(self, row: int) -> str:
        """Return the labels of a row in quotes."""


@dataclass(frozen=True)
class Labels:
    """The label columns of one table, and what the whole table says of them.

    Attributes:
        columns: name -> one value per row; what is not named stays as it is without a label.
        meta: of the table.
    """

    columns: Mapping[str, pa.Array]
    meta: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Joined:
    """The labels of several tables in the terms of one class space.

    Attributes:
        classes: those of the model, then those that only the new table has.
        columns: of each table, as in `Labels`.
        meta: of the joined table.
    """

    classes: ClassSpace
    columns: tuple[Mapping[str, pa.Array], ...]
    meta: Mapping[str, Any] = field(default_factory=dict)


class Join(Protocol):
    """Brings tables of old and new cameras to one class space."""

    def __call__(
        self,
        tables: Sequence[SampleTable],
        known: ClassSpace,
        *,
        columns: Sequence[LabelColumn] = (),
        prefixes: Sequence[str],
    ) -> Joined:
        """Match the classes by name.

        Args:
            tables: the last one is the new camera's; those before are of old cameras.
            known: the model's classes.
            columns: the model's label columns, where it has such.
            prefixes: what the paths of each table begin with in the joined one, escaped; "." for nothing.

        Raises:
            DataError: classes, columns or codes that do not fit together; both lists are shown.
        """


class Scan(Protocol):
    """Looks at every annotation once."""

    def __call__(self, table: SampleTable, *, workers: int) -> tuple[SampleTable, list[Finding]]:
        """Return the table with what was measured and mended, and the findings."""


def no_scan(table: SampleTable, *, workers: int) -> tuple[SampleTable, list[Finding]]:
    """Look at nothing beside the images."""
    del workers
    return table, []


def targets_of(labels: Callable[[SampleTable], np.ndarray]) -> BuildTargets:
    """Return the builder of targets that are the labels of whole images, however these are moved."""

    def build(table: SampleTable, movement: PlainMovement, *, keep_bytes: int = 0) -> Truth:
        from vision_ft.data.loading.targets import LabelTruth  # noqa: PLC0415 - torch, which reading data does without

        del movement, keep_bytes
        return LabelTruth(labels(table))

    return build


@dataclass(frozen=True)
class Kind:
    """One task as the data side sees it.

    Attributes:
        holds: what a data set of this task holds, in words.
        formats: names of the formats that such data can be written in.
        targets: builds what the model is compared with.
        labels: labels of every row, as losses and metrics read them: (N,) class indices, (N, K) or (N, T).
        is_labelled: (N,) whether the label of a row is known.
        count: (K,) how often each class occurs in some rows, in images, pixels or boxes; of label sets (2, K): in how
            many each label is known not to apply, and in how many it applies. What the loss is built from.
        strata: (N,) what a split is stratified by; -1 for none.
        audit: findings about the set.
        rows: the labels of each row, to be compared.
        read: reads the labels of an index file.
        join: brings the labels of two cameras together.
        unlabelled: the label columns of so many rows of which no label is known.
        columns: columns of the sample table that only this task has; those of label columns are named by the data.
        write: header and cells of the labels in an index file; None where such a file cannot hold them.
        with_labels: the table with other labels, given as `labels` gives them; None where labels are no array.
        spatial: whether labels are places in the image, which move with its pixels: such an image is not decoded at a
            smaller scale, and one that its file turns (EXIF) is doubtful.
        needs_recipe: whether only the recipe's task can tell that a data set is of this task.
        carrier: what bears a class where a format keeps no list of classes: "an image" or "a box"; "" for none.
        output: one and several outputs of the model, in words.
        scan: looks at every annotation and returns the table with what is measured and mended, and the findings.
        count_objects: (N,) objects in each image, where a model gives a limited number of them.
    """

    holds: str
    formats: tuple[str, ...]
    targets: BuildTargets
    labels: Callable[[SampleTable], np.ndarray]
    is_labelled: Callable[[SampleTable], np.ndarray]
    count: Callable[[SampleTable, np.ndarray], np.ndarray]
    strata: Callable[[SampleTable], np.ndarray]
    audit: Callable[[SampleTable], Iterable[Finding]]
    rows: Callable[[SampleTable], RowLabels]
    read: Callable[[Index, LabelOptions], LabelCells]
    join: Join
    unlabelled: Callable[[int, ClassSpace, Sequence[LabelColumn]], Labels]
    columns: tuple[str, ...] = ()
    write: Callable[[SampleTable], tuple[list[str], list[list[str]]]] | None = None
    with_labels: Callable[[SampleTable, np.ndarray], SampleTable] | None = None
    spatial: bool = False
    needs_recipe: bool = False
    carrier: str = ""
    output: tuple[str, str] = ("class", "classes")
    scan: Scan = no_scan
    count_objects: Callable[[SampleTable], np.ndarray] | None = None

    def describe(self, table: SampleTable) -> str:
        """Return "4 classes"."""
        count = len(table.classes)
        return f"{count} {self.output[count != 1]}"

    @property
    def may_shrink(self) -> bool:
        """Whether a decoded image may be smaller than its file."""
        return not self.spatial
