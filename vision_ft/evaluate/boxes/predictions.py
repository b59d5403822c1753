"""The predictions file of a detector: found and true boxes of every image, in the original image's pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from vision_ft.errors import DataError
from vision_ft.evaluate.boxes.checks import (
    as_arrays,
    refuse_boxes,
    refuse_lengths,
    refuse_sizes,
    refuse_thresholds,
    refuse_uneven,
)
from vision_ft.evaluate.boxes.curves import DEFAULT_THRESHOLD, average_precision, mean_defined
from vision_ft.evaluate.boxes.matching import ClassMatches, FoundBoxes, TrueBoxes, match_boxes
from vision_ft.evaluate.classification.predictions import index_names
from vision_ft.evaluate.predictions_file import of_images, read_of_task, write_table
from vision_ft.types import DETECTION

FORMAT_VERSION = 1
TASK = DETECTION
COLUMNS = ["group", "height", "width"]
COLUMNS += ["boxes", "scores", "predicted", "target_boxes", "target", "ignored"]
LISTS: dict[str, tuple[int | None, Any]] = {  # fields with one array an image: its width and its type
    "boxes": (4, np.float32),
    "scores": (None, np.float32),
    "labels": (None, np.int64),
    "target_boxes": (4, np.float32),
    "target_labels": (None, np.int64),
    "ignored": (None, bool),
}


@dataclass(frozen=True, kw_only=True, eq=False)
class BoxPredictions:
    """One split's detections beside its true boxes. The arrays must not be changed: what is met is kept.

    Attributes:
        classes: K names; labels are positions in it. There is no background class.
        paths: N paths, relative to the data's root.
        sizes: (N, 2) height and width of each image in pixels.
        boxes: N arrays (M, 4) float32, x1 y1 x2 y2 in pixels of the original image.
        scores: N arrays (M,) float32 in [0, 1].
        labels: N arrays (M,) int64.
        target_boxes: N arrays (T, 4) float32; T = 0 for an image that holds no object.
        target_labels: N arrays (T,) int64.
        ignored: N bool arrays (T,), true for crowds and difficult boxes, which are neither hit nor missed; None for
            none.
        thresholds: (K,) score from which on a detection of the class is shown and counted; 0.5 when not given.
        groups: (N,) camera, site, ... of each image or None, or None for all.
        ids: (N,) row of each image in data.parquet, or None.

    Raises:
        DataError: lengths that disagree, a box, score, label, size or threshold that cannot be.
    """

    classes: tuple[str, ...]
    paths: Sequence[str]
    sizes: np.ndarray
    boxes: Sequence[np.ndarray]
    scores: Sequence[np.ndarray]
    labels: Sequence[np.ndarray]
    target_boxes: Sequence[np.ndarray]
    target_labels: Sequence[np.ndarray]
    ignored: Sequence[np.ndarray] | None = None
    thresholds: np.ndarray | None = None
    groups: np.ndarray | None = None
    ids: np.ndarray | None = None
    _matches: dict[str, list[ClassMatches]] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        values: dict[str, Any] = {
            name: as_arrays(getattr(self, name), width=width, dtype=dtype, what=name.replace("_", " "))
            for name, (width, dtype) in LISTS.items()
            if getattr(self, name) is not None
        }
        values |= {"sizes": np.asarray(self.sizes, np.int64)}
        if self.thresholds is not None:
            values["thresholds"] = np.asarray(self.thresholds, np.float64)
        for name, value in values.items():
            object.__setattr__(self, name, value)  # frozen for its users, not at its birth
        self._refuse_what_cannot_be()

    def _refuse_what_cannot_be(self) -> None:
        optional = {"ignored": self.ignored, "groups": self.groups, "ids": self.ids}
        given = {name: values for name, values in optional.items() if values is not None}
        lengths = {name.replace("_", " "): len(getattr(self, name)) for name in ("sizes", *LISTS) if name != "ignored"}
        refuse_lengths(lengths | {name: len(values) for name, values in given.items()}, len(self))
        refuse_sizes(self.sizes, self.paths)
        refuse_uneven({"boxes": self.boxes, "scores": self.scores, "labels": self.labels}, self.paths)
        true_parts = {"target boxes": self.target_boxes, "target labels": self.target_labels}
        if self.ignored is not None:
            true_parts["ignored marks"] = self.ignored
        refuse_uneven(true_parts, self.paths)
        refuse_thresholds(self.cutoffs, len(self.classes))
        refuse_boxes(self.found, self.truth, num_classes=len(self.classes), paths=self.paths)

    def __len__(self) -> int:
        return len(self.paths)

    @property
    def task(self) -> str:
        """What the model does: detection."""
        return TASK

    @cached_property
    def cutoffs(self) -> np.ndarray:
        """Thresholds (K,), 0.5 where none were given."""
        return np.full(len(self.classes), DEFAULT_THRESHOLD) if self.thresholds is None else self.thresholds

    @cached_property
    def found(self) -> FoundBoxes:
        """All detections, image after image."""
        return FoundBoxes(
            pictures=_picture_of(self.scores),
            boxes=_joined(self.boxes, (0, 4), np.float32),
            labels=_joined(self.labels, (0,), np.int64),
            scores=_joined(self.scores, (0,), np.float64),
        )

    @cached_property
    def truth(self) -> TrueBoxes:
        """All true boxes, image after image."""
        labels = _joined(self.target_labels, (0,), np.int64)
        return TrueBoxes(
            pictures=_picture_of(self.target_labels),
            boxes=_joined(self.target_boxes, (0, 4), np.float32),
            labels=labels,
            ignored=np.zeros(len(labels), bool) if self.ignored is None else _joined(self.ignored, (0,), bool),
        )

    def matches(self, area: str = "all") -> list[ClassMatches]:
        """COCO's matches of the K classes in a range of box areas; computed once."""
        if area not in self._matches:
            self._matches[area] = match_boxes(
                self.found, self.truth, num_pictures=len(self), num_classes=len(self.classes), area=area
            )
        return self._matches[area]

    def headline(self, weights: np.ndarray | None = None) -> dict[str, float]:
        """Mean average precision "map" (IoU 0.50 to 0.95) and "map50" over the classes that have a true box.

        Args:
            weights: (N,) how often each image counts, as a bootstrap draws them; once each by default.
        """
        once = np.ones(len(self)) if weights is None else np.asarray(weights, np.float64)
        precision = average_precision(self.matches(), once)
        return {"map": mean_defined(precision), "map50": mean_defined(precision[:, 0])}

    def with_thresholds(self, thresholds: np.ndarray) -> BoxPredictions:
        """The same predictions with other thresholds (K,); the matches, which do not depend on them, come along."""
        changed = replace(self, thresholds=thresholds)
        changed._matches.update(self._matches)
        return changed


def _picture_of(parts: Sequence[np.ndarray]) -> np.ndarray:
    return np.repeat(np.arange(len(parts)), [len(part) for part in parts])


def _joined(parts: Sequence[np.ndarray], empty: tuple[int, ...], dtype: Any) -> np.ndarray:
    return np.concatenate([np.zeros(empty, dtype), *parts]).astype(dtype, copy=False)


def write_box_predictions(file: Path, predictions: BoxPredictions) -> None:
    """Write predictions/<split>.parquet of a detector, whole or not at all; an image is a row."""
    names = np.array(predictions.classes, dtype=object)
    found, truth = predictions.found, predictions.truth
    found_ends, true_ends = (_ends(parts) for parts in (predictions.scores, predictions.target_labels))
    columns = {
        "height": pa.array(predictions.sizes[:, 0], pa.int64()),
        "width": pa.array(predictions.sizes[:, 1], pa.int64()),
        "boxes": _lists(found_ends, _fours(found.boxes)),
        "scores": _lists(found_ends, pa.array(found.scores.astype(np.float32))),
        "predicted": _lists(found_ends, pa.array(names[found.labels], pa.string())),
        "target_boxes": _lists(true_ends, _fours(truth.boxes)),
        "target": _lists(true_ends, pa.array(names[truth.labels], pa.string())),
        "ignored": _lists(true_ends, pa.array(truth.ignored)),
    }
    thresholds = None if predictions.thresholds is None else predictions.thresholds.tolist()
    write_table(file, predictions, columns, {"thresholds": thresholds})


def _ends(parts: Sequence[np.ndarray]) -> np.ndarray:
    return np.cumsum([0, *(len(part) for part in parts)])


def _lists(ends: np.ndarray, values: pa.Array) -> pa.ListArray:
    return pa.ListArray.from_arrays(pa.array(ends, pa.int32()), values)


def _fours(boxes: np.ndarray) -> pa.ListArray:
    return _lists(np.arange(0, 4 * len(boxes) + 1, 4), pa.array(boxes.reshape(-1)))


def read_box_predictions(file: Path) -> BoxPredictions:
    """Read a predictions parquet that `write_box_predictions` wrote.

    Raises:
        DataError: the file is missing, damaged, of a newer format or another task, or holds values that cannot be.
    """
    table, about = read_of_task(file, TASK, COLUMNS)
    classes = tuple(about["classes"])
    values: dict[str, Any] = {
        "sizes": np.column_stack([table.column("height").to_numpy(), table.column("width").to_numpy()]),
        "labels": _split_names(table.column("predicted"), classes, what="predicted", file=file),
        "target_labels": _split_names(table.column("target"), classes, what="target", file=file),
        "thresholds": about["thresholds"],
        **{name: _split_boxes(table, name, file=file) for name in ("boxes", "target_boxes")},
        **{name: _split(table.column(name)) for name in ("scores", "ignored")},
        **of_images(table),
    }
    try:
        return BoxPredictions(classes=classes, **values)
    except DataError as err:
        raise DataError(f"{file}: {err}") from err


def _split(column: pa.ChunkedArray) -> list[np.ndarray]:
    whole = column.combine_chunks()
    values = whole.flatten().to_numpy(zero_copy_only=False)
    return _cut(values, np.asarray(whole.value_lengths(), np.int64))


def _split_boxes(table: pa.Table, name: str, *, file: Path) -> list[np.ndarray]:
    whole = table.column(name).combine_chunks()
    boxes = whole.flatten()
    lengths = np.asarray(boxes.value_lengths(), np.int64)
    if (lengths != 4).any():
        held = lengths[np.argmax(lengths != 4)]
        raise DataError(f"{file}: column {name!r} holds a box of {held} numbers, expected x1 y1 x2 y2")
    values = boxes.flatten().to_numpy(zero_copy_only=False)
    return _cut(values.reshape(-1, 4), np.asarray(whole.value_lengths(), np.int64))


def _split_names(column: pa.ChunkedArray, classes: tuple[str, ...], *, what: str, file: Path) -> list[np.ndarray]:
    whole = column.combine_chunks()
    labels = index_names(pa.chunked_array([whole.flatten()]), classes, what=what, file=file)
    return _cut(labels, np.asarray(whole.value_lengths(), np.int64))


def _cut(values: np.ndarray, lengths: np.ndarray) -> list[np.ndarray]:
    return np.split(values, np.cumsum(lengths)[:-1])[: len(lengths)]  # of no image, np.split makes one part
