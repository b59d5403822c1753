"""What a region's state is: a class, a class in each label column, or a set of labels; the same questions to each.

`FrameStates` of a feed hold arrays whose first axis is the regions; only the classes here know the others:

| class | states and raw | scores |
|---|---|---|
| `SingleStates` | (N,) class index | (N,) probability of the class |
| `ColumnStates` | (N, T) class index in each column | (N, T) probability of each class |
| `LabelSets` | (N, K) whether the label applies | (N, K) probability of each label |
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from vision_ft.deploy.feeding import RegionStates
from vision_ft.feed.palette import colours_of
from vision_ft.feed.smooth import ColumnSmoother, LabelSmoother, Smoother, SmoothsStates
from vision_ft.types import LabelColumn


@dataclass(frozen=True)
class Panel:
    """A part of the occupancy chart.

    Attributes:
        title: above it; "" for none.
        first: number of its first output.
        names: of its outputs, which follow each other.
        excluding: whether a region has exactly one of them, so that their numbers can be stacked.
    """

    title: str
    first: int
    names: tuple[str, ...]
    excluding: bool = True


class States(Protocol):
    """How scores of regions become states, and how states are written, counted and drawn.

    Attributes:
        names: of the K outputs, as the counts are called.
        texts: of the K outputs, as they are written on a region.
        colours: of the K outputs, "#rrggbb".
        header: columns of states.csv after those of time and region.
        panels: of the chart.
    """

    names: tuple[str, ...]
    texts: tuple[str, ...]
    colours: tuple[str, ...]
    header: tuple[str, ...]
    panels: tuple[Panel, ...]

    def smoother(self, window: int, *, interval_s: float) -> SmoothsStates:
        """Return what follows the states of all regions over time."""
        ...

    def read(self, scores: np.ndarray) -> np.ndarray:
        """Return the states that probabilities (N, K) show by themselves."""
        ...

    def applies(self, states: np.ndarray) -> np.ndarray:
        """Return which outputs the states of N regions hold, (N, K) bool."""
        ...

    def rows(self, state: Any, score: Any, raw: Any) -> list[list[str]]:
        """Return the cells below `header` for one region, a line or more."""
        ...


class SingleStates:
    """A region has one of K classes.

    Args:
        classes: their names.
    """

    header: tuple[str, ...] = ("state", "score", "raw_state")

    def __init__(self, classes: Sequence[str]) -> None:
        self.names: tuple[str, ...] = tuple(classes)
        self.texts = self.names
        self.colours = tuple(colours_of(classes))
        self.panels: tuple[Panel, ...] = (Panel("", 0, self.names),)

    def smoother(self, window: int, *, interval_s: float) -> Smoother:
        """Return what follows the class of all regions over time."""
        return Smoother(window, interval_s=interval_s)

    def read(self, scores: np.ndarray) -> np.ndarray:
        """Return the most probable class (N,)."""
        return scores.argmax(axis=1)

    def applies(self, states: np.ndarray) -> np.ndarray:
        """Return which class each of N regions has, (N, K) bool."""
        return states[:, None] == np.arange(len(self.names))

    def rows(self, state: Any, score: Any, raw: Any) -> list[list[str]]:
        """Return class, probability and the class that the frame alone shows."""
        return [[self.names[state], f"{score:.4f}", self.names[raw]]]


class ColumnStates:
    """A region has a class in each of T label columns.

    Args:
        columns: their names and classes, which follow each other in the K outputs.
        names: of the outputs, as in "species=robin".
    """

    header: tuple[str, ...] = ("column", "state", "score", "raw_state")

    def __init__(self, columns: Sequence[LabelColumn], names: Sequence[str]) -> None:
        self.columns, self.names = tuple(columns), tuple(names)
        self.texts = tuple(name for column in columns for name in column.classes)
        self.colours = tuple(colour for column in columns for colour in colours_of(column.classes))
        self._sizes = [len(column.classes) for column in columns]
        self._starts = [0, *np.cumsum(self._sizes)[:-1].tolist()]
        self.panels = tuple(
            Panel(column.name, start, column.classes) for column, start in zip(columns, self._starts, strict=True)
        )

    def smoother(self, window: int, *, interval_s: float) -> ColumnSmoother:
        """Return what follows the classes of all regions over time."""
        return ColumnSmoother(self._sizes, window, interval_s=interval_s)

    def read(self, scores: np.ndarray) -> np.ndarray:
        """Return the most probable class of each column (N, T)."""
        return np.stack([part.argmax(axis=1) for part in np.split(scores, self._starts[1:], axis=1)], axis=1)

    def applies(self, states: np.ndarray) -> np.ndarray:
        """Return which classes each of N regions has, (N, K) bool."""
        parts = [states[:, [place]] == np.arange(size) for place, size in enumerate(self._sizes)]
        return np.concatenate(parts, axis=1)

    def rows(self, state: Any, score: Any, raw: Any) -> list[list[str]]:
        """Return for each column its name, class, probability and the class that the frame alone shows."""
        return [
            [column.name, column.classes[a], f"{p:.4f}", column.classes[b]]
            for column, a, p, b in zip(self.columns, state, score, raw, strict=True)
        ]


class LabelSets:
    """A region has any of K labels.

    Args:
        names: of the labels.
        thresholds: (K,) scores from which on each applies.
    """

    def __init__(self, names: Sequence[str], thresholds: np.ndarray) -> None:
        self.names: tuple[str, ...] = tuple(names)
        self.texts = self.names
        self.colours = tuple(colours_of(names))
        self.header: tuple[str, ...] = ("labels", "raw_labels", *(f"score_{name}" for name in names))
        self.panels: tuple[Panel, ...] = (Panel("", 0, self.names, excluding=False),)
        self._thresholds = thresholds

    def smoother(self, window: int, *, interval_s: float) -> LabelSmoother:
        """Return what follows the labels of all regions over time."""
        return LabelSmoother(self._thresholds, window, interval_s=interval_s)

    def read(self, scores: np.ndarray) -> np.ndarray:
        """Return whether each label reaches its threshold (N, K)."""
        return np.asarray(scores >= self._thresholds)

    def applies(self, states: np.ndarray) -> np.ndarray:
        """Return the labels of N regions, (N, K) bool: the states themselves."""
        return states

    def rows(self, state: Any, score: Any, raw: Any) -> list[list[str]]:
        """Return the labels, those that the frame alone shows, and the probability of each."""
        return [[self._joined(state), self._joined(raw), *(f"{one:.4f}" for one in score)]]

    def _joined(self, labels: np.ndarray) -> str:
        """Join labels by semicolons, in the order of the model's outputs."""
        return ";".join(name for name, yes in zip(self.names, labels, strict=True) if yes)


def states_of(offered: RegionStates) -> States:
    """Return the kind of states that a predictor offers."""
    if offered.thresholds is not None:
        return LabelSets(offered.names, offered.thresholds)
    if offered.columns:
        return ColumnStates(offered.columns, offered.names)
    return SingleStates(offered.names)
